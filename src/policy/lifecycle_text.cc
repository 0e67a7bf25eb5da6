#include "policy/lifecycle_text.h"

#include <string>

namespace beringia::policy {
namespace {

constexpr size_t kDateBytes = 10;  // "2030-01-01"

void add(std::string& text, const char* joint, const std::string& part) {
  if (!text.empty()) text += joint;
  text += part;
}

std::string days_text(uint32_t days) { return std::to_string(days) + " d"; }

std::string time_text(const wire::LifecycleTime& when) {
  return when.days ? "after " + days_text(*when.days)
                   : "on " + to_iso8601(when.date).substr(0, kDateBytes);
}

std::string any_of(const char* what, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (!name.empty()) add(text, " or ", name);
  }
  return text.empty() ? text : std::string{what} + " " + text;
}

std::string filter_text(const wire::LifecycleFilter& filter) {
  std::string text = any_of("prefix", filter.prefixes);
  if (const auto part = any_of("suffix", filter.suffixes); !part.empty()) add(text, ", ", part);
  for (const auto& [name, value] : filter.tags) add(text, ", ", "tag " + name + "=" + value);
  if (filter.larger_than) add(text, ", ", "larger than " + std::to_string(*filter.larger_than));
  if (filter.smaller_than) {
    add(text, ", ", "smaller than " + std::to_string(*filter.smaller_than));
  }
  if (const auto part = any_of("class", filter.classes); !part.empty()) add(text, ", ", part);
  if (filter.created_before.micros != 0) {
    add(text, ", ", "created before " + to_iso8601(filter.created_before).substr(0, kDateBytes));
  }
  if (filter.custom_before.micros != 0) {
    add(text, ", ", "custom time before " + to_iso8601(filter.custom_before).substr(0, kDateBytes));
  }
  if (filter.custom_days) {
    add(text, ", ", std::to_string(*filter.custom_days) + " days after the custom time");
  }
  if (filter.noncurrent_before.micros != 0) {
    add(text, ", ",
        "noncurrent before " + to_iso8601(filter.noncurrent_before).substr(0, kDateBytes));
  }
  return text;
}

std::string newer_text(uint32_t newer) {
  return newer == 0 ? "" : " behind " + std::to_string(newer) + " newer";
}

std::string actions_text(const wire::LifecycleRule& rule) {
  std::string text;
  if (rule.expiration.is_set()) add(text, "; ", "expire " + time_text(rule.expiration));
  if (rule.expire_markers) add(text, "; ", "expire lone delete markers");
  for (const auto& one : rule.transitions) {
    add(text, "; ", "to " + one.storage_class + " " + time_text(one.when));
  }
  for (const auto& one : rule.noncurrent_transitions) {
    add(text, "; ",
        "noncurrent to " + one.storage_class + " " + time_text(one.when) +
            newer_text(one.newer_versions));
  }
  if (const auto& noncurrent = rule.noncurrent_expiration) {
    std::string part = "expire noncurrent after " + days_text(noncurrent->days);
    if (noncurrent->age_days) part += " and " + days_text(*noncurrent->age_days) + " of age";
    add(text, "; ", part + newer_text(noncurrent->newer_versions));
  }
  if (rule.abort_uploads_days) {
    add(text, "; ", "abort uploads after " + days_text(*rule.abort_uploads_days));
  }
  return text;
}

}  // namespace

std::vector<LifecycleRuleLine> describe(const wire::Lifecycle& lifecycle) {
  std::vector<LifecycleRuleLine> lines;
  for (const auto& rule : lifecycle.rules) {
    lines.push_back({rule.id, rule.enabled, filter_text(rule.filter), actions_text(rule)});
  }
  return lines;
}

}  // namespace beringia::policy
