#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/path.h"
#include "base/time.h"
#include "core/mounts.h"
#include "meta/estate.h"
#include "meta/records.h"
#include "wire/cel.h"

namespace beringia::policy {

/// A policy whose condition is compiled.
struct CompiledPolicy {
  meta::PolicyDeclaration declaration;
  wire::cel::Program condition;
  std::string prefix;  // text with which the paths of all matching entries begin; "/" = any
};

/// What one entry meets.
struct Match {
  const CompiledPolicy* policy = nullptr;   // the first that matches; null = none
  std::optional<Error> problem;             // a condition before it has no value for this entry
  const CompiledPolicy* unclear = nullptr;  // whose condition that is
};

/// The estate's policies, compiled. The first that matches an entry decides. Immutable.
class Policies {
 public:
  /// @error kInvalid: `what` names the policy, `why` shows the place
  static Result<std::shared_ptr<const Policies>> compile(const meta::Estate& estate);

  /// Only the policies of these names (all if empty), in their order. @error kNotFound
  [[nodiscard]] Result<std::vector<const CompiledPolicy*>> select(
      const std::vector<std::string>& names) const;
  const std::vector<CompiledPolicy>& all() const { return policies_; }
  const CompiledPolicy* find(const std::string& name) const;

  /// What the conditions may know of an entry.
  struct Facts {
    const std::string& path;
    const meta::EntryRecord& record;
    Timestamp now;
    const core::Mounts& mounts;
  };
  static Match match(const std::vector<const CompiledPolicy*>& policies, const Facts& facts);

 private:
  std::vector<CompiledPolicy> policies_;
};

}  // namespace beringia::policy
