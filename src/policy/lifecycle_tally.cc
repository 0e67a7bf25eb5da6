#include "policy/lifecycle_tally.h"

namespace beringia::policy {

std::string_view to_string(LifecycleAction action) {
  switch (action) {
    case LifecycleAction::kExpire: return "expire";
    case LifecycleAction::kTransition: return "transition";
    case LifecycleAction::kAbortUpload: return "abort-upload";
    case LifecycleAction::kExpireVersion: return "expire-version";
    case LifecycleAction::kExpireMarker: return "expire-marker";
    case LifecycleAction::kTransitionVersion: return "transition-version";
  }
  return "expire";
}

void LifecycleTally::add(const LifecycleStep& step) {
  LifecycleTotal& total = totals_[{step.rule->id, step.action, step.storage_class}];
  total.rule = step.rule->id;
  total.action = step.action;
  total.storage_class = step.storage_class;
  total.objects += 1;
  total.bytes += step.record.size;
}

void LifecycleTally::finish(LifecycleOutcome& outcome) const {
  for (const auto& [key, total] : totals_) outcome.totals.push_back(total);
  for (const auto& one : skipped_.totals()) {
    outcome.skipped.push_back({one.reason, one.objects, one.examples});
  }
}

}  // namespace beringia::policy
