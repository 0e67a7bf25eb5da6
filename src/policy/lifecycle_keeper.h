#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/namespace.h"
#include "identity/principal.h"
#include "io/sync.h"
#include "policy/lifecycle.h"
#include "policy/plan_rows.h"
#include "policy/policy.h"

namespace beringia::policy {

class StoredEngine;

/// Executes the lifecycles of all buckets now and then, and shows them. Owned by the engine, which
/// it uses for the runs that rewrite copies. Thread-safe.
class LifecycleKeeper {
 public:
  /// `services` and `engine` outlive it; used only after both are made.
  LifecycleKeeper(const Services& services, const LifecycleOptions& options, StoredEngine& engine)
      : services_{services}, options_{options}, engine_{engine} {}

  /// Begins to work in the background, if there is an interval. Once.
  void start();
  /// Ends after the action that is under way. Joins.
  void stop();

  [[nodiscard]] Result<LifecyclePlan> plan(const io::Context& context,
                                           const identity::Principal& principal,
                                           const LifecyclePlanRequest& request);
  [[nodiscard]] Result<std::vector<LifecycleStatus>> statuses(const io::Context& context,
                                                              const identity::Principal& principal);

 private:
  /// The run of rewrites that one pass collects.
  struct Rewrites {
    std::unique_ptr<PlanWriter> writer;  // null: the last one still goes on
    StoredPlan plan;
  };

  void work(const io::Context& context);
  Result<void> pass(const io::Context& context);
  Result<void> keep_bucket(const io::Context& context, const core::DirectoryInfo& bucket,
                           Rewrites& rewrites);
  Result<void> begin_rewrites(const io::Context& context, Rewrites& rewrites);
  Result<void> execute_rewrites(const io::Context& context, Rewrites& rewrites);
  /// Calls `visit` for each bucket that has a lifecycle; false ends it.
  template <class Visit>
  Result<void> each_bucket(const io::Context& context, const identity::Principal& principal,
                           const Visit& visit);

  const Services& services_;
  const LifecycleOptions& options_;
  StoredEngine& engine_;
  std::shared_ptr<io::CancelToken> cancel_;  // owners: this and its fiber's contexts
  io::Event ended_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, LifecycleOutcome> last_;
  std::string run_;  // the last run of rewrites
};

}  // namespace beringia::policy
