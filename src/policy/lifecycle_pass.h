#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "policy/lifecycle_scan.h"
#include "policy/lifecycle_tally.h"
#include "policy/plan_rows.h"

namespace beringia::policy {

/// Does what the lifecycle of one bucket wants, by the ordinary verbs of the namespace as
/// kLifecyclePrincipal: each action has a grant and a record in the audit log, and happens only if
/// the object is still the one that was looked at. Used by one fiber.
class LifecyclePass {
 public:
  /// @param rewrites  where rows go that give copies another class; null: that waits for a later
  /// pass
  LifecyclePass(const io::Context& context, const Services& services, std::string bucket,
                PlanWriter* rewrites, StoredPlan* plan)
      : context_{context},
        services_{services},
        bucket_{std::move(bucket)},
        rewrites_{rewrites},
        plan_{plan} {}

  /// Always answers; what kept it from the end stands in `error`.
  LifecycleOutcome run(const LifecycleScan::Bucket& bucket);

 private:
  Result<void> do_all(std::vector<LifecycleStep>& steps);
  Result<void> do_step(const io::Context& context, const LifecycleStep& step);
  Result<void> remove(const io::Context& context, const LifecycleStep& step);
  Result<void> set_class(const io::Context& context, const LifecycleStep& step);
  void count(const LifecycleStep& step, const Result<void>& done);
  Result<void> add_rewrites(const LifecycleStep& step);
  Result<core::Grant> admit(const io::Context& context, const LifecycleStep& step,
                            core::Action action) const;

  const io::Context& context_;
  const Services& services_;
  const std::string bucket_;
  PlanWriter* rewrites_;
  StoredPlan* plan_;
  LifecycleTally tally_;
};

}  // namespace beringia::policy
