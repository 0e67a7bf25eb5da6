#include "policy/lifecycle_scan.h"

#include <algorithm>
#include <utility>

#include "core/parts.h"
#include "observe/metrics.h"
#include "policy/background.h"
#include "policy/lifecycle_versions.h"
#include "policy/prices.h"
#include "wire/storage_class.h"

namespace beringia::policy {
namespace {

constexpr size_t kPage = 1000;

const observe::Counter kScanned{"beringia_policy_lifecycle_scanned_entries_total",
                                "Entries that lifecycle rules looked at."};

/// An applied policy says which class the copy in this backend has.
bool names_class(const CompiledPolicy* policy, const std::string& backend) {
  return policy != nullptr &&
         std::ranges::any_of(policy->declaration.place, [&](const meta::PlaceTarget& place) {
           return place.backend == backend && !place.storage_class.empty();
         });
}

}  // namespace

std::vector<StaleCopy> LifecycleScan::stale_copies(const Path& path,
                                                   const meta::EntryRecord& record,
                                                   const std::string& storage_class) const {
  std::vector<StaleCopy> stale;
  const auto mounts = services_.parts.mounts.get();
  const std::string wanted = wire::google_class(storage_class);
  for (const meta::Copy& copy : record.copies) {
    const auto live = mounts->backend(copy.backend);
    if (!live || copy.state != meta::CopyState::kValid || !is_billed(live->declaration)) continue;
    if (wire::coldness(copy.storage_class) >= wire::coldness(wanted)) continue;
    const Match match =
        Policies::match(bucket_.policies, {path.text(), record, bucket_.now, *mounts});
    if (names_class(match.policy, live->declaration.name)) continue;
    stale.push_back({copy.backend, wanted});
  }
  return stale;
}

Result<void> LifecycleScan::run(const Take& take) {
  auto admitted = services_.gate.admit(context_, principal_, core::Action::kList, bucket_.path,
                                       {"policy", "lifecycle.scan", {}, context_.trace_id()});
  if (!admitted) return std::unexpected(std::move(admitted).error());
  auto scanned = scan_all(*admitted, take);
  if (!scanned) admitted->note_error(scanned.error());
  return scanned;
}

Result<void> LifecycleScan::scan_all(const core::Grant& grant, const Take& take) {
  for (const std::string& prefix : wire::prefixes_of(bucket_.lifecycle)) {
    BR_TRY(scan_objects(grant, prefix, take));
  }
  if (bucket_.keeps_versions) {
    for (const std::string& prefix : wire::version_prefixes_of(bucket_.lifecycle)) {
      BR_TRY(scan_versions(grant, prefix, take));
    }
  }
  return scan_uploads(grant, take);
}

Result<void> LifecycleScan::scan_objects(const core::Grant& grant, const std::string& prefix,
                                         const Take& take) {
  core::ListRequest request;
  request.prefix = prefix;
  request.limit = kPage;
  for (;;) {
    BR_TRY(wait_for_calls(context_, services_.parts.mounts, grant.path()));
    auto page = services_.names.list(context_, grant, request);
    if (!page) {
      // Nothing there: nothing to do.
      if (page.error().code() == Code::kNotFound) return {};
      return std::unexpected(std::move(page).error());
    }
    std::vector<LifecycleStep> steps;
    for (auto& item : page->items) look_at(item.name, item.record, steps);
    kScanned.add(page->items.size());
    BR_TRY(take(steps));
    if (!page->truncated) return {};
    request.start_after = page->last;
  }
}

void LifecycleScan::look_at(const std::string& name, meta::EntryRecord& record,
                            std::vector<LifecycleStep>& steps) {
  ++scanned_;
  const wire::LifecycleSubject subject{name,           record.size,
                                       &record.tags,   record.storage_class,
                                       record.created, core::custom_time_of(record)};
  auto path = bucket_.path.join(name);
  if (!path) return;
  // S3 user guide, "Conflicts": an expiration goes before a transition.
  const auto expiration = wire::expiration_of(bucket_.lifecycle, subject, bucket_.day);
  if (expiration && expiration->time <= bucket_.now) {
    steps.push_back({LifecycleAction::kExpire,
                     std::move(*path),
                     expiration->rule,
                     expiration->time,
                     {},
                     {},
                     std::move(record),
                     {}});
    return;
  }
  if (expiration && (next_.micros == 0 || expiration->time < next_)) next_ = expiration->time;
  const auto colder = wire::transition_of(bucket_.lifecycle, subject, bucket_.now, bucket_.day);
  if (!colder) return;
  std::string storage_class{colder->storage_class};
  auto stale = stale_copies(*path, record, storage_class);
  const bool changes = wire::coldness(storage_class) > wire::coldness(record.storage_class);
  if (!changes && stale.empty()) return;
  steps.push_back({LifecycleAction::kTransition,
                   std::move(*path),
                   colder->rule,
                   colder->time,
                   std::move(storage_class),
                   std::move(stale),
                   std::move(record),
                   {}});
}

Result<void> LifecycleScan::scan_versions(const core::Grant& grant, const std::string& prefix,
                                          const Take& take) {
  core::ListVersionsRequest request;
  request.prefix = prefix;
  request.limit = kPage;
  LifecycleVersions versions{bucket_};
  for (;;) {
    BR_TRY(wait_for_calls(context_, services_.parts.mounts, grant.path()));
    auto page = services_.names.list_versions(context_, grant, request);
    if (!page) {
      if (page.error().code() == Code::kNotFound) return {};
      return std::unexpected(std::move(page).error());
    }
    std::vector<LifecycleStep> steps;
    for (auto& item : page->items) versions.look_at(std::move(item), steps);
    scanned_ += page->items.size();
    kScanned.add(page->items.size());
    if (!page->truncated) versions.finish(steps);
    BR_TRY(take(steps));
    if (!page->truncated) return {};
    request.start_after = page->last;
    request.after_generation = page->last_generation;
  }
}

Result<void> LifecycleScan::scan_uploads(const core::Grant& grant, const Take& take) {
  const bool any = std::ranges::any_of(bucket_.lifecycle.rules, [](const auto& rule) {
    return rule.enabled && rule.abort_uploads_days;
  });
  if (!any) return {};
  std::vector<LifecycleStep> steps;
  for (const char* protocol : {"s3", "gcs"}) {
    BR_TRY(uploads, services_.names.list_uploads(context_, grant, protocol));
    for (const meta::UploadRecord& upload : uploads) {
      BR_TRY(path, Path::parse(upload.path));
      const auto due = wire::abort_of(bucket_.lifecycle, path.key(), upload.started, bucket_.day);
      if (!due || due->time > bucket_.now) continue;
      steps.push_back(
          {LifecycleAction::kAbortUpload, path, due->rule, due->time, {}, {}, {}, upload.id});
      if (steps.size() < kPage) continue;
      BR_TRY(take(steps));
      steps.clear();
    }
  }
  return take(steps);
}

}  // namespace beringia::policy
