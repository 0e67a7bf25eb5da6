#include "base/quantity.h"

#include <array>
#include <cstdio>
#include <utility>

#include "base/encoding.h"

namespace beringia {
namespace {

using Unit = std::pair<std::string_view, uint64_t>;

constexpr std::array<Unit, 10> kByteUnits = {{{"", 1},
                                              {"B", 1},
                                              {"KiB", 1ULL << 10},
                                              {"MiB", 1ULL << 20},
                                              {"GiB", 1ULL << 30},
                                              {"TiB", 1ULL << 40},
                                              {"kB", 1'000},
                                              {"MB", 1'000'000},
                                              {"GB", 1'000'000'000},
                                              {"TB", 1'000'000'000'000}}};
constexpr std::array<Unit, 5> kTimeUnits = {{{"ms", 1'000'000},
                                             {"s", 1'000'000'000},
                                             {"m", 60'000'000'000},
                                             {"h", 3'600'000'000'000},
                                             {"d", 86'400'000'000'000}}};

/// Whole number and unit; the product must fit into 63 bits.
template <size_t N>
Result<uint64_t> scaled(std::string_view text, const std::array<Unit, N>& units,
                        const char* example) {
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  const auto number = parse_u64(text.substr(0, digits));
  std::string_view unit = text.substr(digits);
  if (number && *number == 0 && unit.empty()) return uint64_t{0};
  for (const auto& [name, factor] : units) {
    if (!number || unit != name) continue;
    if (*number > (~0ULL >> 1) / factor) break;
    return *number * factor;
  }
  return std::unexpected(
      invalid("cannot read the quantity \"" + std::string{text.substr(0, 64)} + "\"",
              "it is not a whole number with a unit", std::string{"write it as "} + example));
}

template <size_t N>
std::string in_units(uint64_t value, const std::array<Unit, N>& units, size_t first, size_t last) {
  for (size_t i = last; i > first; --i) {
    if (value != 0 && value % units[i].second == 0) {
      return std::to_string(value / units[i].second) + std::string{units[i].first};
    }
  }
  return std::to_string(value / units[first].second) +
         (value == 0 ? std::string{} : std::string{units[first].first});
}

}  // namespace

Result<uint64_t> parse_bytes(std::string_view text) {
  return scaled(text, kByteUnits, "64KiB, 16MiB or 1GiB");
}

Result<uint64_t> parse_rate(std::string_view text) {
  if (text == "0") return uint64_t{0};
  if (!text.ends_with("/s")) {
    return std::unexpected(
        invalid("cannot read the rate \"" + std::string{text.substr(0, 64)} + "\"",
                "it does not end in /s", "write it as 400MiB/s"));
  }
  return parse_bytes(text.substr(0, text.size() - 2));
}

Result<Duration> parse_duration(std::string_view text) {
  BR_TRY(nanos, scaled(text, kTimeUnits, "150ms, 10s, 5m, 2h or 7d"));
  return Duration{static_cast<int64_t>(nanos)};
}

std::string format_bytes(uint64_t bytes) { return in_units(bytes, kByteUnits, 0, 5); }

std::string format_rate(uint64_t bytes_per_s) {
  return bytes_per_s == 0 ? "0" : format_bytes(bytes_per_s) + "/s";
}

std::string format_duration(Duration duration) {
  return in_units(static_cast<uint64_t>(duration.count()), kTimeUnits, 0, 4);
}

std::string approximate_bytes(uint64_t bytes) {
  constexpr std::array<const char*, 5> kNames = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < kNames.size()) {
    value /= 1000;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit < 2 ? "%.0f %s" : "%.1f %s", value, kNames[unit]);
  return text;
}

}  // namespace beringia
