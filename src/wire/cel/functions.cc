#include "wire/cel/functions.h"

namespace beringia::wire::cel {

namespace {

using F = Function;
using K = Kind;

// CEL language definition, "List of standard definitions". ==, !=, in, [] and the operators on
// lists depend on element types: checker.cc.
constexpr Overload kOverloads[] = {
    {"+", F::kAdd, false, false, {K::kInt, K::kInt}, K::kInt},
    {"+", F::kAdd, false, false, {K::kUint, K::kUint}, K::kUint},
    {"+", F::kAdd, false, false, {K::kDouble, K::kDouble}, K::kDouble},
    {"+", F::kAdd, false, false, {K::kString, K::kString}, K::kString},
    {"+", F::kAdd, false, false, {K::kBytes, K::kBytes}, K::kBytes},
    {"+", F::kAdd, false, false, {K::kTimestamp, K::kDuration}, K::kTimestamp},
    {"+", F::kAdd, false, false, {K::kDuration, K::kTimestamp}, K::kTimestamp},
    {"+", F::kAdd, false, false, {K::kDuration, K::kDuration}, K::kDuration},
    {"-", F::kSubtract, false, false, {K::kInt, K::kInt}, K::kInt},
    {"-", F::kSubtract, false, false, {K::kUint, K::kUint}, K::kUint},
    {"-", F::kSubtract, false, false, {K::kDouble, K::kDouble}, K::kDouble},
    {"-", F::kSubtract, false, false, {K::kTimestamp, K::kTimestamp}, K::kDuration},
    {"-", F::kSubtract, false, false, {K::kTimestamp, K::kDuration}, K::kTimestamp},
    {"-", F::kSubtract, false, false, {K::kDuration, K::kDuration}, K::kDuration},
    {"*", F::kMultiply, false, false, {K::kInt, K::kInt}, K::kInt},
    {"*", F::kMultiply, false, false, {K::kUint, K::kUint}, K::kUint},
    {"*", F::kMultiply, false, false, {K::kDouble, K::kDouble}, K::kDouble},
    {"/", F::kDivide, false, false, {K::kInt, K::kInt}, K::kInt},
    {"/", F::kDivide, false, false, {K::kUint, K::kUint}, K::kUint},
    {"/", F::kDivide, false, false, {K::kDouble, K::kDouble}, K::kDouble},
    {"%", F::kModulo, false, false, {K::kInt, K::kInt}, K::kInt},
    {"%", F::kModulo, false, false, {K::kUint, K::kUint}, K::kUint},
    {"-", F::kNegate, false, false, {K::kInt, K::kUnset}, K::kInt},
    {"-", F::kNegate, false, false, {K::kDouble, K::kUnset}, K::kDouble},
    {"!", F::kNot, false, false, {K::kBool, K::kUnset}, K::kBool},

    {"size", F::kSize, true, true, {K::kString, K::kUnset}, K::kInt},
    {"size", F::kSize, true, true, {K::kBytes, K::kUnset}, K::kInt},
    {"size", F::kSize, true, true, {K::kList, K::kUnset}, K::kInt},
    {"size", F::kSize, true, true, {K::kMap, K::kUnset}, K::kInt},
    {"startsWith", F::kStartsWith, true, false, {K::kString, K::kString}, K::kBool},
    {"endsWith", F::kEndsWith, true, false, {K::kString, K::kString}, K::kBool},
    {"contains", F::kContains, true, false, {K::kString, K::kString}, K::kBool},
    {"matches", F::kMatches, true, true, {K::kString, K::kString}, K::kBool},
    {"lowerAscii", F::kLowerAscii, true, false, {K::kString, K::kUnset}, K::kString},
    {"upperAscii", F::kUpperAscii, true, false, {K::kString, K::kUnset}, K::kString},

    {"bool", F::kToBool, false, true, {K::kBool, K::kUnset}, K::kBool},
    {"bool", F::kToBool, false, true, {K::kString, K::kUnset}, K::kBool},
    {"int", F::kToInt, false, true, {K::kInt, K::kUnset}, K::kInt},
    {"int", F::kToInt, false, true, {K::kUint, K::kUnset}, K::kInt},
    {"int", F::kToInt, false, true, {K::kDouble, K::kUnset}, K::kInt},
    {"int", F::kToInt, false, true, {K::kString, K::kUnset}, K::kInt},
    {"int", F::kToInt, false, true, {K::kTimestamp, K::kUnset}, K::kInt},
    {"uint", F::kToUint, false, true, {K::kInt, K::kUnset}, K::kUint},
    {"uint", F::kToUint, false, true, {K::kUint, K::kUnset}, K::kUint},
    {"uint", F::kToUint, false, true, {K::kDouble, K::kUnset}, K::kUint},
    {"uint", F::kToUint, false, true, {K::kString, K::kUnset}, K::kUint},
    {"double", F::kToDouble, false, true, {K::kInt, K::kUnset}, K::kDouble},
    {"double", F::kToDouble, false, true, {K::kUint, K::kUnset}, K::kDouble},
    {"double", F::kToDouble, false, true, {K::kDouble, K::kUnset}, K::kDouble},
    {"double", F::kToDouble, false, true, {K::kString, K::kUnset}, K::kDouble},
    {"string", F::kToString, false, true, {K::kBool, K::kUnset}, K::kString},
    {"string", F::kToString, false, true, {K::kInt, K::kUnset}, K::kString},
    {"string", F::kToString, false, true, {K::kUint, K::kUnset}, K::kString},
    {"string", F::kToString, false, true, {K::kDouble, K::kUnset}, K::kString},
    {"string", F::kToString, false, true, {K::kString, K::kUnset}, K::kString},
    {"string", F::kToString, false, true, {K::kBytes, K::kUnset}, K::kString},
    {"string", F::kToString, false, true, {K::kTimestamp, K::kUnset}, K::kString},
    {"string", F::kToString, false, true, {K::kDuration, K::kUnset}, K::kString},
    {"bytes", F::kToBytes, false, true, {K::kString, K::kUnset}, K::kBytes},
    {"bytes", F::kToBytes, false, true, {K::kBytes, K::kUnset}, K::kBytes},
    {"duration", F::kToDuration, false, true, {K::kString, K::kUnset}, K::kDuration},
    {"duration", F::kToDuration, false, true, {K::kDuration, K::kUnset}, K::kDuration},
    {"timestamp", F::kToTimestamp, false, true, {K::kString, K::kUnset}, K::kTimestamp},
    {"timestamp", F::kToTimestamp, false, true, {K::kInt, K::kUnset}, K::kTimestamp},
    {"timestamp", F::kToTimestamp, false, true, {K::kTimestamp, K::kUnset}, K::kTimestamp},
    {"dyn", F::kToDyn, false, true, {K::kDyn, K::kUnset}, K::kDyn},
    {"type", F::kTypeOf, false, true, {K::kDyn, K::kUnset}, K::kType},

    {"getFullYear", F::kGetFullYear, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getFullYear", F::kGetFullYear, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getMonth", F::kGetMonth, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getMonth", F::kGetMonth, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getDate", F::kGetDate, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getDate", F::kGetDate, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getDayOfMonth", F::kGetDayOfMonth, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getDayOfMonth", F::kGetDayOfMonth, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getDayOfWeek", F::kGetDayOfWeek, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getDayOfWeek", F::kGetDayOfWeek, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getDayOfYear", F::kGetDayOfYear, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getDayOfYear", F::kGetDayOfYear, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getHours", F::kGetHours, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getHours", F::kGetHours, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getHours", F::kGetHours, true, false, {K::kDuration, K::kUnset}, K::kInt},
    {"getMinutes", F::kGetMinutes, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getMinutes", F::kGetMinutes, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getMinutes", F::kGetMinutes, true, false, {K::kDuration, K::kUnset}, K::kInt},
    {"getSeconds", F::kGetSeconds, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getSeconds", F::kGetSeconds, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getSeconds", F::kGetSeconds, true, false, {K::kDuration, K::kUnset}, K::kInt},
    {"getMilliseconds", F::kGetMilliseconds, true, false, {K::kTimestamp, K::kUnset}, K::kInt},
    {"getMilliseconds", F::kGetMilliseconds, true, false, {K::kTimestamp, K::kString}, K::kInt},
    {"getMilliseconds", F::kGetMilliseconds, true, false, {K::kDuration, K::kUnset}, K::kInt},
};

constexpr std::pair<Function, std::string_view> kSigns[] = {
    {F::kEqual, "=="},  {F::kNotEqual, "!="},       {F::kLess, "<"}, {F::kLessOrEqual, "<="},
    {F::kGreater, ">"}, {F::kGreaterOrEqual, ">="}, {F::kIn, "in"},  {F::kIndex, "[]"}};

}  // namespace

std::span<const Overload> overloads() { return kOverloads; }

std::string_view name_of(Function function) {
  for (const auto& overload : kOverloads) {
    if (overload.function == function) return overload.name;
  }
  for (const auto& [known, sign] : kSigns) {
    if (known == function) return sign;
  }
  return "?";
}

}  // namespace beringia::wire::cel
