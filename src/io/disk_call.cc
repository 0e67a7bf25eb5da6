#include "io/disk_call.h"

#include <array>

namespace beringia::io {
namespace {

constexpr std::array<std::string_view, kDiskCalls> kNames = {"open",
                                                             "read",
                                                             "write",
                                                             "truncate",
                                                             "sync",
                                                             "stat",
                                                             "set_xattr",
                                                             "get_xattr",
                                                             "copy",
                                                             "rename",
                                                             "rename_exclusive",
                                                             "unlink",
                                                             "make_directory",
                                                             "remove_directory",
                                                             "list",
                                                             "sync_directory",
                                                             "free_bytes",
                                                             "set_modified",
                                                             "link"};

}  // namespace

std::string_view to_string(DiskCall call) { return kNames[static_cast<size_t>(call)]; }

std::optional<DiskCall> parse_disk_call(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<DiskCall>(i);
  }
  return std::nullopt;
}

}  // namespace beringia::io
