// The lifecycle of a bucket as Google writes it. Each rule has one action and conditions that must
// all hold: JSON API reference, "Buckets", lifecycle.
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "wire/document.h"
#include "wire/gcsjson.h"
#include "wire/storage_class.h"

namespace beringia::wire::gcs {
namespace {

constexpr size_t kMaxRules = 100;  // GCS documentation, "Object Lifecycle Management"
constexpr size_t kMaxNames = 50;   // prefixes, or suffixes, of one rule
constexpr size_t kMaxNameBytes = 1024;

/// The conditions of one rule. Members that are not set do not matter.
struct Condition {
  std::optional<uint32_t> age, newer_versions, days_noncurrent;
  std::optional<bool> is_live;
  LifecycleFilter filter;

  bool is_about_noncurrent() const {
    return newer_versions || days_noncurrent || filter.noncurrent_before.micros != 0;
  }
  bool live() const { return is_live.value_or(true) && !is_about_noncurrent(); }
  bool noncurrent() const { return !is_live.value_or(false); }
};

Error wrong(std::string why) { return invalid("Invalid lifecycle rule", std::move(why)); }

std::optional<uint32_t> read_number(TableReader& reader, std::string_view key) {
  if (!reader.has(key)) return std::nullopt;
  return static_cast<uint32_t>(reader.integer(key, 0, 0, kMaxLifecycleDays));
}

/// 64-bit numbers are texts at Google; clients may send numbers.
Result<std::optional<uint64_t>> read_bytes(TableReader& reader, std::string_view key) {
  const Value* value = reader.value(key);
  if (value == nullptr || value->is(Value::Kind::kNull)) return std::optional<uint64_t>{};
  std::optional<uint64_t> bytes;
  if (value->is(Value::Kind::kText)) bytes = parse_u64(value->text);
  if (value->is(Value::Kind::kInteger) && value->integer >= 0) {
    bytes = static_cast<uint64_t>(value->integer);
  }
  if (bytes && *bytes <= INT64_MAX) return bytes;
  return std::unexpected(wrong(std::string{key} + " is no number of bytes"));
}

Result<Timestamp> read_date(TableReader& reader, std::string_view key) {
  const std::string text = reader.text(key);
  if (text.empty()) return Timestamp{};
  const Timestamp time = parse_rfc3339(text + "T00:00:00Z");
  if (time.micros <= 0) return std::unexpected(wrong(std::string{key} + " is no date"));
  return time;
}

Result<void> check_names(const std::vector<std::string>& names) {
  const bool too_long =
      std::ranges::any_of(names, [](const auto& name) { return name.size() > kMaxNameBytes; });
  if (names.size() <= kMaxNames && !too_long) return {};
  return std::unexpected(wrong("it names more than 50 prefixes or suffixes, or too long ones"));
}

Result<Condition> read_condition(const Value& value) {
  TableReader reader{value, "the condition of a lifecycle rule"};
  Condition condition;
  condition.age = read_number(reader, "age");
  BR_TRY(before, read_date(reader, "createdBefore"));
  condition.filter.created_before = before;
  if (reader.has("isLive")) condition.is_live = reader.boolean("isLive", true);
  condition.filter.classes = reader.texts("matchesStorageClass");
  condition.filter.prefixes = reader.texts("matchesPrefix");
  condition.filter.suffixes = reader.texts("matchesSuffix");
  condition.newer_versions = read_number(reader, "numNewerVersions");
  condition.days_noncurrent = read_number(reader, "daysSinceNoncurrentTime");
  condition.filter.custom_days = read_number(reader, "daysSinceCustomTime");
  BR_TRY(custom_before, read_date(reader, "customTimeBefore"));
  condition.filter.custom_before = custom_before;
  BR_TRY(noncurrent_before, read_date(reader, "noncurrentTimeBefore"));
  condition.filter.noncurrent_before = noncurrent_before;
  BR_TRY(above, read_bytes(reader, "sizeAboveBytes"));
  condition.filter.larger_than = above;
  BR_TRY(below, read_bytes(reader, "sizeBelowBytes"));
  condition.filter.smaller_than = below;
  if (reader.has("matchesPattern")) {
    return std::unexpected(wrong("matchesPattern is not offered"));
  }
  BR_TRY(reader.finish());
  BR_TRY(check_names(condition.filter.prefixes));
  BR_TRY(check_names(condition.filter.suffixes));
  if (value.members.empty()) return std::unexpected(wrong("it has no condition"));
  if (condition.is_about_noncurrent() && condition.is_live.value_or(false)) {
    return std::unexpected(wrong("isLive is true, and another condition is of noncurrent ones"));
  }
  return condition;
}

void set_delete(const Condition& condition, LifecycleRule& rule) {
  if (condition.live()) rule.expiration.days = condition.age.value_or(0);
  if (!condition.noncurrent()) return;
  rule.noncurrent_expiration = NoncurrentExpiration{
      condition.days_noncurrent.value_or(0), condition.newer_versions.value_or(0), condition.age};
}

Result<void> set_class(const Condition& condition, std::string storage_class, LifecycleRule& rule) {
  if (!is_google_class(storage_class)) {
    return std::unexpected(wrong("\"" + storage_class.substr(0, 40) + "\" is no storage class"));
  }
  if (condition.live()) {
    rule.transitions.push_back({{condition.age.value_or(0), {}}, std::move(storage_class), 0});
    return {};
  }
  if (condition.age) {
    return std::unexpected(
        wrong("SetStorageClass of noncurrent generations by age is not offered; "
              "daysSinceNoncurrentTime is"));
  }
  rule.noncurrent_transitions.push_back({{condition.days_noncurrent.value_or(0), {}},
                                         std::move(storage_class),
                                         condition.newer_versions.value_or(0)});
  return {};
}

Result<void> set_abort(const Condition& condition, LifecycleRule& rule) {
  if (!condition.age || condition.is_live || condition.is_about_noncurrent() ||
      rule.filter.looks_at_objects()) {
    return std::unexpected(
        wrong("AbortIncompleteMultipartUpload takes age, matchesPrefix and matchesSuffix only"));
  }
  rule.abort_uploads_days = condition.age;
  return {};
}

Result<LifecycleRule> read_rule(const Value& value) {
  TableReader reader{value, "a lifecycle rule"};
  const Value* action = reader.value("action");
  const Value* conditions = reader.value("condition");
  BR_TRY(reader.finish());
  if (action == nullptr || conditions == nullptr) {
    return std::unexpected(wrong("it has no action, or no condition"));
  }
  TableReader acts{*action, "the action of a lifecycle rule"};
  const std::string type = acts.text("type");
  const std::string storage_class = acts.text("storageClass");
  BR_TRY(acts.finish());
  BR_TRY(condition, read_condition(*conditions));
  LifecycleRule rule;
  rule.as_google = true;
  rule.names_age = condition.age == 0U;
  rule.names_live = condition.is_live.value_or(false);
  rule.filter = condition.filter;
  if (type == "Delete") {
    set_delete(condition, rule);
  } else if (type == "SetStorageClass") {
    BR_TRY(set_class(condition, storage_class, rule));
  } else if (type == "AbortIncompleteMultipartUpload") {
    BR_TRY(set_abort(condition, rule));
  } else {
    return std::unexpected(wrong("there is no action \"" + type.substr(0, 40) + "\""));
  }
  return rule;
}

// ---- and back ---------------------------------------------------------------------------------

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

/// One action with the rule's own conditions and those that `more` adds.
void write_rule(JsonWriter& json, const LifecycleRule& rule, std::string_view type,
                std::string_view storage_class, const Condition& condition) {
  constexpr size_t kDateBytes = 10;
  json.begin_object().key("action").begin_object().member("type", type);
  if (!storage_class.empty()) json.member("storageClass", google_class(storage_class));
  json.end_object().key("condition").begin_object();
  if (condition.age) json.member("age", uint64_t{*condition.age});
  if (rule.filter.created_before.micros != 0) {
    json.member("createdBefore", to_iso8601(rule.filter.created_before).substr(0, kDateBytes));
  }
  if (rule.filter.custom_before.micros != 0) {
    json.member("customTimeBefore", to_iso8601(rule.filter.custom_before).substr(0, kDateBytes));
  }
  if (rule.filter.custom_days) {
    json.member("daysSinceCustomTime", uint64_t{*rule.filter.custom_days});
  }
  if (condition.days_noncurrent) {
    json.member("daysSinceNoncurrentTime", uint64_t{*condition.days_noncurrent});
  }
  if (condition.is_live) json.member("isLive", *condition.is_live);
  std::vector<std::string> prefixes = rule.filter.prefixes;
  std::erase(prefixes, "");
  write_texts(json, "matchesPrefix", prefixes);
  write_texts(json, "matchesStorageClass", rule.filter.classes);
  write_texts(json, "matchesSuffix", rule.filter.suffixes);
  if (rule.filter.noncurrent_before.micros != 0) {
    json.member("noncurrentTimeBefore",
                to_iso8601(rule.filter.noncurrent_before).substr(0, kDateBytes));
  }
  if (condition.newer_versions) {
    json.member("numNewerVersions", uint64_t{*condition.newer_versions});
  }
  if (rule.filter.larger_than) {
    json.member("sizeAboveBytes", std::to_string(*rule.filter.larger_than));
  }
  if (rule.filter.smaller_than) {
    json.member("sizeBelowBytes", std::to_string(*rule.filter.smaller_than));
  }
  json.end_object().end_object();
}

/// Google counts the live one, too.
std::optional<uint32_t> newer_of(const LifecycleRule& rule, uint32_t newer) {
  if (newer == 0) return std::nullopt;
  return rule.as_google ? newer : newer + 1;
}

std::optional<uint32_t> unless_zero(uint32_t number) {
  return number == 0 ? std::nullopt : std::optional{number};
}

bool asks_more(const LifecycleFilter& filter) {
  return filter.looks_at_objects() || !filter.prefixes.empty() || !filter.suffixes.empty();
}

/// Google's conditions are empty otherwise; a rule of S3 always has a time.
std::optional<uint32_t> age_of(const LifecycleRule& rule, uint32_t days) {
  const bool is_more = !rule.names_age && asks_more(rule.filter);
  return days == 0 && is_more ? std::nullopt : std::optional{days};
}

void write_noncurrent(JsonWriter& json, const LifecycleRule& rule,
                      const NoncurrentExpiration& noncurrent) {
  Condition condition;
  condition.age = noncurrent.age_days;
  condition.days_noncurrent = unless_zero(noncurrent.days);
  condition.newer_versions = newer_of(rule, noncurrent.newer_versions);
  if (!condition.is_about_noncurrent() && rule.filter.noncurrent_before.micros == 0) {
    condition.is_live = false;
  }
  write_rule(json, rule, "Delete", {}, condition);
}

void write_deletes(JsonWriter& json, const LifecycleRule& rule) {
  const auto& noncurrent = rule.noncurrent_expiration;
  if (rule.expiration.days) {
    Condition condition;
    condition.age = age_of(rule, *rule.expiration.days);
    // Both kinds by the same age are one rule again.
    const bool both = noncurrent && noncurrent->days == 0 && noncurrent->newer_versions == 0 &&
                      noncurrent->age_days.value_or(0) == *rule.expiration.days;
    if (!both) condition.is_live = true;
    write_rule(json, rule, "Delete", {}, condition);
    if (both) return;
  }
  if (noncurrent) write_noncurrent(json, rule, *noncurrent);
}

}  // namespace

Result<std::optional<Lifecycle>> parse_lifecycle_of(std::string_view bucket_json) {
  BR_TRY(bucket, parse_json(bucket_json, kMaxResourceBytes, "a bucket"));
  const Value* member = bucket.find("lifecycle");
  if (member == nullptr) return std::optional<Lifecycle>{};
  Lifecycle lifecycle;
  if (member->is(Value::Kind::kNull)) return std::optional{std::move(lifecycle)};
  TableReader reader{*member, "a lifecycle"};
  const Value* rules = reader.value("rule");
  BR_TRY(reader.finish());
  if (rules == nullptr || rules->is(Value::Kind::kNull)) return std::optional{std::move(lifecycle)};
  if (!rules->is(Value::Kind::kArray) || rules->items.size() > kMaxRules) {
    return std::unexpected(wrong("rule is no list of at most 100"));
  }
  for (const Value& item : rules->items) {
    BR_TRY(rule, read_rule(item));
    rule.id = "google-" + std::to_string(lifecycle.rules.size() + 1);
    lifecycle.rules.push_back(std::move(rule));
  }
  return std::optional{std::move(lifecycle)};
}

bool is_told_by_google(const LifecycleRule& rule) {
  const LifecycleFilter& filter = rule.filter;
  const auto by_days = [](const LifecycleTransition& one) { return one.when.days.has_value(); };
  return rule.enabled && filter.tags.empty() && rule.expiration.date.micros == 0 &&
         !rule.expire_markers && std::ranges::all_of(rule.transitions, by_days);
}

std::string render_lifecycle(const Lifecycle& lifecycle) {
  JsonWriter json;
  bool any = false;
  json.begin_object().key("rule").begin_array();
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (!is_told_by_google(rule)) continue;
    any = true;
    write_deletes(json, rule);
    for (const LifecycleTransition& one : rule.transitions) {
      Condition condition;
      condition.age = age_of(rule, *one.when.days);
      if (!rule.as_google || rule.names_live) condition.is_live = true;
      write_rule(json, rule, "SetStorageClass", one.storage_class, condition);
    }
    for (const LifecycleTransition& one : rule.noncurrent_transitions) {
      Condition condition;
      condition.days_noncurrent = unless_zero(*one.when.days);
      condition.newer_versions = newer_of(rule, one.newer_versions);
      if (!condition.is_about_noncurrent() && rule.filter.noncurrent_before.micros == 0) {
        condition.is_live = false;
      }
      write_rule(json, rule, "SetStorageClass", one.storage_class, condition);
    }
    if (rule.abort_uploads_days) {
      Condition condition;
      condition.age = rule.abort_uploads_days;
      write_rule(json, rule, "AbortIncompleteMultipartUpload", {}, condition);
    }
  }
  json.end_array().end_object();
  return any ? json.take() : std::string{};
}

}  // namespace beringia::wire::gcs
