#include "wire/cel/times.h"

#include <fmt/format.h>

#include <chrono>

namespace beringia::wire::cel {

namespace {

constexpr int64_t kNanos = 1'000'000'000;

__extension__ typedef __int128 Wide;  // nanoseconds of 10,000 years need 69 bits

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads exactly `count` digits at the front.
std::optional<int> take_digits(std::string_view& text, size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, std::string_view letters) {
  if (text.empty() || letters.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

struct Unit {
  std::string_view name;
  int64_t nanos;
};

// Longer names first: "ms" is not "m".
constexpr Unit kUnits[] = {{"ns", 1},           {"us", 1'000}, {"\xC2\xB5s", 1'000},
                           {"ms", 1'000'000},   {"s", kNanos}, {"m", 60 * kNanos},
                           {"h", 3600 * kNanos}};

std::optional<int64_t> take_unit(std::string_view& text) {
  for (const auto& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return unit.nanos;
  }
  return std::nullopt;
}

/// The fraction of a second, of up to nine digits, without its point; "" without one.
std::string fraction_text(int32_t nanos) {
  if (nanos == 0) return {};
  std::string digits = fmt::format(".{:09}", nanos);
  digits.erase(digits.find_last_not_of('0') + 1);
  return digits;
}

}  // namespace

std::optional<Value> make_timestamp(int64_t seconds, int64_t nanos) {
  if (__builtin_add_overflow(seconds, nanos / kNanos, &seconds)) return std::nullopt;
  nanos %= kNanos;
  if (nanos < 0) {
    nanos += kNanos;
    if (__builtin_sub_overflow(seconds, 1, &seconds)) return std::nullopt;
  }
  if (seconds < kMinTimestampSeconds || seconds > kMaxTimestampSeconds) return std::nullopt;
  return Value::timestamp(seconds, static_cast<int32_t>(nanos));
}

std::optional<Value> make_duration(int64_t seconds, int64_t nanos) {
  if (__builtin_add_overflow(seconds, nanos / kNanos, &seconds)) return std::nullopt;
  nanos %= kNanos;
  if (seconds > 0 && nanos < 0) {
    --seconds;
    nanos += kNanos;
  } else if (seconds < 0 && nanos > 0) {
    ++seconds;
    nanos -= kNanos;
  }
  if (seconds < -kMaxDurationSeconds || seconds > kMaxDurationSeconds ||
      (nanos != 0 && (seconds == kMaxDurationSeconds || seconds == -kMaxDurationSeconds))) {
    return std::nullopt;
  }
  return Value::duration(seconds, static_cast<int32_t>(nanos));
}

std::optional<Value> parse_duration(std::string_view text) {
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return Value::duration(0, 0);
  if (text.empty()) return std::nullopt;
  Wide total = 0;  // nanoseconds; 10,000 years are under 2^69
  const Wide limit = static_cast<Wide>(kMaxDurationSeconds) * kNanos;
  while (!text.empty()) {
    Wide whole = 0;
    Wide fraction = 0;
    Wide scale = 1;
    size_t digits = 0;
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), ++digits) {
      whole = whole * 10 + (text[0] - '0');
      if (whole > limit) return std::nullopt;
    }
    if (take(text, ".")) {
      for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), ++digits) {
        if (scale >= static_cast<Wide>(1'000'000'000'000'000)) continue;  // beyond use
        fraction = fraction * 10 + (text[0] - '0');
        scale *= 10;
      }
    }
    const auto unit = take_unit(text);
    if (digits == 0 || !unit) return std::nullopt;
    total += whole * *unit + fraction * *unit / scale;
    if (total > limit) return std::nullopt;
  }
  if (negative) total = -total;
  return make_duration(static_cast<int64_t>(total / kNanos), static_cast<int64_t>(total % kNanos));
}

std::optional<Value> parse_timestamp(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, "-")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, "-")) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || !take(text, "Tt ")) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ":")) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  int64_t nanos = 0;
  if (take(text, ".")) {
    int64_t scale = kNanos / 10;
    size_t digits = 0;
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), ++digits, scale /= 10) {
      nanos += (text[0] - '0') * scale;
    }
    if (digits == 0 || digits > 9) return std::nullopt;
  }
  int64_t offset_s = 0;
  if (!take(text, "Zz")) {
    if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
    const auto zone = parse_zone(text);
    if (!zone) return std::nullopt;
    offset_s = *zone;
    text = {};
  }
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!text.empty() || !date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return make_timestamp(days * 86400 + *hour * 3600 + *minute * 60 + *second - offset_s, nanos);
}

std::string duration_text(const Value& duration) {
  const bool negative = duration.seconds() < 0 || duration.nanos() < 0;
  return fmt::format("{}{}{}s", negative ? "-" : "", std::abs(duration.seconds()),
                     fraction_text(std::abs(duration.nanos())));
}

std::string timestamp_text(const Value& timestamp) {
  const Civil civil = to_civil(timestamp.seconds());
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", civil.year, civil.month + 1,
                     civil.day + 1, civil.hour, civil.minute, civil.second,
                     fraction_text(timestamp.nanos()));
}

std::optional<int32_t> parse_zone(std::string_view text) {
  if (text == "UTC" || text == "Z" || text.empty()) return 0;
  const int sign = text[0] == '-' ? -1 : 1;
  take(text, "+-");
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ":")) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

Civil to_civil(int64_t seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds{seconds}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const auto first = std::chrono::sys_days{date.year() / std::chrono::January / 1};
  const std::chrono::hh_mm_ss clock{time - day};
  Civil civil{};
  civil.year = static_cast<int>(date.year());
  civil.month = static_cast<int>(static_cast<unsigned>(date.month())) - 1;
  civil.day = static_cast<int>(static_cast<unsigned>(date.day())) - 1;
  civil.weekday = static_cast<int>(std::chrono::weekday{day}.c_encoding());
  civil.day_of_year = static_cast<int>((day - first).count());
  civil.hour = static_cast<int>(clock.hours().count());
  civil.minute = static_cast<int>(clock.minutes().count());
  civil.second = static_cast<int>(clock.seconds().count());
  return civil;
}

}  // namespace beringia::wire::cel
