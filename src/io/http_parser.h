#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/http.h"

namespace beringia::io {

/// How a message's body is framed.
struct BodyFraming {
  bool chunked = false;
  std::optional<uint64_t> content_length;
};

/// Position behind the head (after the empty line) in `bytes`, 0 if it is not complete yet.
/// Searching goes on where it stopped: pass the size of what was searched before.
size_t find_head_end(std::string_view bytes, size_t searched);

/// Parses a request head (all bytes up to and with the empty line), strictly as RFC 9112 says: no
/// folded lines, no blank before the colon, no bare CR, no control bytes.
/// @error kInvalid (tag "header" = 400, "too_many" = 431), kUnsupported (transfer coding: 501)
[[nodiscard]] Result<BodyFraming> parse_request_head(std::string_view head, size_t max_headers,
                                                     HttpRequest& request);

struct ResponseHead {
  int status = 0;
  HttpHeaders headers;
  bool keep_alive = true;
};
[[nodiscard]] Result<BodyFraming> parse_response_head(std::string_view head, size_t max_headers,
                                                      ResponseHead& response);

/// Framing by Content-Length and Transfer-Encoding; two different lengths, or a length beside a
/// coding, are refused (request smuggling).
[[nodiscard]] Result<BodyFraming> body_framing(const HttpHeaders& headers);

/// Decodes chunked framing step by step. Feed bytes; it tells how many were used and what came out.
class ChunkedDecoder {
 public:
  explicit ChunkedDecoder(size_t max_trailer_bytes) : max_trailer_bytes_{max_trailer_bytes} {}
  struct Step {
    size_t used = 0;        // bytes of the input consumed
    std::string_view data;  // body bytes, a part of the input; may be empty
  };
  /// Progress or need for more input: used == 0 means more bytes are needed. @error kInvalid
  [[nodiscard]] Result<Step> feed(std::string_view bytes);
  bool done() const { return state_ == State::kDone; }
  const HttpHeaders& trailers() const { return trailers_; }

 private:
  enum class State { kSize, kData, kDataEnd, kTrailers, kDone };
  Result<Step> size_line(std::string_view bytes);
  Result<Step> trailer_line(std::string_view bytes);
  State state_ = State::kSize;
  uint64_t left_ = 0;
  size_t max_trailer_bytes_;
  size_t trailer_bytes_ = 0;
  HttpHeaders trailers_;
};

/// Bytes of the size line that write_chunk_size() makes.
inline constexpr size_t kChunkSizeBytes = 8;
/// Writes "hhhhhh\r\n" to `at`. @param n  bytes of the chunk, < 2^24
void write_chunk_size(char* at, size_t n);

/// Reason phrase of a status.
std::string_view reason_of(int status);

}  // namespace beringia::io
