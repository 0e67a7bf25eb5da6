#include "wire/s3xml_lifecycle_checks.h"

#include <algorithm>
#include <set>

#include "base/checksum.h"
#include "base/encoding.h"
#include "wire/s3xml_reader.h"
#include "wire/storage_class.h"

namespace beringia::wire::s3 {
namespace {

// S3 user guide, "Transitioning objects": objects stay 30 days in a warmer class before they may
// go to one of infrequent access, and 30 days there before they may go on.
constexpr uint32_t kInfrequentDays = 30;
constexpr uint32_t kMaxNewerVersions = 100;

Error bad_argument(std::string what) {
  return invalid(std::move(what)).with_tag("InvalidArgument");
}
Error bad_request(std::string what) { return invalid(std::move(what)).with_tag("InvalidRequest"); }

bool is_infrequent(std::string_view storage_class) {
  return storage_class == "STANDARD_IA" || storage_class == "ONEZONE_IA";
}

std::string in_filter(const LifecycleRule& rule) {
  const auto& prefixes = rule.filter.prefixes;
  return " for filter '(prefix=" + (prefixes.empty() ? "" : prefixes.front()) + ")'";
}

Result<void> check_transition_pair(const LifecycleRule& rule, const LifecycleTransition& one,
                                   const LifecycleTransition& other, const std::string& action) {
  if (one.storage_class == other.storage_class) {
    return std::unexpected(bad_request("'StorageClass' must be different for '" + action +
                                       "' actions in same 'Rule'" + in_filter(rule)));
  }
  const bool mixed = one.when.days.has_value() != other.when.days.has_value();
  if (mixed) {
    return std::unexpected(bad_request("Found mixed 'Date' and 'Days' based " + action +
                                       " actions in lifecycle rule" + in_filter(rule)));
  }
  const bool first_warmer = coldness(one.storage_class) < coldness(other.storage_class);
  const auto& warm = first_warmer ? one : other;
  const auto& cold = first_warmer ? other : one;
  const uint64_t least = is_infrequent(warm.storage_class) ? kInfrequentDays : 1;
  if (warm.when.days && *cold.when.days < *warm.when.days + least) {
    return std::unexpected(bad_argument(
        "'Days' in the '" + action + "' action for StorageClass '" + cold.storage_class + "'" +
        in_filter(rule) + " must be " + std::to_string(least) +
        " days more than that for StorageClass '" + warm.storage_class + "'"));
  }
  if (!warm.when.days && cold.when.date <= warm.when.date) {
    return std::unexpected(bad_argument("'Date' in the '" + action + "' action for StorageClass '" +
                                        cold.storage_class + "'" + in_filter(rule) +
                                        " must be later than that for StorageClass '" +
                                        warm.storage_class + "'"));
  }
  return {};
}

Result<void> check_transitions(const LifecycleRule& rule,
                               const std::vector<LifecycleTransition>& transitions,
                               const std::string& action) {
  for (size_t i = 0; i < transitions.size(); ++i) {
    const LifecycleTransition& one = transitions[i];
    if (one.when.days && is_infrequent(one.storage_class) && *one.when.days < kInfrequentDays) {
      return std::unexpected(bad_argument("'Days' in " + action +
                                          " action must be greater than or equal to 30 for "
                                          "storageClass '" +
                                          one.storage_class + "'"));
    }
    for (size_t k = 0; k < i; ++k) {
      BR_TRY(check_transition_pair(rule, transitions[k], one, action));
    }
  }
  return {};
}

/// What expires goes nowhere else later.
Result<void> check_expiration(const LifecycleRule& rule) {
  for (const LifecycleTransition& one : rule.transitions) {
    if (!rule.expiration.is_set()) break;
    if (one.when.days.has_value() != rule.expiration.days.has_value()) {
      return std::unexpected(
          bad_request("Found mixed 'Date' and 'Days' based Expiration and Transition actions in "
                      "lifecycle rule" +
                      in_filter(rule)));
    }
    const bool later = one.when.days ? *rule.expiration.days > *one.when.days
                                     : rule.expiration.date > one.when.date;
    if (later) continue;
    const std::string word = one.when.days ? "'Days'" : "'Date'";
    return std::unexpected(bad_argument(word + " in the Expiration action" + in_filter(rule) +
                                        " must be greater than " + word +
                                        " in the Transition action"));
  }
  for (const LifecycleTransition& one : rule.noncurrent_transitions) {
    if (!rule.noncurrent_expiration || rule.noncurrent_expiration->days > *one.when.days) continue;
    return std::unexpected(bad_argument(
        "'NoncurrentDays' in the NoncurrentVersionExpiration action" + in_filter(rule) +
        " must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action"));
  }
  return {};
}

}  // namespace

Result<uint32_t> read_newer_versions(const pugi::xml_node& node) {
  BR_TRY(text, text_of(node));
  const auto number = parse_u64(trimmed(text));
  if (!number) return std::unexpected(malformed("NewerNoncurrentVersions is no number"));
  if (*number < 1 || *number > kMaxNewerVersions) {
    return std::unexpected(
        bad_argument("'NewerNoncurrentVersions' must be between 1 and 100, inclusive"));
  }
  return static_cast<uint32_t>(*number);
}

Result<void> check_rule(const LifecycleRule& rule) {
  if (!rule.has_action()) {
    return std::unexpected(bad_request("At least one action needs to be specified in a rule"));
  }
  if (rule.abort_uploads_days && rule.filter.looks_at_objects()) {
    return std::unexpected(
        bad_request(rule.filter.tags.empty()
                        ? "AbortIncompleteMultipartUpload cannot be specified with object sizes."
                        : "AbortIncompleteMultipartUpload cannot be specified with Tags."));
  }
  if (rule.expire_markers && !rule.filter.tags.empty()) {
    return std::unexpected(bad_request("ExpiredObjectDeleteMarker cannot be specified with Tags."));
  }
  BR_TRY(check_transitions(rule, rule.transitions, "Transition"));
  BR_TRY(check_transitions(rule, rule.noncurrent_transitions, "NoncurrentVersionTransition"));
  return check_expiration(rule);
}

Result<void> settle_ids(Lifecycle& lifecycle) {
  constexpr size_t kMadeBytes = 24;
  std::set<std::string, std::less<>> ids;
  for (LifecycleRule& rule : lifecycle.rules) {
    if (rule.id.size() > kMaxLifecycleId) {
      return std::unexpected(bad_argument("ID length should not exceed allowed limit of 255"));
    }
    if (rule.id.empty()) continue;
    if (!ids.insert(rule.id).second) {
      return std::unexpected(
          bad_argument("Rule ID must be unique. Found same ID for more than one rule"));
    }
  }
  // As S3 makes them up: 48 letters. The same document gets the same ones.
  for (size_t i = 0; i < lifecycle.rules.size(); ++i) {
    if (!lifecycle.rules[i].id.empty()) continue;
    BR_TRY(text, encode(Lifecycle{{lifecycle.rules[i]}, false}));
    for (size_t n = i; lifecycle.rules[i].id.empty(); n += lifecycle.rules.size()) {
      std::string id = to_hex(sha256(std::to_string(n) + text)).substr(0, 2 * kMadeBytes);
      if (ids.insert(id).second) lifecycle.rules[i].id = std::move(id);
    }
  }
  return {};
}

}  // namespace beringia::wire::s3
