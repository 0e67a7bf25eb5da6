#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/running_md5.h"
#include "core/namespace.h"
#include "protocol/gcs/call.h"
#include "protocol/gcs/size_range.h"

namespace beringia::protocol::gcs {

/// What a resumable upload was begun with. Kept in UploadRecord::options, so that it survives a
/// restart and another gateway can go on with it.
struct SessionTerms {
  core::Conditions conditions;
  core::ExpectedBody expected;  // size: from X-Upload-Content-Length
  SizeRange range;
};
/// Uploads of other protocols have ids too: those of ours say so.
inline constexpr const char* kSessionProtocol = "gcs";
inline constexpr const char* kXmlUploadProtocol = "gcs-xml";
/// The upload of that id, if it is of that protocol and the caller began it.
/// @error kNotFound: tag "no_upload": there is none (any more); tag "foreign_upload": another's
[[nodiscard]] Result<meta::UploadRecord> own_upload(Call& call, const core::Grant& grant,
                                                    const std::string& id,
                                                    std::string_view protocol);

meta::StringMap options_of(const SessionTerms& terms);
/// @error kCorrupt
[[nodiscard]] Result<SessionTerms> terms_of(const meta::StringMap& options);

/// What of an upload is stored: parts in order, each with the offset it begins at.
struct SessionProgress {
  uint64_t bytes = 0;
  uint32_t parts = 0;
  RunningMd5 md5;  // of all of them
};
/// @error kCorrupt (tag "session"): the parts do not join, which two requests at once can cause;
///        the upload must begin anew
[[nodiscard]] Result<SessionProgress> progress_of(const std::vector<meta::PartRecord>& parts);
/// What a part keeps in PartRecord::checksums, so that the next request can go on: `after` is the
/// sum of all bytes up to its end.
meta::StringMap marks_of_part(uint64_t offset, const RunningMd5& after);

/// Yields at most `limit` bytes of another source, which may be read on afterwards, and adds them
/// to `md5`.
class SliceSource final : public io::ByteSource {
 public:
  SliceSource(io::ByteSource& inner, uint64_t limit, RunningMd5& md5)
      : inner_{inner}, left_{limit}, md5_{md5} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override;
  /// The inner source came to its end.
  bool ended() const { return ended_; }
  uint64_t taken() const { return taken_; }

 private:
  io::ByteSource& inner_;
  uint64_t left_;
  RunningMd5& md5_;
  uint64_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace beringia::protocol::gcs
