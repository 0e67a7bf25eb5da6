#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "access/right.h"
#include "base/error.h"
#include "base/path.h"
#include "wire/cel.h"

namespace beringia::access {

/// Google's credential access boundary: what a downscoped token is narrowed to. It gives nothing
/// that the principal does not have. Immutable; thread-safe.
class AccessBoundary {
 public:
  /// IAM documentation, "Downscope with Credential Access Boundaries".
  static constexpr size_t kMaxRules = 10;

  /// @param json  {"accessBoundary": {"accessBoundaryRules": [...]}}
  /// @error kInvalid: what is wrong, or not offered here
  static Result<AccessBoundary> parse(std::string_view json);
  /// Some rule allows it. Buckets go by their name in the namespace, whatever alias a request
  /// named.
  bool allows(Right right, const Path& path, const Facts& facts) const;
  /// Rules for buckets of any name, which only this server itself writes.
  bool names_every_bucket() const;

 private:
  struct Rule {
    std::string bucket;  // "*" = every one
    Rights rights;
    std::vector<wire::cel::Program> conditions;  // at most one
  };
  static Result<Rule> read_rule(const struct BoundaryText& text);
  static bool holds(const Rule& rule, Right right, const Path& path, const Facts& facts);
  std::vector<Rule> rules_;
};

/// What a token's scopes narrow it to, as a session's policy: reading, when no scope is for more;
/// "" = nothing is taken away.
std::string policy_of_scopes(std::string_view scopes);

}  // namespace beringia::access
