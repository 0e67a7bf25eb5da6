#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/namespace.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

/// What a resumable upload was begun with. Kept in UploadRecord::options, so that it survives a
/// restart and another gateway can go on with it.
struct SessionTerms {
  core::Conditions conditions;
  core::ExpectedBody expected;  // size: from X-Upload-Content-Length
};
meta::StringMap options_of(const SessionTerms& terms);
/// @error kCorrupt
[[nodiscard]] Result<SessionTerms> terms_of(const meta::StringMap& options);

/// What of an upload is stored: parts in order, each with the offset it begins at.
struct SessionProgress {
  uint64_t bytes = 0;
  uint32_t parts = 0;
};
/// @error kCorrupt (tag "session"): the parts do not join, which two requests at once can cause;
///        the upload must begin anew
[[nodiscard]] Result<SessionProgress> progress_of(const std::vector<meta::PartRecord>& parts);
/// Name of the offset in PartRecord::checksums.
inline constexpr const char* kOffsetKey = "offset";

/// Yields at most `limit` bytes of another source, which may be read on afterwards.
class SliceSource final : public io::ByteSource {
 public:
  SliceSource(io::ByteSource& inner, uint64_t limit) : inner_{inner}, left_{limit} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override;
  /// The inner source came to its end.
  bool ended() const { return ended_; }
  uint64_t taken() const { return taken_; }

 private:
  io::ByteSource& inner_;
  uint64_t left_;
  uint64_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace beringia::protocol::gcs
