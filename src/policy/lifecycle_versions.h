#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/namespace.h"
#include "policy/lifecycle_scan.h"

namespace beringia::policy {

/// Looks at the generations of names in the order of a list of versions (of one name the newest
/// first) and finds what a lifecycle wants to be done to those that are not current, and to marks
/// of deletions that have nothing left behind them. Used by one fiber, over all pages of one list.
class LifecycleVersions {
 public:
  explicit LifecycleVersions(const LifecycleScan::Bucket& bucket) : bucket_{bucket} {}

  void look_at(core::VersionPage::Item item, std::vector<LifecycleStep>& steps);
  /// The list has ended.
  void finish(std::vector<LifecycleStep>& steps) { settle_marker(steps); }

 private:
  void settle_marker(std::vector<LifecycleStep>& steps);
  void look_at_noncurrent(core::VersionPage::Item& item, Timestamp since,
                          std::vector<LifecycleStep>& steps);

  const LifecycleScan::Bucket& bucket_;
  // Of the name that is being looked at.
  std::string name_;
  bool live_ = false;
  uint32_t noncurrent_ = 0;  // that were met
  Timestamp newer_set_;      // when the one before, which is newer, was set
  /// A mark that is current, until it is known whether something stands behind it.
  std::optional<core::VersionPage::Item> marker_;
};

}  // namespace beringia::policy
