#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.h"

namespace beringia::simulation {

/// The bytes that the write with this id has: every byte depends on the id, so that a mix of two
/// contents is neither. Most are short, some span several sectors and buffers.
inline std::string content_of(uint64_t id) {
  const uint64_t mixed = (id + 1) * 0x9E3779B97F4A7C15ULL;
  const size_t size = mixed % 8 == 0 ? 2000 + mixed / 8 % 3000 : 24 + mixed / 8 % 100;
  std::string bytes = std::to_string(id) + ":";
  uint64_t state = mixed;
  while (bytes.size() < size) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    bytes += static_cast<char>('a' + (state >> 33) % 26);
  }
  return bytes;
}

/// The id whose content these bytes are; nullopt: they are a mix, cut or wrong.
inline std::optional<uint64_t> id_of(std::string_view bytes) {
  const auto id = parse_u64(bytes.substr(0, bytes.find(':')));
  if (!id || content_of(*id) != bytes) return std::nullopt;
  return *id;
}

}  // namespace beringia::simulation
