#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace beringia::wire {

// Uploads by browser forms: the policy document that the form's author signed, and its check
// against the fields that came. S3 API, "Creating a POST policy".

/// Fields of a form in order; names in lower case.
using FormFields = std::vector<std::pair<std::string, std::string>>;

inline constexpr size_t kMaxPostPolicyBytes = 20 << 10;

struct PostPolicy {
  struct Condition {
    std::string field;  // lower case, without '$'
    std::string value;
    bool starts_with = false;  // else equal
  };
  Timestamp expires;
  std::vector<Condition> conditions;
  uint64_t least_bytes = 0;
  std::optional<uint64_t> most_bytes;
};

/// @error kInvalid, tag InvalidPolicyDocument
[[nodiscard]] Result<PostPolicy> parse_post_policy(std::string_view json);

/// Every condition holds, and every field has one.
/// @error kDenied, tag AccessDenied: expired, a condition fails, a field is not covered
[[nodiscard]] Result<void> check_post_policy(const PostPolicy& policy, const FormFields& fields,
                                             std::string_view bucket, Timestamp now);

/// The field's value; "" if there is none.
std::string_view field_of(const FormFields& fields, std::string_view name);

}  // namespace beringia::wire
