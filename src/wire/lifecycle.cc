// The stored form of a lifecycle.
#include "wire/lifecycle.h"

#include <utility>

#include "base/json_writer.h"
#include "wire/document.h"

namespace beringia::wire {
namespace {

constexpr int64_t kFormat = 1;
constexpr std::string_view kForms[] = {"filter", "and", "prefix"};

Error damaged(const Error& error) {
  return corrupt("reading a bucket's lifecycle", error.what() + ": " + error.why(),
                 "set the lifecycle again");
}

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

void write_filter(JsonWriter& json, const LifecycleFilter& filter) {
  json.begin_object();
  write_texts(json, "classes", filter.classes);
  if (filter.created_before.micros != 0) {
    json.member("created-before", filter.created_before.micros);
  }
  if (filter.custom_before.micros != 0) json.member("custom-before", filter.custom_before.micros);
  if (filter.custom_days) json.member("custom-days", uint64_t{*filter.custom_days});
  json.member("form", kForms[static_cast<size_t>(filter.form)]);
  if (filter.larger_than) json.member("larger-than", static_cast<int64_t>(*filter.larger_than));
  if (filter.noncurrent_before.micros != 0) {
    json.member("noncurrent-before", filter.noncurrent_before.micros);
  }
  write_texts(json, "prefixes", filter.prefixes);
  if (filter.smaller_than) json.member("smaller-than", static_cast<int64_t>(*filter.smaller_than));
  write_texts(json, "suffixes", filter.suffixes);
  if (!filter.tags.empty()) {
    json.key("tags").begin_object();
    for (const auto& [name, value] : filter.tags) json.member(name, value);
    json.end_object();
  }
  json.end_object();
}

void write_time(JsonWriter& json, const LifecycleTime& when) {
  if (when.date.micros != 0) json.member("date", when.date.micros);
  if (when.days) json.member("days", uint64_t{*when.days});
}

void write_transitions(JsonWriter& json, std::string_view name,
                       const std::vector<LifecycleTransition>& transitions) {
  if (transitions.empty()) return;
  json.key(name).begin_array();
  for (const LifecycleTransition& one : transitions) {
    json.begin_object().member("class", one.storage_class);
    write_time(json, one.when);
    if (one.newer_versions != 0) json.member("newer", uint64_t{one.newer_versions});
    json.end_object();
  }
  json.end_array();
}

void write_rule(JsonWriter& json, const LifecycleRule& rule) {
  json.begin_object();
  if (rule.abort_uploads_days) json.member("abort-uploads", uint64_t{*rule.abort_uploads_days});
  if (rule.as_google) json.member("as-google", true);
  if (!rule.enabled) json.member("disabled", true);
  if (rule.expiration.is_set()) {
    json.key("expire").begin_object();
    write_time(json, rule.expiration);
    json.end_object();
  }
  if (rule.expire_markers) json.member("expire-markers", true);
  json.key("filter");
  write_filter(json, rule.filter);
  json.member("id", rule.id);
  if (rule.names_age) json.member("names-age", true);
  if (rule.names_live) json.member("names-live", true);
  if (const auto& noncurrent = rule.noncurrent_expiration) {
    json.key("noncurrent-expire").begin_object();
    if (noncurrent->age_days) json.member("age", uint64_t{*noncurrent->age_days});
    json.member("days", uint64_t{noncurrent->days});
    if (noncurrent->newer_versions != 0) json.member("newer", uint64_t{noncurrent->newer_versions});
    json.end_object();
  }
  write_transitions(json, "noncurrent-transitions", rule.noncurrent_transitions);
  write_transitions(json, "transitions", rule.transitions);
  json.end_object();
}

std::optional<uint32_t> read_number(TableReader& reader, std::string_view key) {
  if (!reader.has(key)) return std::nullopt;
  return static_cast<uint32_t>(reader.integer(key, 0, 0, kMaxLifecycleDays));
}

std::optional<uint64_t> read_size(TableReader& reader, std::string_view key) {
  if (!reader.has(key)) return std::nullopt;
  return static_cast<uint64_t>(reader.integer(key, 0, 0, INT64_MAX));
}

Timestamp read_time(TableReader& reader, std::string_view key) {
  return {reader.integer(key, 0, 0, INT64_MAX)};
}

Result<LifecycleFilter> read_filter(const Value& value) {
  TableReader reader{value, "a filter"};
  LifecycleFilter filter;
  filter.classes = reader.texts("classes");
  filter.created_before = read_time(reader, "created-before");
  filter.custom_before = read_time(reader, "custom-before");
  filter.custom_days = read_number(reader, "custom-days");
  filter.noncurrent_before = read_time(reader, "noncurrent-before");
  const std::string form = reader.text("form");
  for (size_t i = 0; i < std::size(kForms); ++i) {
    if (form == kForms[i]) filter.form = static_cast<LifecycleFilter::Form>(i);
  }
  filter.larger_than = read_size(reader, "larger-than");
  filter.prefixes = reader.texts("prefixes");
  filter.smaller_than = read_size(reader, "smaller-than");
  filter.suffixes = reader.texts("suffixes");
  if (const Value* tags = reader.value("tags")) {
    for (const auto& [name, tag] : tags->members) {
      if (!tag.is(Value::Kind::kText)) reader.fail("tags", invalid("a tag is no text"));
      filter.tags[name] = tag.text;
    }
  }
  BR_TRY(reader.finish());
  return filter;
}

Result<LifecycleTime> read_when(const Value& value) {
  TableReader reader{value, "a time"};
  LifecycleTime when{read_number(reader, "days"), read_time(reader, "date")};
  BR_TRY(reader.finish());
  return when;
}

Result<std::vector<LifecycleTransition>> read_transitions(const std::vector<const Value*>& rows) {
  std::vector<LifecycleTransition> transitions;
  for (const Value* row : rows) {
    TableReader reader{*row, "a transition"};
    LifecycleTransition one;
    one.storage_class = reader.required_text("class");
    one.when = {read_number(reader, "days"), read_time(reader, "date")};
    one.newer_versions = read_number(reader, "newer").value_or(0);
    BR_TRY(reader.finish());
    if (!one.when.is_set()) return std::unexpected(invalid("a transition has no time"));
    transitions.push_back(std::move(one));
  }
  return transitions;
}

Result<NoncurrentExpiration> read_noncurrent(const Value& value) {
  TableReader reader{value, "noncurrent-expire"};
  NoncurrentExpiration noncurrent;
  noncurrent.age_days = read_number(reader, "age");
  noncurrent.days = read_number(reader, "days").value_or(0);
  noncurrent.newer_versions = read_number(reader, "newer").value_or(0);
  BR_TRY(reader.finish());
  return noncurrent;
}

Result<LifecycleRule> read_rule(const Value& value) {
  TableReader reader{value, "a rule"};
  LifecycleRule rule;
  rule.abort_uploads_days = read_number(reader, "abort-uploads");
  rule.enabled = !reader.boolean("disabled", false);
  rule.as_google = reader.boolean("as-google", false);
  rule.names_age = reader.boolean("names-age", false);
  rule.names_live = reader.boolean("names-live", false);
  if (const Value* expire = reader.value("expire")) {
    BR_TRY(when, read_when(*expire));
    rule.expiration = when;
  }
  rule.expire_markers = reader.boolean("expire-markers", false);
  if (const Value* filter = reader.value("filter")) {
    BR_TRY(read, read_filter(*filter));
    rule.filter = std::move(read);
  }
  rule.id = reader.text("id");
  if (const Value* noncurrent = reader.value("noncurrent-expire")) {
    BR_TRY(read, read_noncurrent(*noncurrent));
    rule.noncurrent_expiration = read;
  }
  BR_TRY(noncurrent_transitions, read_transitions(reader.tables("noncurrent-transitions")));
  rule.noncurrent_transitions = std::move(noncurrent_transitions);
  BR_TRY(transitions, read_transitions(reader.tables("transitions")));
  rule.transitions = std::move(transitions);
  BR_TRY(reader.finish());
  return rule;
}

Result<Lifecycle> read_lifecycle(std::string_view text) {
  BR_TRY(root, parse_json(text, kMaxLifecycleBytes, "a lifecycle"));
  TableReader reader{root, "a lifecycle"};
  Lifecycle lifecycle;
  const int64_t format = reader.integer("format", 0, 0, INT64_MAX);
  lifecycle.keeps_small_objects = reader.boolean("keep-small", false);
  for (const Value* row : reader.tables("rules")) {
    if (lifecycle.rules.size() == kMaxLifecycleRules) {
      return std::unexpected(invalid("it has more than 1000 rules"));
    }
    BR_TRY(rule, read_rule(*row));
    lifecycle.rules.push_back(std::move(rule));
  }
  BR_TRY(reader.finish());
  if (format != kFormat) {
    return std::unexpected(invalid("its format is " + std::to_string(format)));
  }
  return lifecycle;
}

}  // namespace

Result<std::string> encode(const Lifecycle& lifecycle) {
  JsonWriter json;
  json.begin_object().member("format", kFormat);
  if (lifecycle.keeps_small_objects) json.member("keep-small", true);
  json.key("rules").begin_array();
  for (const LifecycleRule& rule : lifecycle.rules) write_rule(json, rule);
  json.end_array().end_object();
  if (json.text().size() > kMaxLifecycleBytes) {
    return std::unexpected(invalid(
        "the lifecycle rules are too large",
        "together they take more than " + std::to_string(kMaxLifecycleBytes >> 10) + " KiB"));
  }
  return json.take();
}

Result<Lifecycle> decode_lifecycle(std::string_view text) {
  auto lifecycle = read_lifecycle(text);
  if (!lifecycle) return std::unexpected(damaged(lifecycle.error()));
  return lifecycle;
}

}  // namespace beringia::wire
