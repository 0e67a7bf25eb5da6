#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backend/backend.h"
#include "io/disk.h"

namespace beringia::backend::file {

/// What we store beside the bytes of a file (docs/formats/native-files.md), and of which bytes it
/// speaks: when size or mtime differ, someone has changed the file under us.
struct ObjectSeal {
  uint64_t size = 0;
  int64_t mtime_nanos = 0;
  std::optional<uint32_t> crc32c;
  std::optional<std::string> md5;  // 16 raw bytes
  std::string content_type;
  Attributes attributes;

  bool speaks_of(const io::FileStat& stat) const {
    return size == stat.size && mtime_nanos == stat.mtime_nanos;
  }
  /// Drops what is only true of the old bytes and binds the rest to `stat`.
  void rebind(const io::FileStat& stat);
};

std::string encode(const ObjectSeal& seal);
/// nullopt: not ours, damaged, or of a newer format.
std::optional<ObjectSeal> decode_seal(std::string_view text);

/// "inode-mtime_ns-size".
Version version_of(const io::FileStat& stat);

}  // namespace beringia::backend::file
