#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beringia {

/// MD5 that can be put aside and gone on with, by another process too: uploads that come in chunks.
class RunningMd5 {
 public:
  RunningMd5();
  /// What save() gave. nullopt: damaged.
  static std::optional<RunningMd5> restore(std::string_view saved);
  void update(std::string_view bytes);
  /// Four words and the length, big-endian, then the bytes of the open block: 24 to 87 bytes.
  std::string save() const;
  std::string value() const;  // 16 raw bytes, of all until now

 private:
  std::array<uint32_t, 4> words_;
  uint64_t length_ = 0;
  std::string open_;  // the last length_ % 64 bytes
};

}  // namespace beringia
