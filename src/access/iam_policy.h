#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "access/right.h"
#include "base/error.h"
#include "identity/principal.h"
#include "wire/cel.h"

namespace beringia::access {

inline constexpr size_t kMaxIamPolicyBytes = 64 << 10;
inline constexpr size_t kMaxIamMembers = 1500;  // GCS documentation, "IAM: quotas": per policy
inline constexpr int kIamConditionsVersion = 3;

/// A bucket's policy in Google's dialect: roles given to members, some under a condition in CEL.
/// It only allows. Immutable, so any number of threads may ask it.
class IamPolicy {
 public:
  struct Condition {
    std::string title, description, expression;
    bool operator==(const Condition&) const = default;
  };
  struct Binding {
    std::string role;
    std::vector<std::string> members;  // as written: "user:ann", "serviceAccount:...", "allUsers"
    std::optional<Condition> condition;
    bool operator==(const Binding&) const = default;
  };

  /// @param json  {"version": 3, "bindings": [...]}; other members do not count
  /// @param bucket  whose resources conditions speak of
  /// @error kInvalid: what is wrong, or not offered here
  static Result<IamPolicy> parse(std::string_view json, std::string_view bucket);

  /// Canonical JSON; parse() reads it.
  std::string text() const;
  int version() const { return version_; }
  const std::vector<Binding>& bindings() const { return bindings_; }
  bool has_conditions() const;
  /// Someone without an account here is given something.
  bool is_public() const;

  /// The role that gives it; "" = none does.
  /// @param key  below the bucket; only for rights of objects
  std::string role_for(const identity::Principal& principal, Right right, std::string_view key,
                       const Facts& facts, bool ignore_public, std::string_view bucket_owner) const;
  bool allows(const identity::Principal& principal, Right right, std::string_view key,
              const Facts& facts, bool ignore_public, std::string_view bucket_owner) const {
    return !role_for(principal, right, key, facts, ignore_public, bucket_owner).empty();
  }

 private:
  struct Compiled {
    Rights rights;
    std::optional<wire::cel::Program> condition;
  };
  bool holds(const wire::cel::Program& condition, Right right, std::string_view key,
             const Facts& facts) const;

  std::string bucket_;
  int version_ = 1;
  std::vector<Binding> bindings_;
  std::vector<Compiled> compiled_;  // of each binding
};

/// What a role of Google's gives on a bucket. @error kInvalid: there is no such role for buckets
[[nodiscard]] Result<Rights> rights_of_iam_role(std::string_view role);
/// What a permission of Google's stands for ("storage.objects.get"); nullopt: nobody has it here.
std::optional<Right> right_of_iam_permission(std::string_view permission);

}  // namespace beringia::access
