#include "policy/lifecycle_keeper.h"

#include <algorithm>
#include <set>
#include <utility>

#include "access/bucket_access.h"
#include "core/parts.h"
#include "observe/log.h"
#include "policy/background.h"
#include "policy/engine.h"
#include "policy/lifecycle_pass.h"
#include "policy/lifecycle_text.h"
#include "policy/planner.h"

namespace beringia::policy {
namespace {

constexpr size_t kPage = 1000;
constexpr size_t kMaxKept = 4096;  // outcomes that are remembered

std::string lifecycle_text_of(const core::DirectoryInfo& bucket) {
  const auto found = bucket.record.attributes.find(std::string{access::kLifecycleAttribute});
  return found == bucket.record.attributes.end() ? std::string{} : found->second;
}

bool keeps_versions(const core::DirectoryInfo& bucket) {
  return bucket.record.attributes.contains(std::string{core::kVersioningAttribute});
}

uint64_t count_of(const LifecycleOutcome& outcome) {
  uint64_t objects = 0;
  for (const auto& total : outcome.totals) objects += total.objects;
  return objects;
}

void report(const std::string& bucket, const LifecycleOutcome& outcome) {
  if (!outcome.error.empty()) {
    observe::log_warn("lifecycle_unfinished", "The lifecycle of a bucket was not done to its end.",
                      {observe::field("bucket", bucket), observe::field("why", outcome.error)});
  }
  if (count_of(outcome) == 0) return;
  observe::log_info("lifecycle_done", "The lifecycle of a bucket had something to do.",
                    {observe::field("bucket", bucket), observe::field("objects", count_of(outcome)),
                     observe::field("scanned", outcome.scanned)});
}

}  // namespace

void LifecycleKeeper::start() {
  if (options_.interval.count() <= 0 || cancel_) return;
  cancel_ = std::make_shared<io::CancelToken>();
  services_.runtime.spawn([this, context = background(cancel_, "lifecycle")] {
    work(context);
    ended_.set();
  });
}

void LifecycleKeeper::stop() {
  if (!cancel_) return;
  cancel_->cancel();
  (void)ended_.wait(io::Context{});
}

void LifecycleKeeper::work(const io::Context& context) {
  Duration wait = std::min(options_.first, options_.interval);
  while (io::sleep_for(context, wait)) {
    wait = options_.interval;
    auto done = pass(context);
    if (done || done.error().code() == Code::kCancelled) continue;
    observe::log_warn("lifecycle_failed", "A pass over the buckets' lifecycles failed.",
                      {observe::field("why", done.error().to_string())});
  }
}

template <class Visit>
Result<void> LifecycleKeeper::each_bucket(const io::Context& context,
                                          const identity::Principal& principal,
                                          const Visit& visit) {
  BR_TRY(grant, services_.gate.admit_bucket_list(
                    context, principal, {"policy", "lifecycle.buckets", {}, context.trace_id()}));
  std::string after;
  for (;;) {
    BR_TRY(buckets, services_.names.list_directories(context, grant, after, kPage));
    for (const core::DirectoryInfo& bucket : buckets) {
      if (lifecycle_text_of(bucket).empty()) continue;
      BR_TRY(goes_on, visit(bucket));
      if (!goes_on) return {};
    }
    if (buckets.size() < kPage) return {};
    after = std::string{buckets.back().path.bucket()};
  }
}

Result<void> LifecycleKeeper::pass(const io::Context& context) {
  Rewrites rewrites;
  BR_TRY(begin_rewrites(context, rewrites));
  std::set<std::string> seen;
  const identity::Principal self = identity::Principal::internal(kLifecyclePrincipal);
  BR_TRY(each_bucket(context, self, [&](const core::DirectoryInfo& bucket) -> Result<bool> {
    seen.emplace(bucket.path.bucket());
    BR_TRY(keep_bucket(context, bucket, rewrites));
    return true;
  }));
  {
    std::lock_guard lock{mutex_};
    std::erase_if(last_, [&](const auto& one) { return !seen.contains(one.first); });
  }
  return execute_rewrites(context, rewrites);
}

Result<void> LifecycleKeeper::keep_bucket(const io::Context& context,
                                          const core::DirectoryInfo& bucket, Rewrites& rewrites) {
  const std::string name{bucket.path.bucket()};
  auto lifecycle = wire::decode_lifecycle(lifecycle_text_of(bucket));
  LifecycleOutcome outcome;
  if (lifecycle) {
    BR_TRY(policies, engine_.policies());
    BR_TRY(all, policies->select({}));
    LifecyclePass one{context, services_, name, rewrites.writer.get(), &rewrites.plan};
    outcome = one.run({bucket.path, *lifecycle, services_.parts.clock.wall(), options_.day, all,
                       keeps_versions(bucket)});
  } else {
    outcome.started = outcome.ended = services_.parts.clock.wall();
    outcome.error = lifecycle.error().to_string();
  }
  BR_TRY(context.check(services_.parts.clock.monotonic()));
  report(name, outcome);
  std::lock_guard lock{mutex_};
  if (last_.contains(name) || last_.size() < kMaxKept) last_[name] = std::move(outcome);
  return {};
}

/// One run at a time: while one goes on, copies that another pass finds wait for the next.
Result<void> LifecycleKeeper::begin_rewrites(const io::Context& context, Rewrites& rewrites) {
  {
    std::lock_guard lock{mutex_};
    if (!run_.empty() && engine_.is_running(run_)) return {};
  }
  PlanSummary& summary = rewrites.plan.summary;
  summary.id = random_hex(services_.parts.rng, meta::kRunIdBytes / 2);
  summary.principal = kLifecyclePrincipal;
  summary.created = services_.parts.clock.wall();
  summary.estate_fingerprint = fingerprint_of(services_.parts.mounts.get()->estate(), {});
  rewrites.writer = std::make_unique<PlanWriter>(context, services_.parts.store, summary.id);
  return {};
}

Result<void> LifecycleKeeper::execute_rewrites(const io::Context& context, Rewrites& rewrites) {
  if (!rewrites.writer || rewrites.writer->rows() == 0) return {};
  BR_TRY(engine_.make_room(context));
  BR_TRY(rewrites.writer->finish(rewrites.plan));
  BR_TRY(run, engine_.execute(context, identity::Principal::internal(kLifecyclePrincipal),
                              std::move(rewrites.plan), 0));
  std::lock_guard lock{mutex_};
  run_ = run.id;
  return {};
}

Result<LifecyclePlan> LifecycleKeeper::plan(const io::Context& context,
                                            const identity::Principal& principal,
                                            const LifecyclePlanRequest& request) {
  const std::string what = "there is no lifecycle to plan for " + request.bucket.text();
  BR_TRY(grant, services_.gate.admit(context, principal, core::Action::kList, request.bucket,
                                     {"policy", "lifecycle.plan", {}, context.trace_id()}));
  BR_TRY(bucket, services_.names.stat_directory(context, grant));
  const std::string text = lifecycle_text_of(bucket);
  if (text.empty() || request.bucket.directories().size() != 1) {
    return std::unexpected(not_found(what, "the bucket has none",
                                     "set one over S3 or GCS: PutBucketLifecycleConfiguration"));
  }
  BR_TRY(lifecycle, wire::decode_lifecycle(text));
  BR_TRY(policies, engine_.policies());
  BR_TRY(all, policies->select({}));
  LifecyclePlan plan;
  plan.bucket = std::string{request.bucket.bucket()};
  plan.outcome.started = services_.parts.clock.wall();
  plan.at = request.at.micros != 0 ? request.at : plan.outcome.started;
  plan.rules = describe(lifecycle);
  LifecycleTally tally;
  LifecycleScan scan{
      context,
      services_,
      principal,
      {request.bucket, lifecycle, plan.at, options_.day, all, keeps_versions(bucket)}};
  BR_TRY(scan.run([&](std::vector<LifecycleStep>& steps) -> Result<void> {
    for (const LifecycleStep& step : steps) {
      tally.add(step);
      if (plan.rows.size() >= request.rows) continue;
      plan.rows.push_back({step.path.text(), step.rule->id, step.action, step.storage_class,
                           step.record.generation, step.record.size, step.due});
    }
    return {};
  }));
  plan.outcome.scanned = scan.scanned();
  plan.next = scan.next();
  tally.finish(plan.outcome);
  plan.outcome.ended = services_.parts.clock.wall();
  return plan;
}

Result<std::vector<LifecycleStatus>> LifecycleKeeper::statuses(
    const io::Context& context, const identity::Principal& principal) {
  std::vector<LifecycleStatus> shown;
  BR_TRY(each_bucket(context, principal, [&](const core::DirectoryInfo& bucket) -> Result<bool> {
    if (!services_.gate.may(principal, core::Action::kList, bucket.path)) return true;
    LifecycleStatus status;
    status.bucket = std::string{bucket.path.bucket()};
    if (auto lifecycle = wire::decode_lifecycle(lifecycle_text_of(bucket))) {
      status.rules = describe(*lifecycle);
    } else {
      status.damage = lifecycle.error().to_string();
    }
    {
      std::lock_guard lock{mutex_};
      if (const auto found = last_.find(status.bucket); found != last_.end()) {
        status.last = found->second;
      }
    }
    shown.push_back(std::move(status));
    return shown.size() < kMaxLifecyclesShown;
  }));
  return shown;
}

}  // namespace beringia::policy
