#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/byte_source.h"
#include "io/http.h"

namespace beringia::wire {

/// The boundary of a multipart Content-Type ("multipart/related; boundary=abc"), plain or quoted.
/// `subtype` is "related", "mixed", ... or empty for any.
/// @error kInvalid: not multipart, no boundary, or over 70 characters (RFC 2046, 5.1.1)
[[nodiscard]] Result<std::string> multipart_boundary(std::string_view content_type,
                                                     std::string_view subtype = {});

/// Reads a multipart body part by part, streaming; holds at most kBufferBytes of it.
///
/// Lines may end in CRLF or, as gcsfs sends, in LF only: the first delimiter line decides for the
/// whole body. A delimiter-like text inside a part that is not followed by "--" or a line end is
/// data. Owned by its user; `body` must outlive it. Not thread-safe.
class MultipartReader {
 public:
  static constexpr size_t kBufferBytes = 64 << 10;
  static constexpr size_t kMaxHeaderBytes = 16 << 10;
  static constexpr size_t kMaxPreambleBytes = 4 << 10;

  MultipartReader(io::ByteSource& body, std::string boundary);
  ~MultipartReader();
  MultipartReader(const MultipartReader&) = delete;
  MultipartReader& operator=(const MultipartReader&) = delete;

  /// Goes to the next part (dropping what is left of the current one) and returns its header
  /// fields; nullopt after the closing delimiter.
  /// @error kInvalid: malformed (tag "malformed_multipart"); else what `body` fails with
  [[nodiscard]] Result<std::optional<io::HttpHeaders>> next(const io::Context& context);
  /// The current part's bytes; valid until next(). Ends at the delimiter.
  io::ByteSource& part();

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// The frame of a multipart/related upload of the GCS JSON API: the bytes before and after the
/// media, and the request's Content-Type.
struct RelatedFrame {
  std::string content_type;
  std::string head;
  std::string tail;
};
RelatedFrame related_frame(std::string_view boundary, std::string_view metadata_json,
                           std::string_view media_type);

}  // namespace beringia::wire
