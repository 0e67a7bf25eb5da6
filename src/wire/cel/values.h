#pragma once

#include <compare>
#include <optional>
#include <string_view>

#include "wire/cel.h"

namespace beringia::wire::cel {

/// CEL's ==: numbers of any kind by their value, values of different kinds are unequal, lists and
/// maps by their elements. Never an error.
bool equal(const Value& a, const Value& b);

/// Order of numbers of any kind, texts, bytes, bools, timestamps, durations.
/// std::nullopt: kinds that have no order together. `unordered`: a NaN.
std::optional<std::partial_ordering> compare(const Value& a, const Value& b);

bool is_number(Kind kind);

/// An int or uint, or a double that is whole, as an index or key; nullopt otherwise.
std::optional<int64_t> as_whole(const Value& value);

/// Characters of a UTF-8 text.
size_t count_characters(std::string_view text);

/// Work that comparing or searching a value is, in units of kMaxSteps.
size_t weight_of(const Value& value);

}  // namespace beringia::wire::cel
