#include "access/bucket_policy.h"

#include <algorithm>
#include <utility>

#include "wire/document.h"

namespace beringia::access {
namespace {

using wire::Value;

constexpr size_t kMaxStatements = 200;
constexpr std::string_view kArn = "arn:aws:s3:::";

Error malformed(std::string what, std::string why = {}) {
  return invalid(std::move(what), std::move(why)).with_tag("MalformedPolicy");
}

/// A text, or a list of texts.
Result<std::vector<std::string>> texts_of(const Value& value, std::string_view name) {
  std::vector<std::string> texts;
  const auto add = [&](const Value& one) {
    if (!one.is(Value::Kind::kText)) return false;
    texts.push_back(one.text);
    return true;
  };
  bool good = true;
  if (value.is(Value::Kind::kArray)) {
    good = !value.items.empty() && std::ranges::all_of(value.items, add);
  } else {
    good = add(value);
  }
  if (!good) {
    return std::unexpected(
        malformed("Policy has an invalid element", std::string{name} + " is not a list of texts"));
  }
  return texts;
}

/// As texts_of, and numbers and booleans as they are written.
Result<std::vector<std::string>> values_of(const Value& value, std::string_view name) {
  std::vector<std::string> texts;
  const auto add = [&](const Value& one) {
    switch (one.kind) {
      case Value::Kind::kText: texts.push_back(one.text); return true;
      case Value::Kind::kBoolean: texts.emplace_back(one.boolean ? "true" : "false"); return true;
      case Value::Kind::kInteger: texts.push_back(std::to_string(one.integer)); return true;
      default: return false;
    }
  };
  const bool good = value.is(Value::Kind::kArray)
                        ? !value.items.empty() && std::ranges::all_of(value.items, add)
                        : add(value);
  if (!good) {
    return std::unexpected(
        malformed("Policy has an invalid condition", "a value of " + std::string{name}));
  }
  return texts;
}

}  // namespace

std::string principal_of_arn(std::string_view arn) {
  if (!arn.starts_with("arn:")) return std::string{arn};
  // arn:PARTITION:iam::ACCOUNT:user/PATH/NAME
  std::vector<std::string_view> parts;
  for (int i = 0; i < 5; ++i) {
    const size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    parts.push_back(arn.substr(0, colon));
    arn.remove_prefix(colon + 1);
  }
  if (parts[2] != "iam") return {};
  if (arn == "root") return std::string{parts[4]};
  if (!arn.starts_with("user/")) return {};
  return std::string{arn.substr(arn.rfind('/') + 1)};
}

/// Turns a document into statements; the first fault ends it.
class PolicyParser {
 public:
  explicit PolicyParser(BucketPolicy& policy) : policy_{policy} {}

  Result<void> read(const Value& document) {
    const Value* statements = nullptr;
    for (const auto& [name, value] : document.members) {
      if (name == "Version") {
        if (value.text != "2012-10-17" && value.text != "2008-10-17") {
          return std::unexpected(malformed("The policy must contain a valid version string"));
        }
      } else if (name == "Statement") {
        statements = &value;
      } else if (name != "Id") {
        return std::unexpected(malformed("Policy has an unknown element", name));
      }
    }
    if (statements == nullptr) {
      return std::unexpected(malformed("Missing required field Statement"));
    }
    if (statements->is(Value::Kind::kTable)) return add(*statements);
    if (!statements->is(Value::Kind::kArray) || statements->items.empty() ||
        statements->items.size() > kMaxStatements) {
      return std::unexpected(malformed("Policy has no statement, or too many"));
    }
    for (const Value& statement : statements->items) BR_TRY(add(statement));
    return {};
  }

 private:
  using Statement = BucketPolicy::Statement;

  Result<void> add(const Value& value) {
    if (!value.is(Value::Kind::kTable)) {
      return std::unexpected(malformed("Policy has an invalid statement"));
    }
    Statement statement;
    statement.name = std::to_string(policy_.statements_.size() + 1);
    bool effect = false;
    bool principal = false;
    bool action = false;
    bool resource = false;
    for (const auto& [name, member] : value.members) {
      const bool negated = name.starts_with("Not");
      if (name == "Sid") {
        if (!member.text.empty()) statement.name = member.text;
      } else if (name == "Effect") {
        if (member.text != "Allow" && member.text != "Deny") {
          return std::unexpected(malformed("Invalid effect", member.text));
        }
        statement.deny = member.text == "Deny";
        effect = true;
      } else if ((name == "Principal" || name == "NotPrincipal") && !principal) {
        BR_TRY(read_principals(member, statement.subjects));
        statement.subjects.negated = negated;
        principal = true;
      } else if ((name == "Action" || name == "NotAction") && !action) {
        BR_TRY(read_actions(member, statement.rights));
        if (negated) statement.rights.flip();
        action = true;
      } else if ((name == "Resource" || name == "NotResource") && !resource) {
        BR_TRY(read_resources(member, statement));
        statement.not_resources = negated;
        resource = true;
      } else if (name == "Condition") {
        BR_TRY(read_conditions(member, statement));
      } else {
        return std::unexpected(malformed("Policy has an unknown or repeated element", name));
      }
    }
    if (policy_.for_session_ && principal) {
      return std::unexpected(
          malformed("Policy has a Principal", "a session's policy is about the session alone"));
    }
    if (policy_.for_session_) principal = statement.subjects.everyone = true;
    if (!effect || !principal || !action || !resource) {
      return std::unexpected(malformed("Policy is missing an element",
                                       "a statement has Effect, Principal, Action and Resource"));
    }
    if (statement.subjects.negated && !statement.deny) {
      // AWS allows it and advises against it: it gives to the whole world but a few.
      return std::unexpected(malformed("Allow with NotPrincipal is not supported"));
    }
    policy_.statements_.push_back(std::move(statement));
    return {};
  }

  static Result<void> read_principals(const Value& value, BucketPolicy::Subjects& subjects) {
    const auto bad = [](const std::string& who) {
      return std::unexpected(malformed("Invalid principal in policy", who));
    };
    if (value.is(Value::Kind::kText)) {
      if (value.text != "*") return bad(value.text);
      subjects.everyone = true;
      return {};
    }
    if (!value.is(Value::Kind::kTable) || value.members.empty()) return bad("it is empty");
    for (const auto& [kind, members] : value.members) {
      BR_TRY(names, texts_of(members, "Principal"));
      if (kind == "Service") {
        subjects.services.insert(subjects.services.end(), names.begin(), names.end());
        continue;
      }
      if (kind != "AWS" && kind != "CanonicalUser") return bad(kind);
      for (const std::string& name : names) {
        if (name == "*" && kind == "AWS") {
          subjects.everyone = true;
          continue;
        }
        std::string principal = kind == "AWS" ? principal_of_arn(name) : name;
        if (principal.empty() || principal.find_first_of("*?") != std::string::npos) {
          return bad(name);
        }
        subjects.names.push_back(std::move(principal));
      }
    }
    return {};
  }

  static Result<void> read_actions(const Value& value, Rights& rights) {
    BR_TRY(names, texts_of(value, "Action"));
    for (const std::string& name : names) {
      Rights matching;
      if (name == "*") {
        matching.set();
      } else if (name.starts_with("s3:") || name.starts_with("S3:")) {
        matching = rights_matching(std::string_view{name}.substr(3));
      }
      if (matching.none()) {
        return std::unexpected(malformed("Policy has invalid action", name));
      }
      rights |= matching;
    }
    return {};
  }

  Result<void> read_resources(const Value& value, Statement& statement) const {
    BR_TRY(names, texts_of(value, "Resource"));
    for (const std::string& name : names) {
      std::string_view resource = name;
      if (resource != "*") {
        if (!resource.starts_with(kArn)) {
          return std::unexpected(malformed("Policy has invalid resource", name));
        }
        resource.remove_prefix(kArn.size());
        const std::string_view bucket = resource.substr(0, resource.find('/'));
        if (!policy_.for_session_ && !matches_pattern(bucket, policy_.bucket_) &&
            !matches_pattern(resource, policy_.bucket_ + "/")) {
          return std::unexpected(malformed("Policy has invalid resource", name));
        }
      }
      if (auto good = check_variables(resource); !good) {
        return std::unexpected(std::move(good).error().with_tag("MalformedPolicy"));
      }
      statement.resources.emplace_back(resource);
    }
    return {};
  }

  static Result<void> read_conditions(const Value& value, Statement& statement) {
    if (!value.is(Value::Kind::kTable)) {
      return std::unexpected(malformed("Policy has an invalid condition"));
    }
    for (const auto& [operation, keys] : value.members) {
      if (!keys.is(Value::Kind::kTable)) {
        return std::unexpected(malformed("Policy has an invalid condition", operation));
      }
      for (const auto& [key, given] : keys.members) {
        BR_TRY(values, values_of(given, key));
        auto condition = make_condition(operation, key, std::move(values));
        if (!condition) {
          return std::unexpected(std::move(condition).error().with_tag("MalformedPolicy"));
        }
        statement.conditions.push_back(std::move(*condition));
      }
    }
    return {};
  }

  BucketPolicy& policy_;
};

Result<BucketPolicy> BucketPolicy::parse(std::string_view json, std::string_view bucket) {
  auto document = wire::parse_json(json, kMaxBucketPolicyBytes, "the policy");
  if (!document) {
    return std::unexpected(malformed("This policy contains invalid Json", document.error().why()));
  }
  BucketPolicy policy;
  policy.bucket_ = bucket;
  BR_TRY(PolicyParser{policy}.read(*document));
  policy.public_ = std::ranges::any_of(policy.statements_, [](const Statement& statement) {
    return !statement.deny && statement.subjects.everyone &&
           std::ranges::none_of(statement.conditions,
                                [](const PolicyCondition& one) { return one.narrows(); });
  });
  return policy;
}

Result<BucketPolicy> BucketPolicy::parse_for_session(std::string_view json) {
  auto document = wire::parse_json(json, kMaxBucketPolicyBytes, "the policy");
  if (!document) {
    return std::unexpected(malformed("This policy contains invalid Json", document.error().why()));
  }
  BucketPolicy policy;
  policy.for_session_ = true;
  BR_TRY(PolicyParser{policy}.read(*document));
  return policy;
}

bool BucketPolicy::Subjects::contains(const identity::Principal& principal, bool deny) const {
  if (principal.is_service()) {
    // Everyone is every account: a service is allowed only what names it.
    const bool named = std::ranges::any_of(services, [&](const std::string& service) {
      return principal.name() == "service:" + service;
    });
    return (named || (deny && everyone)) != negated;
  }
  const bool named = everyone || (!principal.is_anonymous() &&
                                  std::ranges::find(names, principal.name()) != names.end());
  return named != negated;
}

bool BucketPolicy::applies(const Statement& statement, const identity::Principal& principal,
                           Right right, const std::string& resource, const Facts& facts) const {
  if (!statement.rights.test(static_cast<size_t>(right)) ||
      !statement.subjects.contains(principal, statement.deny)) {
    return false;
  }
  const bool matches = std::ranges::any_of(statement.resources, [&](const std::string& pattern) {
    if (pattern.find("${") == std::string::npos) return matches_pattern(pattern, resource);
    std::string filled;
    return substitute(pattern, facts, filled) && matches_pattern(filled, resource);
  });
  return matches != statement.not_resources &&
         std::ranges::all_of(statement.conditions, [&](const PolicyCondition& condition) {
           return condition.holds(facts);
         });
}

BucketPolicy::Verdict BucketPolicy::decide(const identity::Principal& principal, Right right,
                                           std::string_view key, const Facts& facts) const {
  std::string resource = bucket_;
  if (is_of_object(right)) resource.append("/").append(key);
  return decide_on(principal, right, resource, facts);
}

BucketPolicy::Verdict BucketPolicy::decide_on(const identity::Principal& principal, Right right,
                                              const std::string& resource,
                                              const Facts& facts) const {
  Verdict verdict;
  for (const Statement& statement : statements_) {
    if (verdict.allowed && !statement.deny) continue;
    if (!applies(statement, principal, right, resource, facts)) continue;
    verdict.statement = statement.name;
    if (statement.deny) {
      verdict.allowed = false;
      verdict.denied = true;
      return verdict;
    }
    verdict.allowed = true;
  }
  return verdict;
}

}  // namespace beringia::access
