#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace beringia::io {

/// The calls of Disk and File, for counting them and for making them fail.
enum class DiskCall {
  kOpen,
  kRead,
  kWrite,
  kTruncate,
  kSync,
  kStat,
  kSetXattr,
  kGetXattr,
  kCopy,
  kRename,
  kRenameExclusive,
  kUnlink,
  kMakeDirectory,
  kRemoveDirectory,
  kList,
  kSyncDirectory,
  kFreeBytes,
  kSetModified,
  kLink,
};
inline constexpr size_t kDiskCalls = 19;

/// "sync_directory" and so on; as in the configuration of faults.
std::string_view to_string(DiskCall call);
std::optional<DiskCall> parse_disk_call(std::string_view name);

}  // namespace beringia::io
