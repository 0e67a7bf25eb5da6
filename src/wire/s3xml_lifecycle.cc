// LifecycleConfiguration, parsed. What is checked and how each fault is called: S3 API reference,
// PutBucketLifecycleConfiguration.
#include <algorithm>
#include <set>
#include <utility>

#include "base/encoding.h"
#include "wire/s3xml.h"
#include "wire/s3xml_lifecycle_checks.h"
#include "wire/s3xml_reader.h"
#include "wire/storage_class.h"

namespace beringia::wire::s3 {
namespace {

using Form = LifecycleFilter::Form;

Result<std::string> trimmed_text(const pugi::xml_node& node) {
  BR_TRY(text, text_of(node));
  return std::string{trimmed(text)};
}

Result<bool> read_flag(const pugi::xml_node& node) {
  BR_TRY(text, trimmed_text(node));
  const std::string word = ascii_lower(text);
  if (word == "true" || word == "false") return word == "true";
  return std::unexpected(malformed(std::string{local_name(node)} + " is neither true nor false"));
}

/// A whole number. What is none is malformed; one that is out of range is the caller's word.
Result<int64_t> read_number(const pugi::xml_node& node) {
  BR_TRY(text, trimmed_text(node));
  const bool negative = text.starts_with('-');
  const auto number = parse_u64(negative ? std::string_view{text}.substr(1) : text);
  if (!number || *number > INT64_MAX) {
    return std::unexpected(malformed(std::string{local_name(node)} + " is no whole number"));
  }
  return negative ? -static_cast<int64_t>(*number) : static_cast<int64_t>(*number);
}

/// @param least  the smallest that is allowed: 0 or 1
Result<uint32_t> read_days(const pugi::xml_node& node, std::string_view action, int64_t least) {
  BR_TRY(number, read_number(node));
  if (number >= least && number <= int64_t{kMaxLifecycleDays}) {
    return static_cast<uint32_t>(number);
  }
  return std::unexpected(invalid("'" + std::string{local_name(node)} + "' for " +
                                 std::string{action} + " action must be a " +
                                 (least == 0 ? "nonnegative" : "positive") + " integer")
                             .with_tag("InvalidArgument"));
}

/// S3: ISO 8601, and nothing but midnight.
Result<Timestamp> read_date(const pugi::xml_node& node) {
  constexpr int64_t kMicrosPerDay = int64_t{24} * 3600 * 1'000'000;
  constexpr size_t kDateOnly = 10;  // "2030-01-01"
  BR_TRY(text, trimmed_text(node));
  const Timestamp time = parse_rfc3339(text.size() == kDateOnly ? text + "T00:00:00Z" : text);
  if (time.micros == 0) return std::unexpected(malformed("a Date is not ISO 8601"));
  if (time.micros < 0 || time.micros % kMicrosPerDay != 0) {
    return std::unexpected(invalid("'Date' must be at midnight GMT").with_tag("InvalidArgument"));
  }
  return time;
}

Result<void> read_tag(const pugi::xml_node& node, LifecycleTags& tags) {
  std::string key;
  std::string value;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        BR_TRY(text, text_of(child));
        if (name == "Key") key = text;
        if (name == "Value") value = text;
        return {};
      }));
  BR_TRY(check_tags({{key, value}}));
  if (!tags.emplace(std::move(key), std::move(value)).second) {
    return std::unexpected(
        invalid("Duplicate Tag Keys are not allowed.").with_tag("InvalidRequest"));
  }
  return {};
}

Result<void> read_prefix(const pugi::xml_node& node, LifecycleFilter& filter) {
  constexpr size_t kMaxPrefix = 1024;  // the longest key
  BR_TRY(text, text_of(node));
  if (text.size() > kMaxPrefix) {
    return std::unexpected(
        invalid("The maximum size of a prefix is 1024.").with_tag("InvalidRequest"));
  }
  // One that is empty reads back as it was put.
  filter.prefixes.assign(1, std::move(text));
  return {};
}

Result<void> read_size(const pugi::xml_node& node, std::optional<uint64_t>& size) {
  BR_TRY(number, read_number(node));
  if (number < 0) {
    return std::unexpected(
        invalid("'" + std::string{local_name(node)} + "' must be a nonnegative integer")
            .with_tag("InvalidArgument"));
  }
  size = static_cast<uint64_t>(number);
  return {};
}

Result<void> read_predicate(std::string_view name, const pugi::xml_node& node,
                            LifecycleFilter& filter) {
  if (name == "Prefix") return read_prefix(node, filter);
  if (name == "Tag") return read_tag(node, filter.tags);
  if (name == "ObjectSizeGreaterThan") return read_size(node, filter.larger_than);
  if (name == "ObjectSizeLessThan") return read_size(node, filter.smaller_than);
  return std::unexpected(malformed("a Filter cannot hold " + std::string{name}));
}

Result<void> read_filter(const pugi::xml_node& node, LifecycleFilter& filter) {
  size_t predicates = 0;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (++predicates > 1) {
          return std::unexpected(malformed("a Filter holds more than one element"));
        }
        if (name != "And") return read_predicate(name, child, filter);
        filter.form = Form::kAnd;
        return each_element(child, [&](std::string_view inner, const pugi::xml_node& one) {
          return read_predicate(inner, one, filter);
        });
      }));
  if (filter.larger_than && filter.smaller_than && *filter.larger_than >= *filter.smaller_than) {
    return std::unexpected(
        invalid("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
            .with_tag("InvalidRequest"));
  }
  return {};
}

Result<void> read_expiration(const pugi::xml_node& node, LifecycleRule& rule) {
  size_t members = 0;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        ++members;
        if (name == "Days") {
          BR_TRY(days, read_days(child, "Expiration", 1));
          rule.expiration.days = days;
        } else if (name == "Date") {
          BR_TRY(date, read_date(child));
          rule.expiration.date = date;
        } else if (name == "ExpiredObjectDeleteMarker") {
          BR_TRY(flag, read_flag(child));
          rule.expire_markers = flag;
        } else {
          return std::unexpected(malformed("an Expiration cannot hold " + std::string{name}));
        }
        return {};
      }));
  if (members == 1) return {};
  return std::unexpected(malformed("an Expiration holds not exactly one element"));
}

Result<void> read_transition(const pugi::xml_node& node, bool noncurrent,
                             std::vector<LifecycleTransition>& into) {
  LifecycleTransition one;
  const std::string_view action = noncurrent ? "NoncurrentVersionTransition" : "Transition";
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name == "StorageClass") {
          BR_TRY(word, trimmed_text(child));
          one.storage_class = word;
        } else if (name == (noncurrent ? "NoncurrentDays" : "Days")) {
          BR_TRY(days, read_days(child, action, 0));
          one.when.days = days;
        } else if (!noncurrent && name == "Date") {
          BR_TRY(date, read_date(child));
          one.when.date = date;
        } else if (noncurrent && name == "NewerNoncurrentVersions") {
          BR_TRY(newer, read_newer_versions(child));
          one.newer_versions = newer;
        } else {
          return std::unexpected(
              malformed(std::string{action} + " cannot hold " + std::string{name}));
        }
        return {};
      }));
  const bool one_time = one.when.days.has_value() != (one.when.date.micros != 0);
  if (!one_time || !is_s3_transition_class(one.storage_class)) {
    return std::unexpected(malformed("a " + std::string{action} +
                                     " has no time, two of them, or no StorageClass to move to"));
  }
  into.push_back(std::move(one));
  return {};
}

Result<void> read_noncurrent_expiration(const pugi::xml_node& node, LifecycleRule& rule) {
  NoncurrentExpiration noncurrent;
  bool has_days = false;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name == "NoncurrentDays") {
          BR_TRY(days, read_days(child, "NoncurrentVersionExpiration", 1));
          noncurrent.days = days;
          has_days = true;
        } else if (name == "NewerNoncurrentVersions") {
          BR_TRY(newer, read_newer_versions(child));
          noncurrent.newer_versions = newer;
        } else {
          return std::unexpected(
              malformed("a NoncurrentVersionExpiration cannot hold " + std::string{name}));
        }
        return {};
      }));
  if (!has_days) {
    return std::unexpected(malformed("a NoncurrentVersionExpiration has no NoncurrentDays"));
  }
  rule.noncurrent_expiration = noncurrent;
  return {};
}

Result<void> read_abort(const pugi::xml_node& node, LifecycleRule& rule) {
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name != "DaysAfterInitiation") {
          return std::unexpected(
              malformed("an AbortIncompleteMultipartUpload cannot hold " + std::string{name}));
        }
        BR_TRY(days, read_days(child, "AbortIncompleteMultipartUpload", 1));
        rule.abort_uploads_days = days;
        return {};
      }));
  if (rule.abort_uploads_days) return {};
  return std::unexpected(malformed("an AbortIncompleteMultipartUpload has no DaysAfterInitiation"));
}

Result<void> read_status(const pugi::xml_node& node, LifecycleRule& rule) {
  BR_TRY(word, trimmed_text(node));
  if (word != "Enabled" && word != "Disabled") {
    return std::unexpected(malformed("a Status is neither Enabled nor Disabled"));
  }
  rule.enabled = word == "Enabled";
  return {};
}

Result<void> read_rule_member(std::string_view name, const pugi::xml_node& node,
                              LifecycleRule& rule, std::set<std::string, std::less<>>& seen) {
  const bool repeats = name == "Transition" || name == "NoncurrentVersionTransition";
  if (!seen.emplace(name).second && !repeats) {
    return std::unexpected(malformed("a Rule has " + std::string{name} + " twice"));
  }
  if (name == "ID") {
    BR_TRY(id, text_of(node));
    rule.id = id;
    return {};
  }
  if (name == "Status") return read_status(node, rule);
  if (name == "Prefix") {
    rule.filter.form = Form::kOldPrefix;
    return read_prefix(node, rule.filter);
  }
  if (name == "Filter") return read_filter(node, rule.filter);
  if (name == "Expiration") return read_expiration(node, rule);
  if (name == "Transition") return read_transition(node, false, rule.transitions);
  if (name == "NoncurrentVersionExpiration") return read_noncurrent_expiration(node, rule);
  if (name == "NoncurrentVersionTransition") {
    return read_transition(node, true, rule.noncurrent_transitions);
  }
  if (name == "AbortIncompleteMultipartUpload") return read_abort(node, rule);
  return std::unexpected(malformed("a Rule cannot hold " + std::string{name}));
}

Result<LifecycleRule> read_rule(const pugi::xml_node& node) {
  LifecycleRule rule;
  std::set<std::string, std::less<>> seen;
  BR_TRY(each_element(node, [&](std::string_view name, const pugi::xml_node& child) {
    return read_rule_member(name, child, rule, seen);
  }));
  if (!seen.contains("Status")) return std::unexpected(malformed("a Rule has no Status"));
  if (seen.contains("Prefix") == seen.contains("Filter")) {
    return std::unexpected(malformed("a Rule has not exactly one of Filter and Prefix"));
  }
  BR_TRY(check_rule(rule));
  return rule;
}

}  // namespace

Result<Lifecycle> parse_lifecycle(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "LifecycleConfiguration"));
  Lifecycle lifecycle;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    if (name != "Rule") return std::unexpected(malformed("it holds " + std::string{name}));
    if (lifecycle.rules.size() == kMaxLifecycleRules) {
      return std::unexpected(
          invalid("The number of lifecycle rules must not exceed the allowed limit of 1000 rules")
              .with_tag("InvalidRequest"));
    }
    BR_TRY(rule, read_rule(node));
    lifecycle.rules.push_back(std::move(rule));
    return {};
  }));
  if (lifecycle.rules.empty()) return std::unexpected(malformed("it has no Rule"));
  BR_TRY(settle_ids(lifecycle));
  return lifecycle;
}

}  // namespace beringia::wire::s3
