#include <cmath>
#include <limits>

#include "wire/cel/evaluation.h"
#include "wire/cel/times.h"
#include "wire/cel/values.h"

namespace beringia::wire::cel {

namespace {

bool is_time(Kind kind) { return kind == Kind::kTimestamp || kind == Kind::kDuration; }

std::optional<double> double_arithmetic(Function function, double a, double b) {
  switch (function) {
    case Function::kAdd: return a + b;
    case Function::kSubtract: return a - b;
    case Function::kMultiply: return a * b;
    case Function::kDivide: return a / b;  // IEEE 754: no error by zero
    default: return std::nullopt;
  }
}

}  // namespace

Value Evaluation::arithmetic(Function function, uint32_t index, const Value& a, const Value& b) {
  if (is_time(a.kind()) && is_time(b.kind())) return time_arithmetic(function, index, a, b);
  if (a.kind() != b.kind()) return fail(Fault::kOverload, index);
  switch (a.kind()) {
    case Kind::kInt: return int_arithmetic(function, index, a.as_int(), b.as_int());
    case Kind::kUint: return uint_arithmetic(function, index, a.as_uint(), b.as_uint());
    case Kind::kDouble: {
      const auto result = double_arithmetic(function, a.as_double(), b.as_double());
      return result ? Value::floating(*result) : fail(Fault::kOverload, index);
    }
    case Kind::kList:
      return function == Function::kAdd ? join_lists(index, a.as_list(), b.as_list())
                                        : fail(Fault::kOverload, index);
    case Kind::kString:
    case Kind::kBytes: break;
    default: return fail(Fault::kOverload, index);
  }
  if (function != Function::kAdd) return fail(Fault::kOverload, index);
  const size_t size = a.as_text().size() + b.as_text().size();
  if (!charge(size / 64)) return fail(Fault::kTooMuchWork, index);
  auto* place = static_cast<char*>(arena_.allocate(size));
  if (place == nullptr) return fail(Fault::kTooMuchMemory, index);
  a.as_text().copy(place, a.as_text().size());
  b.as_text().copy(place + a.as_text().size(), b.as_text().size());
  const std::string_view text{place, size};
  return a.kind() == Kind::kString ? Value::string(text) : Value::bytes(text);
}

Value Evaluation::int_arithmetic(Function function, uint32_t index, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflows = false;
  switch (function) {
    case Function::kAdd: overflows = __builtin_add_overflow(a, b, &result); break;
    case Function::kSubtract: overflows = __builtin_sub_overflow(a, b, &result); break;
    case Function::kMultiply: overflows = __builtin_mul_overflow(a, b, &result); break;
    case Function::kDivide:
    case Function::kModulo:
      if (b == 0) return fail(Fault::kDivisionByZero, index);
      // The smallest int by -1: the quotient overflows, the remainder is refused with it.
      overflows = a == std::numeric_limits<int64_t>::min() && b == -1;
      if (!overflows) result = function == Function::kDivide ? a / b : a % b;
      break;
    default: return fail(Fault::kOverload, index);
  }
  return overflows ? fail(Fault::kOverflow, index) : Value::integer(result);
}

Value Evaluation::uint_arithmetic(Function function, uint32_t index, uint64_t a, uint64_t b) {
  uint64_t result = 0;
  bool overflows = false;
  switch (function) {
    case Function::kAdd: overflows = __builtin_add_overflow(a, b, &result); break;
    case Function::kSubtract: overflows = __builtin_sub_overflow(a, b, &result); break;
    case Function::kMultiply: overflows = __builtin_mul_overflow(a, b, &result); break;
    case Function::kDivide:
    case Function::kModulo:
      if (b == 0) return fail(Fault::kDivisionByZero, index);
      result = function == Function::kDivide ? a / b : a % b;
      break;
    default: return fail(Fault::kOverload, index);
  }
  return overflows ? fail(Fault::kOverflow, index) : Value::uinteger(result);
}

Value Evaluation::time_arithmetic(Function function, uint32_t index, const Value& a,
                                  const Value& b) {
  const bool adds = function == Function::kAdd;
  if (!adds && function != Function::kSubtract) return fail(Fault::kOverload, index);
  const bool a_is_moment = a.kind() == Kind::kTimestamp;
  const bool b_is_moment = b.kind() == Kind::kTimestamp;
  if (b_is_moment && (adds == a_is_moment)) return fail(Fault::kOverload, index);
  const int64_t sign = adds ? 1 : -1;
  // No overflow: both are within CEL's ranges of time.
  const int64_t seconds = a.seconds() + sign * b.seconds();
  const int64_t nanos = a.nanos() + sign * b.nanos();
  const bool moment = a_is_moment != b_is_moment;
  const auto result = moment ? make_timestamp(seconds, nanos) : make_duration(seconds, nanos);
  return result ? *result : fail(Fault::kTimeRange, index);
}

Value Evaluation::negate(uint32_t index, const Value& value) {
  if (value.kind() == Kind::kDouble) return Value::floating(-value.as_double());
  if (value.kind() != Kind::kInt) return fail(Fault::kOverload, index);
  return int_arithmetic(Function::kSubtract, index, 0, value.as_int());
}

}  // namespace beringia::wire::cel
