#include "policy/lifecycle_pass.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "core/parts.h"
#include "io/sync.h"
#include "observe/metrics.h"
#include "policy/prices.h"
#include "wire/storage_class.h"

namespace beringia::policy {
namespace {

/// Actions under way at once, so that their commits share a sync.
constexpr size_t kWorkers = 16;

/// EntryRecord::placed_by has one byte for the number of a rule.
constexpr size_t kMaxRulesOfRun = 255;

const observe::Counter kActions{"beringia_policy_lifecycle_actions_total",
                                "What lifecycle rules have done.",
                                {"action", "result"}};

/// Somebody was faster: the next pass looks again.
bool has_changed(const Error& error) {
  return error.code() == Code::kConflict || error.code() == Code::kNotFound;
}

core::Conditions unchanged(const meta::EntryRecord& record) {
  core::Conditions conditions;
  conditions.generation_match = record.generation;
  conditions.metageneration_match = record.metageneration;
  return conditions;
}

}  // namespace

LifecycleOutcome LifecyclePass::run(const LifecycleScan::Bucket& bucket) {
  LifecycleOutcome outcome;
  outcome.started = services_.parts.clock.wall();
  const identity::Principal self = identity::Principal::internal(kLifecyclePrincipal);
  LifecycleScan scan{context_, services_, self, bucket};
  auto done = scan.run([this](std::vector<LifecycleStep>& steps) { return do_all(steps); });
  if (!done) outcome.error = done.error().to_string();
  outcome.scanned = scan.scanned();
  tally_.finish(outcome);
  outcome.ended = services_.parts.clock.wall();
  return outcome;
}

Result<void> LifecyclePass::do_all(std::vector<LifecycleStep>& steps) {
  std::vector<Result<void>> results(steps.size());
  std::atomic<size_t> next{0};
  io::Scope scope{context_};
  for (size_t worker = 0; worker < std::min(kWorkers, steps.size()); ++worker) {
    scope.spawn([&]() -> Result<void> {
      for (size_t i = next++; i < steps.size(); i = next++) {
        BR_TRY(scope.context().check(services_.parts.clock.monotonic()));
        results[i] = do_step(scope.context(), steps[i]);
      }
      return {};
    });
  }
  BR_TRY(scope.join());
  for (size_t i = 0; i < steps.size(); ++i) {
    count(steps[i], results[i]);
    if (results[i]) BR_TRY(add_rewrites(steps[i]));
  }
  return {};
}

void LifecyclePass::count(const LifecycleStep& step, const Result<void>& done) {
  const std::string_view action = to_string(step.action);
  if (done) {
    kActions.add(1, {action, "done"});
    tally_.add(step);
    return;
  }
  const Error& error = done.error();
  const bool changed = has_changed(error);
  kActions.add(1, {action, changed ? "changed" : "failed"});
  tally_.skip(step, changed               ? "it was changed meanwhile"
                    : error.why().empty() ? error.what()
                                          : error.why());
}

Result<core::Grant> LifecyclePass::admit(const io::Context& context, const LifecycleStep& step,
                                         core::Action action) const {
  const std::string operation = "lifecycle." + std::string{to_string(step.action)};
  return services_.gate.admit(
      context, identity::Principal::internal(kLifecyclePrincipal), action, step.path,
      {"policy", operation, {}, "bucket " + bucket_ + " rule " + step.rule->id});
}

Result<void> LifecyclePass::do_step(const io::Context& context, const LifecycleStep& step) {
  switch (step.action) {
    case LifecycleAction::kExpire:
    case LifecycleAction::kExpireVersion:
    case LifecycleAction::kExpireMarker: return remove(context, step);
    case LifecycleAction::kTransition:
    case LifecycleAction::kTransitionVersion: return set_class(context, step);
    case LifecycleAction::kAbortUpload: break;
  }
  BR_TRY(grant, admit(context, step, core::Action::kWrite));
  auto aborted = services_.names.abort_upload(context, grant, step.upload_id);
  if (!aborted) grant.note_error(aborted.error());
  return aborted;
}

Result<void> LifecyclePass::remove(const io::Context& context, const LifecycleStep& step) {
  BR_TRY(grant, admit(context, step, core::Action::kDelete));
  core::RemoveRequest request;
  request.by_lifecycle = true;
  if (step.action == LifecycleAction::kExpire) {
    request.conditions = unchanged(step.record);
  } else {
    request.generation = step.record.generation;
    // S3 leaves a mark of a deletion that has lost all behind it to another rule.
    request.brings_back = !step.rule->as_google;
    // Who deletes the newer ones for good brings an older one back: that is not noncurrent now.
    auto current = services_.names.stat(context, grant);
    if (current && current->record.generation == step.record.generation) {
      return std::unexpected(conflict("it is current again"));
    }
  }
  auto removed = services_.names.remove(context, grant, request);
  if (removed) return {};
  grant.note_error(removed.error());
  return std::unexpected(std::move(removed).error());
}

/// The object's own class changes now; its copies follow in a run of moves.
Result<void> LifecyclePass::set_class(const io::Context& context, const LifecycleStep& step) {
  if (wire::coldness(step.storage_class) <= wire::coldness(step.record.storage_class)) return {};
  BR_TRY(grant, admit(context, step, core::Action::kWrite));
  core::AttributePatch patch;
  patch.storage_class = step.storage_class;
  patch.by_lifecycle = true;
  patch.conditions = unchanged(step.record);
  if (step.action == LifecycleAction::kTransitionVersion) patch.generation = step.record.generation;
  auto set = services_.names.set_attributes(context, grant, patch);
  if (set) return {};
  grant.note_error(set.error());
  return std::unexpected(std::move(set).error());
}

Result<void> LifecyclePass::add_rewrites(const LifecycleStep& step) {
  if (rewrites_ == nullptr || step.copies.empty()) return {};
  const auto mounts = services_.parts.mounts.get();
  const std::string rule = "lifecycle " + bucket_ + "/" + step.rule->id;
  PlanSummary& summary = plan_->summary;
  if (std::ranges::find(summary.policies, rule) == summary.policies.end()) {
    if (summary.policies.size() == kMaxRulesOfRun) return {};  // a later pass does it
    summary.policies.push_back(rule);
  }
  for (const StaleCopy& stale : step.copies) {
    const auto live = mounts->backend(stale.backend);
    const auto copy = std::ranges::find(step.record.copies, stale.backend, &meta::Copy::backend);
    if (!live || copy == step.record.copies.end()) continue;
    meta::MoveRecord move;
    move.path = step.path.text();
    move.generation = step.record.generation;
    move.size = step.record.size;
    move.from = stale.backend;
    move.to = stale.backend;
    move.to_class = stale.storage_class;
    move.rule = rule;
    const PricedRow priced{PlanRow::Kind::kRewriteClass, move.size,          &live->declaration,
                           copy->storage_class,          &live->declaration, stale.storage_class};
    add_to(summary.totals, priced);
    add_to(summary.by_policy[rule], priced);
    BR_TRY(rewrites_->add(move));
  }
  return {};
}

}  // namespace beringia::policy
