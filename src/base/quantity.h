#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace beringia {

// Quantities as people write them in settings and estate files.

/// "65536", "64KiB", "16MiB", "1GiB", "2TiB" (powers of 1024), "kB", "MB", "GB", "TB" (of 1000).
/// @error kInvalid
[[nodiscard]] Result<uint64_t> parse_bytes(std::string_view text);
/// Bytes with "/s": "400MiB/s"; "0" = no limit. @error kInvalid
[[nodiscard]] Result<uint64_t> parse_rate(std::string_view text);
/// "150ms", "10s", "5m", "2h", "7d"; "0". @error kInvalid
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// The largest binary unit that divides it: 67108864 -> "64MiB". parse_bytes() reads it back.
std::string format_bytes(uint64_t bytes);
std::string format_rate(uint64_t bytes_per_s);
std::string format_duration(Duration duration);
/// Rounded, for people: "312.4 MB".
std::string approximate_bytes(uint64_t bytes);

}  // namespace beringia
