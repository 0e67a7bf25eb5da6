#include "wire/post_policy.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "wire/document.h"

namespace beringia::wire {
namespace {

constexpr size_t kMaxConditions = 200;

// S3 API, "POST policy": these need no condition.
constexpr std::string_view kUncovered[] = {"x-amz-signature", "x-goog-signature", "signature",
                                           "awsaccesskeyid",  "policy",           "file"};

Error invalid_document(std::string why) {
  return invalid("Invalid Policy: " + why).with_tag("InvalidPolicyDocument");
}

Error refused(std::string why) {
  return denied("Invalid according to Policy: " + why).with_tag("AccessDenied");
}

std::optional<uint64_t> length_of(const Value& value) {
  if (value.is(Value::Kind::kInteger) && value.integer >= 0) {
    return static_cast<uint64_t>(value.integer);
  }
  return value.is(Value::Kind::kText) ? parse_u64(value.text) : std::nullopt;
}

Result<void> add_list(const std::vector<Value>& items, PostPolicy& policy) {
  if (items.size() != 3 || !items[0].is(Value::Kind::kText)) {
    return std::unexpected(invalid_document("a condition is not a list of three"));
  }
  const std::string operation = ascii_lower(items[0].text);
  if (operation == "content-length-range") {
    const auto least = length_of(items[1]);
    const auto most = length_of(items[2]);
    if (!least || !most) {
      return std::unexpected(invalid_document("content-length-range takes two numbers"));
    }
    policy.least_bytes = std::max(policy.least_bytes, *least);
    policy.most_bytes = std::min(policy.most_bytes.value_or(*most), *most);
    return {};
  }
  if ((operation != "eq" && operation != "starts-with") || !items[1].is(Value::Kind::kText) ||
      !items[1].text.starts_with('$') || !items[2].is(Value::Kind::kText)) {
    return std::unexpected(invalid_document("the condition \"" + operation + "\" is not known"));
  }
  policy.conditions.push_back(
      {ascii_lower(items[1].text.substr(1)), items[2].text, operation == "starts-with"});
  return {};
}

Result<void> add_condition(const Value& value, PostPolicy& policy) {
  if (policy.conditions.size() == kMaxConditions) {
    return std::unexpected(invalid_document("it has too many conditions"));
  }
  if (value.is(Value::Kind::kArray)) return add_list(value.items, policy);
  if (!value.is(Value::Kind::kTable) || value.members.size() != 1 ||
      !value.members[0].value.is(Value::Kind::kText)) {
    return std::unexpected(invalid_document("a condition is neither a list nor one field"));
  }
  policy.conditions.push_back(
      {ascii_lower(value.members[0].name), value.members[0].value.text, false});
  return {};
}

/// Each of a field's values must hold it: a form may repeat a name.
bool holds(const PostPolicy::Condition& condition, const FormFields& fields,
           std::string_view bucket) {
  bool found = false;
  const auto passes = [&](std::string_view value) {
    return condition.starts_with ? value.starts_with(condition.value) : value == condition.value;
  };
  for (const auto& [name, value] : fields) {
    if (name != condition.field) continue;
    if (!passes(value)) return false;
    found = true;
  }
  // Whatever the form says, it goes to this bucket.
  if (condition.field == "bucket") return passes(bucket);
  if (found) return true;
  // Any value will do, so none will do too: "starts-with" nothing.
  return condition.starts_with && condition.value.empty();
}

bool needs_condition(std::string_view field) {
  return std::ranges::find(kUncovered, field) == std::end(kUncovered) &&
         !field.starts_with("x-ignore-") && !field.starts_with("x-amz-checksum-");
}

}  // namespace

Result<PostPolicy> parse_post_policy(std::string_view json) {
  auto document = parse_json(json, kMaxPostPolicyBytes, "the policy");
  if (!document) return std::unexpected(invalid_document("it is not JSON"));
  PostPolicy policy;
  const Value* expiration = document->find("expiration");
  if (expiration == nullptr || !expiration->is(Value::Kind::kText)) {
    return std::unexpected(invalid_document("expiration is missing"));
  }
  policy.expires = parse_rfc3339(expiration->text);
  // Dates are written as S3 documents them: 2026-01-31T12:00:00.000Z.
  const std::string& text = expiration->text;
  if (policy.expires.micros == 0 || text.size() < 11 || text[10] != 'T' || text.back() != 'Z') {
    return std::unexpected(invalid_document("expiration is not a date"));
  }
  const Value* conditions = document->find("conditions");
  if (conditions == nullptr || !conditions->is(Value::Kind::kArray)) {
    return std::unexpected(invalid_document("conditions are missing"));
  }
  for (const Value& condition : conditions->items) BR_TRY(add_condition(condition, policy));
  return policy;
}

Result<void> check_post_policy(const PostPolicy& policy, const FormFields& fields,
                               std::string_view bucket, Timestamp now) {
  if (policy.expires.micros < now.micros) return std::unexpected(refused("Policy expired."));
  for (const PostPolicy::Condition& condition : policy.conditions) {
    if (!holds(condition, fields, bucket)) {
      // As Amazon writes it.
      return std::unexpected(refused("Policy Condition failed: [\"" +
                                     std::string{condition.starts_with ? "starts-with" : "eq"} +
                                     "\", \"$" + condition.field + "\", \"" + condition.value +
                                     "\"]"));
    }
  }
  for (const auto& [name, value] : fields) {
    const std::string& field = name;
    const bool covered =
        !needs_condition(field) ||
        std::ranges::any_of(policy.conditions, [&field](const PostPolicy::Condition& one) {
          return one.field == field;
        });
    if (!covered) return std::unexpected(refused("Extra input fields: " + name));
  }
  return {};
}

std::string_view field_of(const FormFields& fields, std::string_view name) {
  for (const auto& [field, value] : fields) {
    if (field == name) return value;
  }
  return {};
}

}  // namespace beringia::wire
