#include "wire/aws_chunked.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random.h"

namespace beringia::wire {
namespace {

const Secret kSecret{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

/// Gives its bytes in small pieces, so that framing is cut everywhere.
class PieceSource final : public io::ByteSource {
 public:
  PieceSource(std::string bytes, size_t piece) : bytes_{std::move(bytes)}, piece_{piece} {}
  Result<size_t> read(const io::Context&, std::span<char> buffer) override {
    const size_t n = std::min({piece_, buffer.size(), bytes_.size() - position_});
    std::copy_n(bytes_.data() + position_, n, buffer.data());
    position_ += n;
    return n;
  }

 private:
  std::string bytes_;
  size_t piece_;
  size_t position_ = 0;
};

SigV4Claim claim_of(PayloadMode mode) {
  SigV4Claim claim;
  claim.payload = mode;
  claim.date = "20130524";
  claim.region = "us-east-1";
  claim.scope = "20130524/us-east-1/s3/aws4_request";
  claim.time_text = "20130524T000000Z";
  claim.signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  return claim;
}

struct Decoded {
  Result<std::string> body;
  std::string trailer;
};

Decoded decode(const std::string& framed, PayloadMode mode, uint64_t length,
               std::vector<std::string> names = {}, size_t piece = 7) {
  PieceSource inner{framed, piece};
  AwsChunkedSource::Options options;
  options.claim = claim_of(mode);
  options.decoded_length = length;
  options.verified =
      SigV4Verified{derive_signing_key(options.claim, kSecret), options.claim.signature};
  options.trailer_names = std::move(names);
  AwsChunkedSource source{inner, std::move(options)};
  auto body = io::read_all({}, source, 1 << 20);
  return {std::move(body), std::string{source.trailers().get_or("x-amz-checksum-crc32c", "")}};
}

std::string tag_of(const Decoded& decoded) {
  return decoded.body ? "ok" : decoded.body.error().tag();
}

// S3 API reference, "Signature calculations for the Authorization header: transferring payload in
// multiple chunks": 66,560 bytes of 'a' in chunks of 64 KiB, 1 KiB and 0.
std::string published_example() {
  return "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
         "\r\n" +
         std::string(65536, 'a') +
         "\r\n400;chunk-signature="
         "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
         std::string(1024, 'a') +
         "\r\n0;chunk-signature="
         "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
}

TEST(AwsChunkedSource, accepts_the_published_signed_example) {
  for (const size_t piece : {1000U, 65536U, 1U << 20}) {
    const auto decoded = decode(published_example(), PayloadMode::kChunkedSigned, 66560, {}, piece);
    ASSERT_TRUE(decoded.body) << decoded.body.error().to_string();
    EXPECT_EQ(*decoded.body, std::string(66560, 'a'));
  }
}

TEST(AwsChunkedSource, gives_no_byte_of_a_chunk_whose_signature_is_wrong) {
  std::string framed = published_example();
  framed[200] = 'b';
  PieceSource inner{framed, 4096};
  AwsChunkedSource::Options options;
  options.claim = claim_of(PayloadMode::kChunkedSigned);
  options.decoded_length = 66560;
  options.verified =
      SigV4Verified{derive_signing_key(options.claim, kSecret), options.claim.signature};
  AwsChunkedSource source{inner, options};
  std::string buffer(4096, '\0');
  const auto first = source.read({}, buffer);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().tag(), "SignatureDoesNotMatch");
  EXPECT_FALSE(source.read({}, buffer));  // and stays so
}

TEST(AwsChunkedSource, checks_the_signed_trailer) {
  const auto claim = claim_of(PayloadMode::kChunkedSignedTrailer);
  const auto key = derive_signing_key(claim, kSecret);
  const std::string body(100000, 'x');
  const std::string framed =
      encode_aws_chunked(body, 65536, claim, &key, {{"x-amz-checksum-crc32c", "sOO8/Q=="}});
  const auto good =
      decode(framed, PayloadMode::kChunkedSignedTrailer, body.size(), {"x-amz-checksum-crc32c"});
  ASSERT_EQ(tag_of(good), "ok");
  EXPECT_EQ(good.trailer, "sOO8/Q==");
  std::string forged = framed;
  forged.replace(forged.find("sOO8"), 4, "tOO8");
  EXPECT_EQ(tag_of(decode(forged, PayloadMode::kChunkedSignedTrailer, body.size(),
                          {"x-amz-checksum-crc32c"})),
            "SignatureDoesNotMatch");
  std::string unsigned_trailer = framed.substr(0, framed.find("x-amz-trailer-signature")) + "\r\n";
  EXPECT_NE(tag_of(decode(unsigned_trailer, PayloadMode::kChunkedSignedTrailer, body.size(),
                          {"x-amz-checksum-crc32c"})),
            "ok");
}

TEST(AwsChunkedSource, decodes_unsigned_chunks_cut_anywhere) {
  const std::string framed =
      "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nx-amz-checksum-crc32c:yZRlqg==\r\n\r\n";
  for (size_t piece = 1; piece < framed.size(); ++piece) {
    const auto decoded =
        decode(framed, PayloadMode::kChunkedUnsignedTrailer, 11, {"x-amz-checksum-crc32c"}, piece);
    ASSERT_EQ(tag_of(decoded), "ok");
    EXPECT_EQ(*decoded.body, "hello world");
    EXPECT_EQ(decoded.trailer, "yZRlqg==");
  }
}

TEST(AwsChunkedSource, refuses_every_truncation) {
  const std::string framed =
      "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32c:yZRlqg==\r\n\r\n";
  for (size_t length = 0; length + 1 < framed.size(); ++length) {
    const auto decoded = decode(framed.substr(0, length), PayloadMode::kChunkedUnsignedTrailer, 11,
                                {"x-amz-checksum-crc32c"});
    EXPECT_NE(tag_of(decoded), "ok") << length;
  }
}

TEST(AwsChunkedSource, refuses_bad_framing) {
  const auto tag = [](const std::string& framed, uint64_t length,
                      std::vector<std::string> names = {}) {
    return tag_of(decode(framed, PayloadMode::kChunkedUnsignedTrailer, length, std::move(names)));
  };
  EXPECT_EQ(tag("5\r\nhello\r\n0\r\n\r\n", 5), "ok");
  EXPECT_EQ(tag("5\r\nhello\r\n0\r\n\r\n\r\n", 5), "ok");  // one more CRLF, as some SDKs send
  EXPECT_EQ(tag("5\r\nhello\r\n0\r\n\r\n", 6), "IncompleteBody");
  EXPECT_EQ(tag("5\r\nhello\r\n0\r\n\r\n", 4), "IncompleteBody");
  EXPECT_EQ(tag("5\r\nhello!\r\n0\r\n\r\n", 6), "IncompleteBody");
  EXPECT_EQ(tag("g\r\nhello\r\n0\r\n\r\n", 5), "IncompleteBody");
  EXPECT_EQ(tag("fffffffffffffff\r\nhello\r\n0\r\n\r\n", 5), "IncompleteBody");
  EXPECT_EQ(tag("5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", 5), "IncompleteBody");
  EXPECT_EQ(tag(std::string(9000, '1') + "\r\n", 5), "IncompleteBody");
  EXPECT_EQ(tag("0\r\nx-evil:1\r\n\r\n", 0), "MalformedTrailerError");
  EXPECT_EQ(tag("0\r\nno colon\r\n\r\n", 0), "MalformedTrailerError");
  EXPECT_EQ(tag("0\r\n\r\n", 0, {"x-amz-checksum-crc32c"}), "MalformedTrailerError");
}

TEST(AwsChunkedSource, refuses_signed_chunks_over_its_bound_and_without_signature) {
  const std::string signature(64, '0');
  EXPECT_EQ(tag_of(decode("1000000;chunk-signature=" + signature + "\r\n",
                          PayloadMode::kChunkedSigned, 1 << 24)),
            "InvalidRequest");
  EXPECT_EQ(tag_of(decode("5\r\nhello\r\n0\r\n\r\n", PayloadMode::kChunkedSigned, 5)),
            "SignatureDoesNotMatch");
}

TEST(SignedHashSource, compares_at_the_end) {
  io::StringSource good{"hello"};
  SignedHashSource right{good, to_hex(sha256("hello"))};
  EXPECT_EQ(io::read_all({}, right, 100), "hello");
  io::StringSource bad{"hellO"};
  SignedHashSource wrong{bad, to_hex(sha256("hello"))};
  const auto refused = io::read_all({}, wrong, 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().tag(), "XAmzContentSHA256Mismatch");
}

}  // namespace
}  // namespace beringia::wire
