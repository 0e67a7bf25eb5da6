#include "base/time.h"

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace beringia {
namespace {

struct tm broken_down(Timestamp time, int64_t& micros) {
  int64_t seconds = time.micros / 1'000'000;
  micros = time.micros % 1'000'000;
  if (micros < 0) {
    micros += 1'000'000;
    --seconds;
  }
  const time_t value = seconds;
  struct tm parts{};
  gmtime_r(&value, &parts);
  return parts;
}

Timestamp from_parts(struct tm parts, int64_t micros = 0) {
  parts.tm_isdst = 0;
  return {static_cast<int64_t>(timegm(&parts)) * 1'000'000 + micros};
}

bool in_range(const struct tm& parts) {
  return parts.tm_mon >= 0 && parts.tm_mon < 12 && parts.tm_mday >= 1 && parts.tm_mday <= 31 &&
         parts.tm_hour >= 0 && parts.tm_hour < 24 && parts.tm_min >= 0 && parts.tm_min < 60 &&
         parts.tm_sec >= 0 && parts.tm_sec <= 60 && parts.tm_year >= 0;
}

constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

int month_number(const char* name) {
  for (int i = 0; i < 12; ++i) {
    if (std::strncmp(name, kMonths[i], 3) == 0) return i;
  }
  return -1;
}

/// Writes `number` as `count` digits at `place`.
void put_digits(std::string& text, size_t place, size_t count, int number) {
  for (size_t k = place + count; k-- > place; number /= 10) {
    text[k] = static_cast<char>('0' + number % 10);
  }
}

}  // namespace

Timestamp SystemClock::wall() const {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return {static_cast<int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000};
}

MonotonicTime SystemClock::monotonic() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return {static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec};
}

std::string to_iso8601(Timestamp time) {
  int64_t micros = 0;
  const struct tm t = broken_down(time, micros);
  const int year = t.tm_year + 1900;
  if (year < 0 || year > 9999) {
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, t.tm_mon + 1,
                  t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, static_cast<int>(micros / 1000));
    return text;
  }
  // A list has a thousand of them, and printf was 3 % of its CPU time (perf, 2026-11).
  std::string text = "0000-00-00T00:00:00.000Z";
  put_digits(text, 0, 4, year);
  put_digits(text, 5, 2, t.tm_mon + 1);
  put_digits(text, 8, 2, t.tm_mday);
  put_digits(text, 11, 2, t.tm_hour);
  put_digits(text, 14, 2, t.tm_min);
  put_digits(text, 17, 2, t.tm_sec);
  put_digits(text, 20, 3, static_cast<int>(micros / 1000));
  return text;
}

std::string to_http_date(Timestamp time) {
  int64_t micros = 0;
  const struct tm t = broken_down(time, micros);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[t.tm_wday],
                t.tm_mday, kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
  return text;
}

Timestamp parse_http_date(const std::string& text) {
  struct tm t{};
  char month[4] = {};
  char day[16] = {};
  int year = 0;
  const char* s = text.c_str();
  if (std::sscanf(s, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &t.tm_mday, month, &year, &t.tm_hour,
                  &t.tm_min, &t.tm_sec) == 6) {
  } else if (std::sscanf(s, "%15[A-Za-z], %2d-%3s-%2d %2d:%2d:%2d GMT", day, &t.tm_mday, month,
                         &year, &t.tm_hour, &t.tm_min, &t.tm_sec) == 7) {
    year += year < 70 ? 2000 : 1900;  // RFC 9110 5.6.7
  } else if (std::sscanf(s, "%*3s %3s %2d %2d:%2d:%2d %4d", month, &t.tm_mday, &t.tm_hour,
                         &t.tm_min, &t.tm_sec, &year) != 6) {
    return {};
  }
  t.tm_year = year - 1900;
  t.tm_mon = month_number(month);
  return in_range(t) ? from_parts(t) : Timestamp{};
}

Timestamp parse_rfc3339(const std::string& text) {
  struct tm t{};
  int year = 0;
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%2d%n", &year, &t.tm_mon, &t.tm_mday,
                  &t.tm_hour, &t.tm_min, &t.tm_sec, &used) != 6 ||
      used == 0) {
    return {};
  }
  t.tm_year = year - 1900;
  t.tm_mon -= 1;
  if (!in_range(t)) return {};
  const char* rest = text.c_str() + used;
  int64_t micros = 0;
  if (*rest == '.') {
    int64_t scale = 100'000;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, scale /= 10) micros += (*rest - '0') * scale;
  }
  if ((*rest == 'Z' || *rest == 'z') && rest[1] == '\0') return from_parts(t, micros);
  int hours = 0;
  int minutes = 0;
  if ((*rest != '+' && *rest != '-') || std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) != 2) {
    return {};
  }
  const int64_t offset = (hours * 3600 + minutes * 60) * (*rest == '-' ? -1 : 1);
  return {from_parts(t, micros).micros - offset * 1'000'000};
}

std::string to_basic_iso8601(Timestamp time) {
  int64_t micros = 0;
  const struct tm t = broken_down(time, micros);
  char text[64];
  std::snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02dZ", t.tm_year + 1900, t.tm_mon + 1,
                t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
  return text;
}

Timestamp parse_basic_iso8601(const std::string& text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return {};
  for (size_t i = 0; i < 15; ++i) {
    if (i != 8 && (text[i] < '0' || text[i] > '9')) return {};
  }
  struct tm t{};
  auto number = [&](size_t at, size_t n) { return std::atoi(text.substr(at, n).c_str()); };
  t.tm_year = number(0, 4) - 1900;
  t.tm_mon = number(4, 2) - 1;
  t.tm_mday = number(6, 2);
  t.tm_hour = number(9, 2);
  t.tm_min = number(11, 2);
  t.tm_sec = number(13, 2);
  return in_range(t) ? from_parts(t) : Timestamp{};
}

}  // namespace beringia
