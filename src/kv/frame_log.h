#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/disk.h"

namespace beringia::kv {

/// Append-only file of checksummed frames; reading ends at the first frame that is not whole, which
/// is where the last synced write ended at the latest.
/// frame: length 4 B BE | crc32c 4 B BE of (number | payload) | number 8 B BE | payload
/// Frames are numbered from 1 without gaps, so that a stale frame never follows a new one.
/// One caller at a time.
class FrameLog {
 public:
  static constexpr uint64_t kMaxFrameBytes = 64u << 20;

  /// Hands every whole frame of `path` to `visit`. A missing file has none.
  [[nodiscard]] static Result<void> read(
      io::Disk& disk, const std::string& path,
      const std::function<Result<void>(std::string_view)>& visit);
  /// A new, empty log; replaces a file of that name.
  [[nodiscard]] static Result<FrameLog> create(io::Disk& disk, const std::string& path);

  [[nodiscard]] Result<void> append(std::string_view payload);
  [[nodiscard]] Result<void> sync() { return file_->sync(); }

 private:
  explicit FrameLog(std::unique_ptr<io::File> file) : file_{std::move(file)} {}
  std::unique_ptr<io::File> file_;
  uint64_t end_ = 0;     // offset of the next frame
  uint64_t number_ = 0;  // of the last frame
};

}  // namespace beringia::kv
