// Nobody gets past the door without a signature that holds, and every refusal is on record.
#include <gtest/gtest.h>

#include "protocol/s3/test_client.h"
#include "wire/aws_chunked.h"

namespace beringia::protocol::s3 {
namespace {

using test::Answer;
using test::Client;
using test::Headers;

class Signatures : public testing::Test {
 protected:
  Signatures() { client.bucket(); }

  /// Frames and signs `body` as the SDKs do.
  Answer send_chunked(const std::string& mode, const std::string& body, const Headers& trailers,
                      const std::function<void(std::string&)>& tamper = {}) {
    Headers headers{{"Content-Encoding", "aws-chunked"},
                    {"x-amz-decoded-content-length", std::to_string(body.size())}};
    for (const auto& [name, value] : trailers) headers.emplace_back("x-amz-trailer", name);
    io::HttpRequest request = client.make("PUT", "/b/k", "", headers);
    request.headers.remove("Content-Length");
    const auto claim = core::test::must(
        client.signer.sign("PUT", "/b/k", request.headers, mode, client.clock.wall()));
    wire::SigV4Claim full = claim;
    full.payload = mode == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" ? wire::PayloadMode::kChunkedSigned
                   : mode == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
                       ? wire::PayloadMode::kChunkedSignedTrailer
                       : wire::PayloadMode::kChunkedUnsignedTrailer;
    const HmacSha256 key = wire::derive_signing_key(claim, client.signer.secret);
    const bool is_signed = full.payload != wire::PayloadMode::kChunkedUnsignedTrailer;
    std::string framed =
        wire::encode_aws_chunked(body, 8, full, is_signed ? &key : nullptr, trailers);
    if (tamper) tamper(framed);
    request.has_body = true;
    request.content_length = framed.size();
    return client.deliver(std::move(request), framed);
  }

  Client client;
};

TEST_F(Signatures, a_signed_request_is_served) {
  EXPECT_EQ(client.send("PUT", "/b/k", "hello").status, 200);
  EXPECT_EQ(client.send("GET", "/b/k").body, "hello");
}

TEST_F(Signatures, anonymous_requests_are_refused_and_recorded) {
  const size_t before = client.audit().size();
  const Answer answer = client.send_raw("GET", "/b/k");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.code(), "AccessDenied");
  EXPECT_NE(answer.header("x-amz-request-id"), "(none)");
  const auto records = client.audit();
  ASSERT_EQ(records.size(), before + 1);
  EXPECT_NE(records.back().find("GetObject"), std::string::npos) << records.back();
}

TEST_F(Signatures, a_wrong_secret_and_an_unknown_key_have_their_own_codes) {
  client.signer.secret = Secret{"wrong"};
  EXPECT_EQ(client.send("GET", "/b/k").code(), "SignatureDoesNotMatch");
  client.signer.access_key = "AKIAUNKNOWN";
  const Answer answer = client.send("GET", "/b/k");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.code(), "InvalidAccessKeyId");
  EXPECT_NE(client.audit().back().find("AKIAUNKNOWN"), std::string::npos);
}

TEST_F(Signatures, an_unsigned_amz_header_is_refused) {
  io::HttpRequest request = client.make("PUT", "/b/k", "x", {});
  core::test::must(
      client.signer.sign("PUT", "/b/k", request.headers, to_hex(sha256("x")), client.clock.wall()));
  request.headers.add("x-amz-meta-added", "later");
  EXPECT_EQ(client.deliver(std::move(request), "x").code(), "AccessDenied");
}

TEST_F(Signatures, a_skewed_clock_is_refused) {
  io::HttpRequest request = client.make("GET", "/b/k", "", {});
  const Timestamp past{client.clock.wall().micros - 16 * 60 * 1'000'000LL};
  core::test::must(client.signer.sign("GET", "/b/k", request.headers, to_hex(sha256("")), past));
  const Answer answer = client.deliver(std::move(request), "");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.code(), "RequestTimeTooSkewed");
}

TEST_F(Signatures, a_body_that_is_not_what_was_signed_is_not_stored) {
  io::HttpRequest request = client.make("PUT", "/b/k", "good", {});
  core::test::must(client.signer.sign("PUT", "/b/k", request.headers, to_hex(sha256("good")),
                                      client.clock.wall()));
  const Answer answer = client.deliver(std::move(request), "evil");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.code(), "XAmzContentSHA256Mismatch");
  EXPECT_EQ(client.send("GET", "/b/k").status, 404);
  // Without any body the hash is compared as well.
  EXPECT_EQ(client.send("GET", "/b/k", "", {{"x-amz-content-sha256", std::string(64, 'a')}}).code(),
            "XAmzContentSHA256Mismatch");
}

TEST_F(Signatures, presigned_urls_work_until_they_expire) {
  ASSERT_EQ(client.send("PUT", "/b/k", "hello").status, 200);
  io::HttpHeaders host;
  host.add("Host", Client::kHost);
  const std::string target =
      core::test::must(client.signer.presign("GET", "/b/k", host, 60, client.clock.wall()));
  EXPECT_EQ(client.send_raw("GET", target).body, "hello");
  EXPECT_EQ(client.send_raw("PUT", target, "x").code(), "SignatureDoesNotMatch");
  client.clock.pass(std::chrono::seconds{61});
  const Answer late = client.send_raw("GET", target);
  EXPECT_EQ(late.status, 403);
  EXPECT_EQ(late.code(), "AccessDenied");
  const std::string put =
      core::test::must(client.signer.presign("PUT", "/b/new", host, 60, client.clock.wall()));
  EXPECT_EQ(client.send_raw("PUT", put, "open body").status, 200);
  EXPECT_EQ(client.send("GET", "/b/new").body, "open body");
}

TEST_F(Signatures, chunked_bodies_are_unframed_in_every_mode) {
  const std::string body = "0123456789abcdefghij";
  Crc32 crc;
  crc.update(body);
  std::string bytes;
  append_be32(bytes, crc.value());
  const Headers trailer{{"x-amz-checksum-crc32", to_base64(bytes)}};
  EXPECT_EQ(send_chunked("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", body, {}).status, 200);
  EXPECT_EQ(client.send("GET", "/b/k").body, body);
  for (const char* mode :
       {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}) {
    const Answer put = send_chunked(mode, body, trailer);
    EXPECT_EQ(put.status, 200) << put.body;
    EXPECT_EQ(put.header("x-amz-checksum-crc32"), to_base64(bytes));
    const Answer got = client.send("GET", "/b/k", "", {{"x-amz-checksum-mode", "ENABLED"}});
    EXPECT_EQ(got.body, body);
    EXPECT_EQ(got.header("x-amz-checksum-crc32"), to_base64(bytes));
    EXPECT_EQ(got.header("Content-Encoding"), "(none)") << "framing is not content";
  }
}

TEST_F(Signatures, a_tampered_chunk_is_not_stored) {
  const auto flip = [](std::string& framed) { framed[framed.find("01234567")] = 'X'; };
  EXPECT_EQ(send_chunked("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0123456789", {}, flip).code(),
            "SignatureDoesNotMatch");
  const auto cut = [](std::string& framed) { framed.resize(framed.size() - 20); };
  EXPECT_EQ(send_chunked("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0123456789", {}, cut).status, 400);
  const Answer wrong = send_chunked("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "0123456789",
                                    {{"x-amz-checksum-crc32", "AAAAAA=="}});
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.code(), "BadDigest");
  EXPECT_EQ(client.send("GET", "/b/k").status, 404);
}

TEST_F(Signatures, other_principals_are_denied_by_default) {
  ASSERT_EQ(client.send("PUT", "/b/k", "hello").status, 200);
  client.use("alice");
  for (const auto& [method, target] :
       std::vector<std::pair<std::string, std::string>>{{"GET", "/b/k"},
                                                        {"HEAD", "/b/k"},
                                                        {"PUT", "/b/k"},
                                                        {"DELETE", "/b/k"},
                                                        {"GET", "/b"},
                                                        {"DELETE", "/b"},
                                                        {"PUT", "/mine"},
                                                        {"POST", "/b/k?uploads"},
                                                        {"GET", "/b?policy"}}) {
    const size_t before = client.audit().size();
    const Answer answer = client.send(method, target);
    EXPECT_EQ(answer.status, 403) << method << " " << target;
    if (method != "HEAD") EXPECT_EQ(answer.code(), "AccessDenied");
    EXPECT_EQ(client.audit().size(), before + 1) << method << " " << target;
  }
}

TEST_F(Signatures, every_request_leaves_exactly_one_record) {
  const std::vector<std::pair<std::string, std::string>> requests = {
      {"PUT", "/b/k"},         {"GET", "/b/k"},    {"HEAD", "/b/k"},      {"GET", "/b/none"},
      {"GET", "/none/k"},      {"GET", "/b"},      {"GET", "/"},          {"HEAD", "/b"},
      {"GET", "/b?location"},  {"GET", "/b?cors"}, {"PUT", "/b?cors"},    {"PATCH", "/b/k"},
      {"POST", "/b"},          {"GET", "/b/%ff"},  {"DELETE", "/b/none"}, {"DELETE", "/b/k"},
      {"GET", "/b?max-keys=x"}};
  for (const auto& [method, target] : requests) {
    const size_t before = client.audit().size();
    const Answer answer = client.send(method, target);
    const auto records = client.audit();
    ASSERT_EQ(records.size(), before + 1) << method << " " << target;
    EXPECT_NE(records.back().find(client.signer.access_key), std::string::npos) << records.back();
    EXPECT_EQ(records.back().find(client.signer.secret.reveal()), std::string::npos);
    EXPECT_NE(answer.status, 500) << method << " " << target;
  }
}

}  // namespace
}  // namespace beringia::protocol::s3
