#include "wire/cel/values.h"

#include <cmath>

namespace beringia::wire::cel {

namespace {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

std::partial_ordering compare_int_uint(int64_t a, uint64_t b) {
  if (a < 0) return std::partial_ordering::less;
  return static_cast<uint64_t>(a) <=> b;
}

// Exact: a double is compared by its whole part first, then by its fraction.
std::partial_ordering compare_int_double(int64_t a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= kTwo63) return std::partial_ordering::less;
  if (b < -kTwo63) return std::partial_ordering::greater;
  const double whole = std::trunc(b);
  const auto truncated = static_cast<int64_t>(whole);
  if (a != truncated) return a <=> truncated;
  return 0.0 <=> b - whole;
}

std::partial_ordering compare_uint_double(uint64_t a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= kTwo64) return std::partial_ordering::less;
  if (b < 0) return std::partial_ordering::greater;
  const double whole = std::trunc(b);
  const auto truncated = static_cast<uint64_t>(whole);
  if (a != truncated) return a <=> truncated;
  return 0.0 <=> b - whole;
}

std::partial_ordering reversed(std::partial_ordering order) { return 0 <=> order; }

std::partial_ordering compare_numbers(const Value& a, const Value& b) {
  if (a.kind() == b.kind()) {
    if (a.kind() == Kind::kInt) return a.as_int() <=> b.as_int();
    if (a.kind() == Kind::kUint) return a.as_uint() <=> b.as_uint();
    return a.as_double() <=> b.as_double();
  }
  if (a.kind() == Kind::kInt && b.kind() == Kind::kUint) {
    return compare_int_uint(a.as_int(), b.as_uint());
  }
  if (a.kind() == Kind::kInt) return compare_int_double(a.as_int(), b.as_double());
  if (a.kind() == Kind::kUint && b.kind() == Kind::kDouble) {
    return compare_uint_double(a.as_uint(), b.as_double());
  }
  return reversed(compare_numbers(b, a));
}

bool equal_lists(const ListSource& a, const ListSource& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!equal(a.at(i), b.at(i))) return false;
  }
  return true;
}

bool equal_maps(const MapSource& a, const MapSource& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const Value key = a.key_at(i);
    const auto mine = a.find(key);
    const auto other = b.find(key);
    if (!mine || !other || !equal(*mine, *other)) return false;
  }
  return true;
}

}  // namespace

bool is_number(Kind kind) {
  return kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kDouble;
}

bool equal(const Value& a, const Value& b) {
  if (is_number(a.kind()) && is_number(b.kind())) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull: return true;
    case Kind::kBool: return a.as_bool() == b.as_bool();
    case Kind::kString:
    case Kind::kBytes: return a.as_text() == b.as_text();
    case Kind::kTimestamp:
    case Kind::kDuration: return a.seconds() == b.seconds() && a.nanos() == b.nanos();
    case Kind::kType: return a.as_type() == b.as_type();
    case Kind::kList: return equal_lists(a.as_list(), b.as_list());
    case Kind::kMap: return equal_maps(a.as_map(), b.as_map());
    default: return false;
  }
}

std::optional<std::partial_ordering> compare(const Value& a, const Value& b) {
  if (is_number(a.kind()) && is_number(b.kind())) return compare_numbers(a, b);
  if (a.kind() != b.kind()) return std::nullopt;
  switch (a.kind()) {
    case Kind::kBool: return a.as_bool() <=> b.as_bool();
    case Kind::kString:
    case Kind::kBytes: return a.as_text() <=> b.as_text();  // UTF-8 order = order of characters
    case Kind::kTimestamp:
    case Kind::kDuration:
      if (a.seconds() != b.seconds()) return a.seconds() <=> b.seconds();
      return a.nanos() <=> b.nanos();
    default: return std::nullopt;
  }
}

std::optional<int64_t> as_whole(const Value& value) {
  if (value.kind() == Kind::kInt) return value.as_int();
  if (value.kind() == Kind::kUint && value.as_uint() < (uint64_t{1} << 63)) {
    return static_cast<int64_t>(value.as_uint());
  }
  if (value.kind() == Kind::kDouble) {
    const double number = value.as_double();
    if (number >= -kTwo63 && number < kTwo63 && number == std::trunc(number)) {
      return static_cast<int64_t>(number);
    }
  }
  return std::nullopt;
}

size_t count_characters(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

size_t weight_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kString:
    case Kind::kBytes: return value.as_text().size() / 64;
    case Kind::kList: {
      size_t weight = value.as_list().size();
      for (size_t i = 0; i < value.as_list().size(); ++i)
        weight += weight_of(value.as_list().at(i));
      return weight;
    }
    case Kind::kMap: return value.as_map().size() * 2;
    default: return 0;
  }
}

Type Type::list(Type element) {
  Type type{Kind::kList, {}};
  type.parameters.push_back(std::move(element));
  return type;
}

Type Type::map(Type key, Type value) {
  Type type{Kind::kMap, {}};
  type.parameters.push_back(std::move(key));
  type.parameters.push_back(std::move(value));
  return type;
}

Value Value::null() {
  Value result;
  result.kind_ = Kind::kNull;
  return result;
}

Value Value::boolean(bool value) {
  Value result;
  result.kind_ = Kind::kBool;
  result.data_.boolean = value;
  return result;
}

Value Value::integer(int64_t value) {
  Value result;
  result.kind_ = Kind::kInt;
  result.data_.integer = value;
  return result;
}

Value Value::uinteger(uint64_t value) {
  Value result;
  result.kind_ = Kind::kUint;
  result.data_.uinteger = value;
  return result;
}

Value Value::floating(double value) {
  Value result;
  result.kind_ = Kind::kDouble;
  result.data_.floating = value;
  return result;
}

Value Value::string(std::string_view value) {
  Value result;
  result.kind_ = Kind::kString;
  result.data_.text = {value.data(), value.size()};
  return result;
}

Value Value::bytes(std::string_view value) {
  Value result = string(value);
  result.kind_ = Kind::kBytes;
  return result;
}

Value Value::list(const ListSource& value) {
  Value result;
  result.kind_ = Kind::kList;
  result.data_.list = &value;
  return result;
}

Value Value::map(const MapSource& value) {
  Value result;
  result.kind_ = Kind::kMap;
  result.data_.map = &value;
  return result;
}

Value Value::timestamp(Timestamp value) {
  int64_t seconds = value.micros / 1'000'000;
  int64_t micros = value.micros % 1'000'000;
  if (micros < 0) {
    micros += 1'000'000;
    --seconds;
  }
  return timestamp(seconds, static_cast<int32_t>(micros * 1000));
}

Value Value::timestamp(int64_t seconds, int32_t nanos) {
  Value result = integer(seconds);
  result.kind_ = Kind::kTimestamp;
  result.nanos_ = nanos;
  return result;
}

Value Value::duration(Duration value) {
  return duration(value.count() / 1'000'000'000,
                  static_cast<int32_t>(value.count() % 1'000'000'000));
}

Value Value::duration(int64_t seconds, int32_t nanos) {
  Value result = integer(seconds);
  result.kind_ = Kind::kDuration;
  result.nanos_ = nanos;
  return result;
}

Value Value::type(Kind value) {
  Value result = integer(static_cast<int64_t>(value));
  result.kind_ = Kind::kType;
  return result;
}

std::optional<Value> StringMap::find(const Value& key) const {
  if (key.kind() != Kind::kString) return std::nullopt;
  // Not items_->find(): that needs a std::string. The maps of an entry are small.
  for (const auto& [name, value] : *items_) {
    if (name == key.as_text()) return Value::string(value);
  }
  return std::nullopt;
}

Value StringMap::key_at(size_t index) const {
  return Value::string(std::next(items_->begin(), static_cast<ptrdiff_t>(index))->first);
}

}  // namespace beringia::wire::cel
