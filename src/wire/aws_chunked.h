#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/byte_source.h"
#include "io/http.h"
#include "wire/sigv4.h"

namespace beringia::wire {

/// Decodes "aws-chunked" bodies:
///   hex-size[;chunk-signature=HEX] CRLF bytes CRLF ... 0[;chunk-signature=HEX] CRLF
///   [name:value CRLF ...] [x-amz-trailer-signature:HEX CRLF] CRLF
/// Signed chunks are held until their signature is proven; only then are their bytes handed on.
/// The end (0 from read) is told only after the last chunk, the trailer, its signature and the
/// decoded length were checked. One reader; owned by it.
///
/// @error (from read) kInvalid, tags: IncompleteBody (framing, length), MalformedTrailerError;
///        kDenied, tag SignatureDoesNotMatch
class AwsChunkedSource final : public io::ByteSource {
 public:
  /// Bound of a signed chunk, which has to be held in memory. SDKs send 64 KiB to 1 MiB.
  static constexpr size_t kMaxSignedChunk = 8 << 20;
  static constexpr size_t kMaxLine = 4096;  // chunk heads and trailer lines
  static constexpr size_t kMaxTrailerLines = 16;

  struct Options {
    uint64_t decoded_length = 0;  // x-amz-decoded-content-length
    SigV4Claim claim;
    std::optional<SigV4Verified> verified;   // needed for the signed modes
    std::vector<std::string> trailer_names;  // x-amz-trailer: what may come, lower case
  };
  AwsChunkedSource(io::ByteSource& inner, Options options);

  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override { return options_.decoded_length - given_; }
  /// Complete once read() has told the end.
  const io::HttpHeaders& trailers() const { return trailers_; }

 private:
  enum class State { kHead, kBytes, kHeld, kDone };

  Result<void> step(const io::Context& context);
  Result<void> read_head(const io::Context& context);
  Result<void> hold_chunk(const io::Context& context);
  Result<void> read_trailer(const io::Context& context);
  Result<void> finish(const io::Context& context);
  Result<void> check_trailer_signature(const std::string& canonical, std::string_view signature);
  Result<size_t> give_raw(const io::Context& context, std::span<char> buffer);
  Result<size_t> give_held(std::span<char> buffer);
  Result<std::string> read_line(const io::Context& context);
  Result<void> expect_line_end(const io::Context& context);
  Result<bool> fill(const io::Context& context);
  Error truncated() const;

  io::ByteSource& inner_;
  Options options_;
  bool is_signed_;
  std::string previous_signature_;
  State state_ = State::kHead;
  std::string buffer_;  // bytes of the inner source not yet used, from position_
  size_t position_ = 0;
  uint64_t chunk_left_ = 0;
  std::string chunk_signature_;
  std::string held_;  // a proven chunk
  size_t held_position_ = 0;
  uint64_t decoded_ = 0;  // announced by chunk heads so far
  uint64_t given_ = 0;
  io::HttpHeaders trailers_;
  std::optional<Error> failed_;
};

/// Hands bytes on and compares their SHA-256 at the end with the one that was signed.
/// @error kInvalid, tag XAmzContentSHA256Mismatch
class SignedHashSource final : public io::ByteSource {
 public:
  SignedHashSource(io::ByteSource& inner, std::string expected_hex);
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override { return inner_.remaining(); }

 private:
  io::ByteSource& inner_;
  std::string expected_hex_;
  Digest digest_{Digest::Kind::kSha256};
  bool ended_ = false;
  std::optional<Error> failed_;
};

/// Frames a body as a client does; for tests and benchmarks. Empty `key`: unsigned.
std::string encode_aws_chunked(std::string_view body, size_t chunk_bytes, const SigV4Claim& claim,
                               const HmacSha256* key,
                               const std::vector<std::pair<std::string, std::string>>& trailers);

}  // namespace beringia::wire
