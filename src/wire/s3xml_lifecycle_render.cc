// LifecycleConfiguration, rendered.
#include "wire/s3xml.h"
#include "wire/storage_class.h"

namespace beringia::wire::s3 {
namespace {

using Form = LifecycleFilter::Form;

void write_predicates(XmlWriter& xml, const LifecycleFilter& filter) {
  if (!filter.prefixes.empty()) xml.text("Prefix", filter.prefixes.front());
  for (const auto& [key, value] : filter.tags) {
    xml.open("Tag").text("Key", key).text("Value", value).close();
  }
  if (filter.larger_than) xml.number("ObjectSizeGreaterThan", *filter.larger_than);
  if (filter.smaller_than) xml.number("ObjectSizeLessThan", *filter.smaller_than);
}

size_t count_predicates(const LifecycleFilter& filter) {
  return (filter.prefixes.empty() ? 0 : 1) + filter.tags.size() + (filter.larger_than ? 1 : 0) +
         (filter.smaller_than ? 1 : 0);
}

void write_filter(XmlWriter& xml, const LifecycleFilter& filter) {
  if (filter.form == Form::kOldPrefix) {
    xml.text("Prefix", filter.prefixes.empty() ? "" : filter.prefixes.front());
    return;
  }
  xml.open("Filter");
  const bool with_and = filter.form == Form::kAnd || count_predicates(filter) > 1;
  if (with_and) xml.open("And");
  write_predicates(xml, filter);
  if (with_and) xml.close();
  xml.close();
}

void write_time(XmlWriter& xml, const LifecycleTime& when, std::string_view days) {
  if (when.days) {
    xml.number(days, *when.days);
  } else {
    xml.time("Date", when.date);
  }
}

/// Google counts the live one, too.
void write_newer(XmlWriter& xml, const LifecycleRule& rule, uint32_t newer) {
  const uint32_t noncurrent = rule.as_google && newer > 0 ? newer - 1 : newer;
  if (noncurrent != 0) xml.number("NewerNoncurrentVersions", noncurrent);
}

void write_transitions(XmlWriter& xml, std::string_view name, std::string_view days,
                       const LifecycleRule& rule,
                       const std::vector<LifecycleTransition>& transitions) {
  for (const LifecycleTransition& one : transitions) {
    xml.open(name);
    write_time(xml, one.when, days);
    write_newer(xml, rule, one.newer_versions);
    xml.text("StorageClass", s3_class(one.storage_class)).close();
  }
}

void write_rule(XmlWriter& xml, const LifecycleRule& rule) {
  xml.open("Rule").text("ID", rule.id);
  write_filter(xml, rule.filter);
  xml.text("Status", rule.enabled ? "Enabled" : "Disabled");
  if (rule.expiration.is_set() || rule.expire_markers) {
    xml.open("Expiration");
    if (rule.expiration.is_set()) write_time(xml, rule.expiration, "Days");
    if (rule.expire_markers) xml.flag("ExpiredObjectDeleteMarker", true);
    xml.close();
  }
  write_transitions(xml, "Transition", "Days", rule, rule.transitions);
  write_transitions(xml, "NoncurrentVersionTransition", "NoncurrentDays", rule,
                    rule.noncurrent_transitions);
  if (const auto& noncurrent = rule.noncurrent_expiration) {
    xml.open("NoncurrentVersionExpiration").number("NoncurrentDays", noncurrent->days);
    write_newer(xml, rule, noncurrent->newer_versions);
    xml.close();
  }
  if (rule.abort_uploads_days) {
    xml.open("AbortIncompleteMultipartUpload");
    xml.number("DaysAfterInitiation", *rule.abort_uploads_days).close();
  }
  xml.close();
}

bool are_s3(const std::vector<LifecycleTransition>& transitions) {
  for (const LifecycleTransition& one : transitions) {
    if (!is_s3_transition_class(s3_class(one.storage_class))) return false;
  }
  return true;
}

}  // namespace

bool is_told_by_s3(const LifecycleRule& rule) {
  const LifecycleFilter& filter = rule.filter;
  const auto& noncurrent = rule.noncurrent_expiration;
  return filter.prefixes.size() <= 1 && filter.suffixes.empty() && filter.classes.empty() &&
         filter.created_before.micros == 0 && filter.custom_before.micros == 0 &&
         !filter.custom_days && filter.noncurrent_before.micros == 0 &&
         !(noncurrent && noncurrent->age_days) && rule.expiration.days.value_or(1) > 0 &&
         !(noncurrent && noncurrent->days == 0) && are_s3(rule.transitions) &&
         are_s3(rule.noncurrent_transitions);
}

std::string render_lifecycle(const Lifecycle& lifecycle) {
  XmlWriter xml{"LifecycleConfiguration"};
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (is_told_by_s3(rule)) write_rule(xml, rule);
  }
  return xml.take();
}

}  // namespace beringia::wire::s3
