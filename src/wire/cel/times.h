#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wire/cel.h"

namespace beringia::wire::cel {

// CEL language definition: timestamps are of the years 1 to 9999; durations of +-10,000 years.
inline constexpr int64_t kMinTimestampSeconds = -62'135'596'800;
inline constexpr int64_t kMaxTimestampSeconds = 253'402'300'799;
inline constexpr int64_t kMaxDurationSeconds = 315'576'000'000;

/// "1h30m", "-1.5s", "0": nullopt if it is none or out of range. Units: h, m, s, ms, us, ns.
std::optional<Value> parse_duration(std::string_view text);
/// RFC 3339 with up to nine digits of a second.
std::optional<Value> parse_timestamp(std::string_view text);
std::string duration_text(const Value& duration);    // "5400s", "-1.5s"
std::string timestamp_text(const Value& timestamp);  // "2026-11-26T12:00:00.5Z"

/// nullopt: out of CEL's range. Nanos may be any of both signs.
std::optional<Value> make_timestamp(int64_t seconds, int64_t nanos);
std::optional<Value> make_duration(int64_t seconds, int64_t nanos);

/// Seconds east of UTC: "UTC", "Z", "+05:30", "-08:00", "02:00"; nullopt: not such a zone.
std::optional<int32_t> parse_zone(std::string_view text);

/// A moment on the calendar.
struct Civil {
  int64_t year;
  int month;        // 0..11
  int day;          // 0..30
  int weekday;      // 0 = Sunday
  int day_of_year;  // 0..365
  int hour;
  int minute;
  int second;
};
Civil to_civil(int64_t seconds);

}  // namespace beringia::wire::cel
