#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "wire/cel/evaluation.h"
#include "wire/cel/times.h"
#include "wire/cel/values.h"

namespace beringia::wire::cel {

namespace {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<bool> parse_bool(std::string_view text) {
  // CEL language definition, type conversions of bool.
  for (const auto word : {"true", "True", "TRUE", "t", "1"}) {
    if (text == word) return true;
  }
  for (const auto word : {"false", "False", "FALSE", "f", "0"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

std::string double_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "+Infinity";
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

int64_t of_duration(Function function, const Value& time) {
  switch (function) {
    case Function::kGetHours: return time.seconds() / 3600;
    case Function::kGetMinutes: return time.seconds() / 60;
    case Function::kGetSeconds: return time.seconds();
    default: return time.nanos() / 1'000'000;
  }
}

int64_t of_timestamp(Function function, const Value& time, int32_t zone) {
  const Civil civil = to_civil(time.seconds() + zone);
  switch (function) {
    case Function::kGetFullYear: return civil.year;
    case Function::kGetMonth: return civil.month;
    case Function::kGetDate: return civil.day + 1;
    case Function::kGetDayOfMonth: return civil.day;
    case Function::kGetDayOfWeek: return civil.weekday;
    case Function::kGetDayOfYear: return civil.day_of_year;
    case Function::kGetHours: return civil.hour;
    case Function::kGetMinutes: return civil.minute;
    case Function::kGetSeconds: return civil.second;
    default: return time.nanos() / 1'000'000;
  }
}

}  // namespace

Value Evaluation::convert(Function function, uint32_t index, const Value& value) {
  switch (function) {
    case Function::kToDyn: return value;
    case Function::kToBool: {
      if (value.kind() == Kind::kBool) return value;
      if (value.kind() != Kind::kString) return fail(Fault::kOverload, index);
      const auto parsed = parse_bool(value.as_text());
      return parsed ? Value::boolean(*parsed) : fail(Fault::kBadBool, index);
    }
    case Function::kToInt: return to_int(index, value);
    case Function::kToUint: return to_uint(index, value);
    case Function::kToDouble: return to_double(index, value);
    case Function::kToString: return to_text(index, value);
    case Function::kToBytes:
      if (value.kind() == Kind::kBytes) return value;
      if (value.kind() != Kind::kString) return fail(Fault::kOverload, index);
      return Value::bytes(value.as_text());
    case Function::kToDuration: {
      if (value.kind() == Kind::kDuration) return value;
      if (value.kind() != Kind::kString) return fail(Fault::kOverload, index);
      const auto parsed = parse_duration(value.as_text());
      return parsed ? *parsed : fail(Fault::kBadDuration, index);
    }
    case Function::kToTimestamp: {
      if (value.kind() == Kind::kTimestamp) return value;
      if (value.kind() != Kind::kString && value.kind() != Kind::kInt) {
        return fail(Fault::kOverload, index);
      }
      const auto parsed = value.kind() == Kind::kInt ? make_timestamp(value.as_int(), 0)
                                                     : parse_timestamp(value.as_text());
      return parsed ? *parsed : fail(Fault::kBadTimestamp, index);
    }
    default: return fail(Fault::kOverload, index);
  }
}

Value Evaluation::to_int(uint32_t index, const Value& value) {
  switch (value.kind()) {
    case Kind::kInt: return value;
    case Kind::kTimestamp: return Value::integer(value.seconds());
    case Kind::kUint:
      if (value.as_uint() >= uint64_t{1} << 63) return fail(Fault::kOverflow, index);
      return Value::integer(static_cast<int64_t>(value.as_uint()));
    case Kind::kDouble:
      // CEL: truncated; the bounds themselves are refused, as a double may stand for more.
      if (!(value.as_double() > -kTwo63 && value.as_double() < kTwo63)) {
        return fail(Fault::kOverflow, index);
      }
      return Value::integer(static_cast<int64_t>(value.as_double()));
    case Kind::kString: {
      const auto parsed = parse_number<int64_t>(value.as_text());
      return parsed ? Value::integer(*parsed) : fail(Fault::kBadInteger, index);
    }
    default: return fail(Fault::kOverload, index);
  }
}

Value Evaluation::to_uint(uint32_t index, const Value& value) {
  switch (value.kind()) {
    case Kind::kUint: return value;
    case Kind::kInt:
      if (value.as_int() < 0) return fail(Fault::kOverflow, index);
      return Value::uinteger(static_cast<uint64_t>(value.as_int()));
    case Kind::kDouble:
      if (!(value.as_double() > -1.0 && value.as_double() < kTwo64)) {
        return fail(Fault::kOverflow, index);
      }
      return Value::uinteger(static_cast<uint64_t>(value.as_double()));
    case Kind::kString: {
      const auto parsed = parse_number<uint64_t>(value.as_text());
      return parsed ? Value::uinteger(*parsed) : fail(Fault::kBadInteger, index);
    }
    default: return fail(Fault::kOverload, index);
  }
}

Value Evaluation::to_double(uint32_t index, const Value& value) {
  switch (value.kind()) {
    case Kind::kDouble: return value;
    case Kind::kInt: return Value::floating(static_cast<double>(value.as_int()));
    case Kind::kUint: return Value::floating(static_cast<double>(value.as_uint()));
    case Kind::kString: {
      const auto parsed = parse_number<double>(value.as_text());
      return parsed ? Value::floating(*parsed) : fail(Fault::kBadDouble, index);
    }
    default: return fail(Fault::kOverload, index);
  }
}

Value Evaluation::to_text(uint32_t index, const Value& value) {
  switch (value.kind()) {
    case Kind::kString: return value;
    case Kind::kBytes:
      if (!charge(weight_of(value))) return fail(Fault::kTooMuchWork, index);
      if (!is_utf8(value.as_text())) return fail(Fault::kNotUtf8, index);
      return Value::string(value.as_text());
    case Kind::kBool: return Value::string(value.as_bool() ? "true" : "false");
    case Kind::kInt: return make_text(index, fmt::format("{}", value.as_int()));
    case Kind::kUint: return make_text(index, fmt::format("{}", value.as_uint()));
    case Kind::kDouble: return make_text(index, double_text(value.as_double()));
    case Kind::kTimestamp: return make_text(index, timestamp_text(value));
    case Kind::kDuration: return make_text(index, duration_text(value));
    default: return fail(Fault::kOverload, index);
  }
}

Value Evaluation::part_of_time(Function function, uint32_t index, const Value& time,
                               const Value& zone) {
  if (time.kind() == Kind::kDuration && zone.kind() == Kind::kUnset &&
      function >= Function::kGetHours) {
    return Value::integer(of_duration(function, time));
  }
  if (time.kind() != Kind::kTimestamp) return fail(Fault::kOverload, index);
  if (zone.kind() == Kind::kUnset) return Value::integer(of_timestamp(function, time, 0));
  if (zone.kind() != Kind::kString) return fail(Fault::kOverload, index);
  const auto offset_s = parse_zone(zone.as_text());
  return offset_s ? Value::integer(of_timestamp(function, time, *offset_s))
                  : fail(Fault::kBadZone, index);
}

}  // namespace beringia::wire::cel
