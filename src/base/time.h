#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace beringia {

using Duration = std::chrono::nanoseconds;

/// Wall-clock time, microseconds since 1970-01-01T00:00:00Z. 0 means "not set".
struct Timestamp {
  int64_t micros = 0;
  auto operator<=>(const Timestamp&) const = default;
};

/// Monotonic time, nanoseconds since an arbitrary start; only differences mean anything.
struct MonotonicTime {
  int64_t nanos = 0;
  auto operator<=>(const MonotonicTime&) const = default;
};

inline MonotonicTime operator+(MonotonicTime t, Duration d) { return {t.nanos + d.count()}; }
inline Duration operator-(MonotonicTime a, MonotonicTime b) { return Duration{a.nanos - b.nanos}; }

/// Source of time. Implementations are thread-safe. Simulation replaces it with virtual time.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp wall() const = 0;
  virtual MonotonicTime monotonic() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Timestamp wall() const override;
  MonotonicTime monotonic() const override;
};

/// "2026-11-24T15:04:05.123Z" (milliseconds), UTC.
std::string to_iso8601(Timestamp time);
/// "Tue, 24 Nov 2026 15:04:05 GMT" (RFC 9110 IMF-fixdate).
std::string to_http_date(Timestamp time);
/// Parses to_http_date's form and RFC 850 / asctime forms; returns micros 0 on bad input.
Timestamp parse_http_date(const std::string& text);
/// Parses RFC 3339 ("2026-11-24T15:04:05[.123][Z|+01:00]"); returns micros 0 on bad input.
Timestamp parse_rfc3339(const std::string& text);
/// "20261124T150405Z", the basic form of SigV4; parse returns micros 0 on bad input.
std::string to_basic_iso8601(Timestamp time);
Timestamp parse_basic_iso8601(const std::string& text);

}  // namespace beringia
