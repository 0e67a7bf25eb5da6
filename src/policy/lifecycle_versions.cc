#include "policy/lifecycle_versions.h"

#include <utility>

#include "wire/storage_class.h"

namespace beringia::policy {

void LifecycleVersions::look_at(core::VersionPage::Item item, std::vector<LifecycleStep>& steps) {
  if (item.name != name_) {
    settle_marker(steps);
    name_ = item.name;
    live_ = false;
    noncurrent_ = 0;
  }
  const meta::VersionRecord& version = item.version;
  const Timestamp set = version.record.created;
  if (item.is_current) {
    live_ = !version.delete_marker;
    newer_set_ = set;
    if (version.delete_marker) marker_ = std::move(item);
    return;
  }
  marker_.reset();  // it has something behind it
  // A mark tells when it was set; it stopped to be current when the one before it came.
  const Timestamp since = version.delete_marker || version.became_noncurrent.micros == 0
                              ? newer_set_
                              : version.became_noncurrent;
  look_at_noncurrent(item, since, steps);
  ++noncurrent_;
  newer_set_ = set;
}

void LifecycleVersions::look_at_noncurrent(core::VersionPage::Item& item, Timestamp since,
                                           std::vector<LifecycleStep>& steps) {
  meta::EntryRecord& record = item.version.record;
  const wire::NoncurrentSubject subject{{item.name, record.size, &record.tags, record.storage_class,
                                         record.created, core::custom_time_of(record)},
                                        since,
                                        noncurrent_,
                                        live_};
  auto path = bucket_.path.join(item.name);
  if (!path) return;
  const auto expiration = wire::noncurrent_expiration_of(bucket_.lifecycle, subject, bucket_.day);
  if (expiration && expiration->time <= bucket_.now) {
    steps.push_back({LifecycleAction::kExpireVersion,
                     std::move(*path),
                     expiration->rule,
                     expiration->time,
                     {},
                     {},
                     std::move(record),
                     {}});
    return;
  }
  if (item.version.delete_marker) return;
  const auto colder =
      wire::noncurrent_transition_of(bucket_.lifecycle, subject, bucket_.now, bucket_.day);
  if (!colder || wire::coldness(colder->storage_class) <= wire::coldness(record.storage_class)) {
    return;
  }
  steps.push_back({LifecycleAction::kTransitionVersion,
                   std::move(*path),
                   colder->rule,
                   colder->time,
                   std::string{colder->storage_class},
                   {},
                   std::move(record),
                   {}});
}

void LifecycleVersions::settle_marker(std::vector<LifecycleStep>& steps) {
  if (!marker_) return;
  core::VersionPage::Item item = std::move(*marker_);
  marker_.reset();
  const auto due = wire::marker_expiration_of(bucket_.lifecycle, item.name,
                                              item.version.record.created, bucket_.day);
  auto path = bucket_.path.join(item.name);
  if (!due || due->time > bucket_.now || !path) return;
  steps.push_back({LifecycleAction::kExpireMarker,
                   std::move(*path),
                   due->rule,
                   due->time,
                   {},
                   {},
                   std::move(item.version.record),
                   {}});
}

}  // namespace beringia::policy
