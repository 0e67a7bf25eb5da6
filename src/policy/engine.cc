#include "policy/engine.h"

#include <algorithm>

#include "observe/log.h"
#include "policy/placement.h"
#include "policy/planner.h"

namespace beringia::policy {
namespace {

constexpr size_t kMaxPage = 1000;

/// The rights on the entries are checked move by move.
audit::Record start_record(const meta::RunRecord& run, const identity::Principal& principal) {
  audit::Record record;
  record.time = run.started;
  record.principal = principal.name();
  record.credential = principal.credential();
  record.door = "policy";
  record.operation = "policy.apply";
  record.path = "/";
  record.allowed = true;
  record.rule = "plan " + run.plan_id;
  record.bytes = run.bytes;
  record.request_id = "run " + run.id;
  return record;
}

/// Finished runs that stay in memory; older ones are read from the catalog.
constexpr size_t kMaxEndedInMemory = 32;

}  // namespace

StoredEngine::StoredEngine(Services services, Options options)
    : services_{std::move(services)},
      options_{options},
      keeper_{services_, options_.lifecycle, *this} {
  // The server's own runs go on after a restart as well.
  services_.owner = [owner = std::move(services_.owner)](
                        const io::Context& context,
                        const std::string& name) -> Result<identity::Principal> {
    if (name == kLifecyclePrincipal) return identity::Principal::internal(name);
    return owner(context, name);
  };
}

std::unique_ptr<Engine> Engine::make(Services services, Options options) {
  return std::make_unique<StoredEngine>(std::move(services), options);
}

Result<StoredEngine::Current> StoredEngine::current() {
  auto mounts = services_.parts.mounts.get();
  {
    std::lock_guard lock{mutex_};
    if (current_.mounts == mounts) return current_;
  }
  BR_TRY(policies, Policies::compile(mounts->estate()));
  std::lock_guard lock{mutex_};
  current_ = {std::move(mounts), policies};
  return current_;
}

Result<void> StoredEngine::start(const io::Context& context) {
  {
    std::lock_guard lock{mutex_};
    stopped_ = false;
  }
  BR_TRY(forget_orphans(context));
  BR_TRY(records, meta::all_runs(context, store()));
  for (auto& record : records) {
    if (record.state != meta::RunRecord::State::kRunning) continue;
    // A policy that does not compile any more has lost its cap, not its run.
    auto now = current();
    observe::log_info("run_resumed", "An unfinished run goes on.",
                      {observe::field("run", record.id)});
    launch(std::move(record), now ? *now->policies : Policies{});
  }
  keeper_.start();
  return {};
}

void StoredEngine::stop() {
  std::map<std::string, std::shared_ptr<Run>> runs;
  {
    std::lock_guard lock{mutex_};
    stopped_ = true;
    runs.swap(runs_);
  }
  keeper_.stop();
  for (const auto& [id, run] : runs) run->stop();
}

void StoredEngine::launch(meta::RunRecord record, const Policies& policies) {
  const std::string id = record.id;
  auto run = std::make_shared<Run>(services_, options_, std::move(record), policies);
  {
    std::lock_guard lock{mutex_};
    if (stopped_) return;
    for (auto it = runs_.begin(); it != runs_.end() && runs_.size() >= kMaxEndedInMemory;) {
      it = it->second->ended() ? runs_.erase(it) : std::next(it);
    }
    runs_[id] = run;
  }
  run->start();
}

std::shared_ptr<Run> StoredEngine::active(const std::string& id) {
  std::lock_guard lock{mutex_};
  const auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : found->second;
}

RunStatus StoredEngine::status_now(const meta::RunRecord& record) {
  const auto run = active(record.id);
  return run ? run->status() : status_of(record);
}

Result<void> StoredEngine::may_see(const io::Context& context, const identity::Principal& principal,
                                   const std::string& owner, const char* operation) const {
  if (principal.name() == owner) return {};
  BR_TRY(services_.gate.admit(context, principal, core::Action::kAdminister, Path{},
                              {"policy", operation, {}, context.trace_id()}));
  return {};
}

// ---- plans ------------------------------------------------------------------------------------

Result<PlanSummary> StoredEngine::make_plan(const io::Context& context,
                                            const identity::Principal& principal,
                                            const PlanRequest& request) {
  BR_TRY(now, current());
  BR_TRY(policies, now.policies->select(request.policies));
  BR_TRY(forget_old(context));
  return Planner{context, services_, principal, request}.run(now.mounts, policies);
}

Result<StoredPlan> StoredEngine::plan_for(const io::Context& context,
                                          const identity::Principal& principal,
                                          const std::string& id) const {
  BR_TRY(found, find_plan(context, store(), id));
  if (!found) {
    return std::unexpected(not_found("there is no plan " + id, {}, "make one: policy plan"));
  }
  BR_TRY(may_see(context, principal, found->summary.principal, "policy.show-plan"));
  return std::move(*found);
}

Result<PlanSummary> StoredEngine::plan(const io::Context& context,
                                       const identity::Principal& principal,
                                       const std::string& id) {
  BR_TRY(found, plan_for(context, principal, id));
  return std::move(found.summary);
}

Result<std::vector<PlanSummary>> StoredEngine::plans(const io::Context& context,
                                                     const identity::Principal& principal) {
  BR_TRY(all, all_plans(context, store()));
  const bool sees_all =
      std::any_of(all.begin(), all.end(),
                  [&](const auto& plan) { return plan.summary.principal != principal.name(); }) &&
      may_see(context, principal, "", "policy.list-plans").has_value();
  std::vector<PlanSummary> visible;
  for (auto& plan : all) {
    if (sees_all || plan.summary.principal == principal.name()) {
      visible.push_back(std::move(plan.summary));
    }
  }
  std::sort(visible.begin(), visible.end(),
            [](const auto& a, const auto& b) { return a.created > b.created; });
  return visible;
}

PlanRow StoredEngine::to_row(const core::Mounts& mounts, const meta::NumberedMove& row) const {
  const auto name = [&](meta::BackendId id) {
    const auto live = mounts.backend(id);
    return live ? live->declaration.name : "backend " + std::to_string(id);
  };
  const meta::MoveRecord& move = row.move;
  return {row.seq,         move.path,     move.rule,     move.generation, move.size,
          name(move.from), name(move.to), move.to_class, kind_of(move)};
}

Result<std::vector<PlanRow>> StoredEngine::plan_rows(const io::Context& context,
                                                     const identity::Principal& principal,
                                                     const std::string& id, uint64_t after,
                                                     size_t limit) {
  BR_TRY(plan_for(context, principal, id));
  BR_TRY(rows, rows_of_plan(context, store(), id, after, std::min(limit, kMaxPage)));
  const auto mounts = services_.parts.mounts.get();
  std::vector<PlanRow> shown;
  for (const auto& row : rows) shown.push_back(to_row(*mounts, row));
  return shown;
}

/// Room for one more plan: the oldest go that no unfinished run needs, and the oldest finished
/// runs.
Result<void> StoredEngine::forget_old(const io::Context& context) {
  BR_TRY(runs, meta::all_runs(context, store()));
  std::erase_if(runs,
                [](const auto& run) { return run.state == meta::RunRecord::State::kRunning; });
  std::sort(runs.begin(), runs.end(),
            [](const auto& a, const auto& b) { return a.ended < b.ended; });
  for (size_t i = 0; i + kMaxRuns <= runs.size(); ++i) {
    BR_TRY(remove_run(context, store(), runs[i].id));
  }
  BR_TRY(plans, all_plans(context, store()));
  std::erase_if(plans, [](const auto& plan) { return plan.summary.created.micros == 0; });
  std::sort(plans.begin(), plans.end(),
            [](const auto& a, const auto& b) { return a.summary.created < b.summary.created; });
  for (size_t i = 0; i + kMaxPlans <= plans.size(); ++i) {
    const auto run = active(plans[i].run_id);
    if (run && !run->ended()) continue;
    BR_TRY(remove_plan(context, store(), plans[i].summary.id));
  }
  return {};
}

/// Rows of plans whose making was cut off. Only before new plans can be made.
Result<void> StoredEngine::forget_orphans(const io::Context& context) {
  BR_TRY(plans, all_plans(context, store()));
  for (const auto& plan : plans) {
    if (plan.summary.created.micros != 0) continue;
    BR_TRY(remove_plan(context, store(), plan.summary.id));
  }
  return {};
}

// ---- runs -------------------------------------------------------------------------------------

Result<uint64_t> StoredEngine::changed_entries(const io::Context& context,
                                               const std::string& plan_id) {
  uint64_t changed = 0;
  for (uint64_t after = 0;;) {
    BR_TRY(rows, rows_of_plan(context, store(), plan_id, after, kMaxPage));
    for (const auto& row : rows) {
      after = row.seq;
      BR_TRY(path, Path::parse(row.move.path));
      BR_TRY(location, services_.parts.tree.resolve(context, path));
      const bool same =
          location.entry && location.entry->generation == row.move.generation &&
          std::any_of(
              location.entry->copies.begin(), location.entry->copies.end(), [&](const auto& copy) {
                return copy.backend == row.move.from && copy.state == meta::CopyState::kValid;
              });
      if (!same) ++changed;
    }
    if (rows.size() < kMaxPage) return changed;
  }
}

Result<void> StoredEngine::check_drift(const io::Context& context, const StoredPlan& plan,
                                       const RunRequest& request) {
  const std::string what = "cannot run plan " + plan.summary.id;
  const std::string hint = "make a new plan: policy plan";
  BR_TRY(now, current());
  auto policies = now.policies->select(plan.summary.policies);
  if (!policies || plan.summary.policies.empty() != policies->empty() ||
      fingerprint_of(now.mounts->estate(), *policies) != plan.summary.estate_fingerprint) {
    return std::unexpected(
        conflict(what, "backends, mounts or policies have changed since it was made", hint)
            .with_tag("drifted"));
  }
  if (!request.refuse_changed_entries) return {};
  BR_TRY(changed, changed_entries(context, plan.summary.id));
  if (changed == 0) return {};
  return std::unexpected(conflict(what,
                                  std::to_string(changed) + " of its " +
                                      std::to_string(plan.summary.totals.objects) +
                                      " rows have changed since it was made",
                                  hint)
                             .with_tag("drifted"));
}

Result<RunStatus> StoredEngine::start_run(const io::Context& context,
                                          const identity::Principal& principal,
                                          const RunRequest& request) {
  BR_TRY(plan, plan_for(context, principal, request.plan_id));
  if (!plan.run_id.empty()) {
    return std::unexpected(already_exists("cannot run plan " + request.plan_id,
                                          "run " + plan.run_id + " has executed it",
                                          "make a new plan: policy plan"));
  }
  BR_TRY(check_drift(context, plan, request));
  return execute(context, principal, std::move(plan),
                 request.bandwidth_bytes_per_s != 0 ? request.bandwidth_bytes_per_s
                                                    : plan.summary.bandwidth_bytes_per_s);
}

Result<RunStatus> StoredEngine::execute(const io::Context& context,
                                        const identity::Principal& principal, StoredPlan plan,
                                        uint64_t bandwidth_bytes_per_s) {
  {
    std::lock_guard lock{mutex_};
    const auto going = std::count_if(runs_.begin(), runs_.end(),
                                     [](const auto& run) { return !run.second->ended(); });
    if (static_cast<size_t>(going) >= kMaxRunningRuns) {
      return std::unexpected(busy("cannot start another run",
                                  std::to_string(kMaxRunningRuns) + " are going on", "wait"));
    }
  }
  meta::RunRecord record;
  record.id = random_hex(services_.parts.rng, meta::kRunIdBytes / 2);
  record.plan_id = plan.summary.id;
  record.principal = principal.name();
  record.started = services_.parts.clock.wall();
  record.objects = plan.summary.totals.objects;
  record.bytes = plan.summary.totals.bytes;
  record.bandwidth_bytes_per_s = bandwidth_bytes_per_s;
  record.policies = plan.summary.policies;
  kv::Batch batch;
  batch.check(plan_key(plan.summary.id), encode(plan));
  plan.run_id = record.id;
  batch.put(plan_key(plan.summary.id), encode(plan));
  batch.put(meta::run_key(record.id), meta::encode(record));
  batch.append(std::string{audit::kStream},
               audit::to_canonical_json(start_record(record, principal)));
  auto saved = store().commit(context, std::move(batch), kv::Durability::kSync);
  if (!saved && saved.error().code() == Code::kConflict) {
    return std::unexpected(
        already_exists("cannot run plan " + record.plan_id, "somebody has just started it"));
  }
  if (!saved) return std::unexpected(std::move(saved).error());
  BR_TRY(now, current());
  launch(record, *now.policies);
  return status_now(record);
}

Result<meta::RunRecord> StoredEngine::run_for(const io::Context& context,
                                              const identity::Principal& principal,
                                              const std::string& id, const char* operation) const {
  const bool possible = !id.empty() && id.find('\0') == std::string::npos;
  std::optional<meta::RunRecord> record;
  if (possible) {
    BR_TRY(found, meta::find_run(context, store(), id));
    record = std::move(found);
  }
  if (!record) return std::unexpected(not_found("there is no run " + id));
  BR_TRY(may_see(context, principal, record->principal, operation));
  return std::move(*record);
}

Result<RunStatus> StoredEngine::run(const io::Context& context,
                                    const identity::Principal& principal, const std::string& id) {
  BR_TRY(record, run_for(context, principal, id, "policy.show-run"));
  return status_now(record);
}

Result<std::vector<RunStatus>> StoredEngine::runs(const io::Context& context,
                                                  const identity::Principal& principal) {
  BR_TRY(all, meta::all_runs(context, store()));
  const bool sees_all =
      std::any_of(all.begin(), all.end(),
                  [&](const auto& run) { return run.principal != principal.name(); }) &&
      may_see(context, principal, "", "policy.list-runs").has_value();
  std::vector<RunStatus> visible;
  for (const auto& record : all) {
    if (sees_all || record.principal == principal.name()) visible.push_back(status_now(record));
  }
  std::sort(visible.begin(), visible.end(),
            [](const auto& a, const auto& b) { return a.started > b.started; });
  return visible;
}

Result<std::vector<RunRow>> StoredEngine::run_rows(const io::Context& context,
                                                   const identity::Principal& principal,
                                                   const std::string& id, uint64_t after,
                                                   size_t limit, RunRowFilter filter) {
  using State = meta::MoveRecord::State;
  BR_TRY(record, run_for(context, principal, id, "policy.show-run"));
  limit = std::min(limit, kMaxPage);
  const auto mounts = services_.parts.mounts.get();
  std::vector<RunRow> shown;
  while (shown.size() < limit) {
    BR_TRY(rows, rows_of_run(context, store(), id, record.plan_id, after, kMaxPage));
    for (const auto& row : rows) {
      after = row.seq;
      const bool problem = row.move.state == State::kSkipped || row.move.state == State::kFailed;
      if (filter.only_problems && !problem) continue;
      shown.push_back({to_row(*mounts, row), row.move.state, row.move.note, row.move.attempts,
                       row.move.crc32c});
      if (shown.size() == limit) break;
    }
    if (rows.size() < kMaxPage) break;
  }
  return shown;
}

Result<RunStatus> StoredEngine::cancel(const io::Context& context,
                                       const identity::Principal& principal,
                                       const std::string& id) {
  BR_TRY(record, run_for(context, principal, id, "policy.cancel"));
  if (const auto run = active(id)) run->cancel();
  return status_now(record);
}

Result<RunStatus> StoredEngine::wait(const io::Context& context,
                                     const identity::Principal& principal, const std::string& id) {
  BR_TRY(record, run_for(context, principal, id, "policy.wait"));
  const auto run = active(id);
  if (!run) return status_of(record);
  BR_TRY(run->wait(context));
  return run->status();
}

}  // namespace beringia::policy
