#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "policy/lifecycle_keeper.h"
#include "policy/plan_rows.h"
#include "policy/policies.h"
#include "policy/policy.h"
#include "policy/run.h"

namespace beringia::policy {

class StoredEngine final : public Engine {
 public:
  StoredEngine(Services services, Options options);
  ~StoredEngine() override { stop(); }

  Result<void> start(const io::Context& context) override;
  void stop() override;
  [[nodiscard]] Result<PlanSummary> make_plan(const io::Context& context,
                                              const identity::Principal& principal,
                                              const PlanRequest& request) override;
  [[nodiscard]] Result<PlanSummary> plan(const io::Context& context,
                                         const identity::Principal& principal,
                                         const std::string& id) override;
  [[nodiscard]] Result<std::vector<PlanSummary>> plans(
      const io::Context& context, const identity::Principal& principal) override;
  [[nodiscard]] Result<std::vector<PlanRow>> plan_rows(const io::Context& context,
                                                       const identity::Principal& principal,
                                                       const std::string& id, uint64_t after,
                                                       size_t limit) override;
  [[nodiscard]] Result<RunStatus> start_run(const io::Context& context,
                                            const identity::Principal& principal,
                                            const RunRequest& request) override;
  [[nodiscard]] Result<RunStatus> run(const io::Context& context,
                                      const identity::Principal& principal,
                                      const std::string& id) override;
  [[nodiscard]] Result<std::vector<RunStatus>> runs(const io::Context& context,
                                                    const identity::Principal& principal) override;
  [[nodiscard]] Result<std::vector<RunRow>> run_rows(const io::Context& context,
                                                     const identity::Principal& principal,
                                                     const std::string& id, uint64_t after,
                                                     size_t limit, RunRowFilter filter) override;
  [[nodiscard]] Result<RunStatus> cancel(const io::Context& context,
                                         const identity::Principal& principal,
                                         const std::string& id) override;
  [[nodiscard]] Result<RunStatus> wait(const io::Context& context,
                                       const identity::Principal& principal,
                                       const std::string& id) override;
  [[nodiscard]] Result<PlaceExplanation> explain(const io::Context& context,
                                                 const core::Grant& grant) override;
  [[nodiscard]] Result<LifecyclePlan> plan_lifecycle(const io::Context& context,
                                                     const identity::Principal& principal,
                                                     const LifecyclePlanRequest& request) override {
    return keeper_.plan(context, principal, request);
  }
  [[nodiscard]] Result<std::vector<LifecycleStatus>> lifecycles(
      const io::Context& context, const identity::Principal& principal) override {
    return keeper_.statuses(context, principal);
  }

  // For lifecycles, whose plans the server makes itself.
  [[nodiscard]] Result<std::shared_ptr<const Policies>> policies() {
    BR_TRY(now, current());
    return now.policies;
  }
  bool is_running(const std::string& run) {
    const auto going = active(run);
    return going && !going->ended();
  }
  [[nodiscard]] Result<void> make_room(const io::Context& context) { return forget_old(context); }
  /// Starts a plan that nobody else has started. @error kBusy, kAlreadyExists, kUnavailable
  [[nodiscard]] Result<RunStatus> execute(const io::Context& context,
                                          const identity::Principal& principal, StoredPlan plan,
                                          uint64_t bandwidth_bytes_per_s);

 private:
  /// The mounts and the policies that were compiled for them.
  struct Current {
    // Owners: the table, this engine and whoever works with them.
    std::shared_ptr<const core::Mounts> mounts;
    std::shared_ptr<const Policies> policies;
  };
  Result<Current> current();
  kv::Store& store() const { return services_.parts.store; }
  Result<void> may_see(const io::Context& context, const identity::Principal& principal,
                       const std::string& owner, const char* operation) const;
  Result<StoredPlan> plan_for(const io::Context& context, const identity::Principal& principal,
                              const std::string& id) const;
  Result<meta::RunRecord> run_for(const io::Context& context, const identity::Principal& principal,
                                  const std::string& id, const char* operation) const;
  Result<void> check_drift(const io::Context& context, const StoredPlan& plan,
                           const RunRequest& request);
  Result<uint64_t> changed_entries(const io::Context& context, const std::string& plan_id);
  Result<void> forget_old(const io::Context& context);
  Result<void> forget_orphans(const io::Context& context);
  void launch(meta::RunRecord record, const Policies& policies);
  std::shared_ptr<Run> active(const std::string& id);
  RunStatus status_now(const meta::RunRecord& record);
  PlanRow to_row(const core::Mounts& mounts, const meta::NumberedMove& row) const;

  Services services_;
  const Options options_;
  LifecycleKeeper keeper_;
  std::mutex mutex_;  // guards what follows
  Current current_;
  std::map<std::string, std::shared_ptr<Run>> runs_;  // owners: this engine and their fibers
  bool stopped_ = false;
};

}  // namespace beringia::policy
