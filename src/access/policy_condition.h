#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "base/error.h"

namespace beringia::access {

/// One key of a Condition block: operator, key, values. All of a statement's must hold.
struct PolicyCondition {
  enum class Kind : uint8_t {
    kString,
    kStringIgnoreCase,
    kStringLike,
    kNumber,
    kDate,
    kBool,
    kBinary,
    kAddress,
    kArn,
    kNull,
  };
  enum class Order : uint8_t { kEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  enum class Quantifier : uint8_t { kSingle, kForAll, kForAny };
  Kind kind = Kind::kString;
  Order order = Order::kEqual;
  Quantifier quantifier = Quantifier::kSingle;
  bool negated = false;
  bool if_exists = false;
  std::string key;  // lower case but for the name of a tag
  std::vector<std::string> values;

  /// IAM User Guide, "Multivalued context keys" and "...IfExists": an absent key fails the
  /// condition, but for IfExists, ForAllValues, Null and negated operators.
  bool holds(const Facts& facts) const;
  /// The key is one of those by which a policy counts as not public, and the values are fixed.
  bool narrows() const;
};

/// @param name  "StringEquals", "ForAnyValue:StringLikeIfExists" ...
/// @error kInvalid: no such operator, no such key, or a value of the wrong form
[[nodiscard]] Result<PolicyCondition> make_condition(std::string_view name, std::string_view key,
                                                     std::vector<std::string> values);

/// Puts "${aws:username}" and the like into a text; false: a variable has no value.
bool substitute(std::string_view text, const Facts& facts, std::string& out);
/// @error kInvalid: a variable that is not known, or not closed
[[nodiscard]] Result<void> check_variables(std::string_view text);

}  // namespace beringia::access
