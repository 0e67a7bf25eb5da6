#pragma once

#include <map>
#include <string>
#include <tuple>

#include "policy/lifecycle.h"
#include "policy/lifecycle_scan.h"
#include "policy/planner.h"

namespace beringia::policy {

/// Adds up what a pass does, by rule and action. Bounded by the number of rules. Not thread-safe.
class LifecycleTally {
 public:
  void add(const LifecycleStep& step);
  void skip(const LifecycleStep& step, const std::string& reason) {
    skipped_.add(reason, step.path.text());
  }
  /// Puts totals and skips into `outcome`.
  void finish(LifecycleOutcome& outcome) const;

 private:
  using Key = std::tuple<std::string, LifecycleAction, std::string>;
  std::map<Key, LifecycleTotal> totals_;
  SkipCounter skipped_;
};

}  // namespace beringia::policy
