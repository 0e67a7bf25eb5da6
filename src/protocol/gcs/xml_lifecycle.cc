// XML API reference, PUT bucket?lifecycle: the rules of the JSON API in other words.
#include "protocol/gcs/xml_lifecycle.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/encoding.h"
#include "protocol/gcs/xml_text.h"

namespace beringia::protocol::gcs {
namespace {

using pugi::xml_node;
using wire::Value;

enum class Form { kNumber, kText, kFlag, kTexts };
struct Condition {
  const char* xml;
  const char* json;
  Form form;
};
constexpr std::array<Condition, 11> kConditions = {{
    {"Age", "age", Form::kNumber},
    {"CreatedBefore", "createdBefore", Form::kText},
    {"CustomTimeBefore", "customTimeBefore", Form::kText},
    {"DaysSinceCustomTime", "daysSinceCustomTime", Form::kNumber},
    {"DaysSinceNoncurrentTime", "daysSinceNoncurrentTime", Form::kNumber},
    {"IsLive", "isLive", Form::kFlag},
    {"MatchesPrefix", "matchesPrefix", Form::kTexts},
    {"MatchesStorageClass", "matchesStorageClass", Form::kTexts},
    {"MatchesSuffix", "matchesSuffix", Form::kTexts},
    {"NoncurrentTimeBefore", "noncurrentTimeBefore", Form::kText},
    {"NumberOfNewerVersions", "numNewerVersions", Form::kNumber},
}};

std::string_view text_of(const xml_node& node) { return node.text().as_string(); }

Result<void> read_action(const xml_node& action, JsonWriter& json) {
  const xml_node one = action.first_child();
  if (!one || one.next_sibling()) return std::unexpected(malformed_xml("a rule has one action"));
  const std::string_view type = one.name();
  if (type != "Delete" && type != "SetStorageClass" && type != "AbortIncompleteMultipartUpload") {
    return std::unexpected(malformed_xml("unknown action " + std::string{type.substr(0, 64)}));
  }
  json.key("action").begin_object().member("type", type);
  if (type == "SetStorageClass") json.member("storageClass", text_of(one));
  json.end_object();
  return {};
}

Result<void> read_condition(const xml_node& root, const Condition& condition, JsonWriter& json) {
  const xml_node node = root.child(condition.xml);
  if (!node) return {};
  const std::string_view text = text_of(node);
  json.key(condition.json);
  switch (condition.form) {
    case Form::kText: json.value(text); return {};
    case Form::kNumber: {
      const auto number = parse_u64(text);
      if (!number || *number > INT32_MAX) return std::unexpected(malformed_xml(condition.xml));
      json.value(*number);
      return {};
    }
    case Form::kFlag:
      if (text != "true" && text != "false") return std::unexpected(malformed_xml(condition.xml));
      json.value(text == "true");
      return {};
    case Form::kTexts:
      json.begin_array();
      for (const xml_node one : root.children(condition.xml)) json.value(text_of(one));
      json.end_array();
      return {};
  }
  return {};
}

Result<void> read_rule(const xml_node& rule, JsonWriter& json) {
  json.begin_object();
  BR_TRY(read_action(rule.child("Action"), json));
  const xml_node conditions = rule.child("Condition");
  for (const xml_node one : conditions.children()) {
    const std::string_view name = one.name();
    if (std::ranges::any_of(kConditions, [&](const Condition& c) { return c.xml == name; })) {
      continue;
    }
    return std::unexpected(malformed_xml("unknown condition " + std::string{name.substr(0, 64)}));
  }
  json.key("condition").begin_object();
  for (const Condition& condition : kConditions)
    BR_TRY(read_condition(conditions, condition, json));
  json.end_object().end_object();
  return {};
}

void write_condition(std::string& xml, const Condition& condition, const Value& value) {
  switch (condition.form) {
    case Form::kText: append_xml(xml, condition.xml, value.text); return;
    case Form::kNumber: append_xml(xml, condition.xml, std::to_string(value.integer)); return;
    case Form::kFlag: append_xml(xml, condition.xml, value.boolean ? "true" : "false"); return;
    case Form::kTexts:
      for (const Value& one : value.items) append_xml(xml, condition.xml, one.text);
      return;
  }
}

void write_rule(std::string& xml, const Value& rule) {
  const Value* action = rule.find("action");
  const Value* type = action == nullptr ? nullptr : action->find("type");
  if (type == nullptr) return;
  xml += "<Rule><Action>";
  const Value* storage_class = action->find("storageClass");
  append_xml(xml, type->text, storage_class == nullptr ? std::string_view{} : storage_class->text);
  xml += "</Action><Condition>";
  if (const Value* conditions = rule.find("condition")) {
    for (const Condition& condition : kConditions) {
      if (const Value* value = conditions->find(condition.json)) {
        write_condition(xml, condition, *value);
      }
    }
  }
  xml += "</Condition></Rule>";
}

}  // namespace

Result<void> read_xml_lifecycle(const xml_node& root, JsonWriter& json) {
  json.key("lifecycle");
  if (!root.first_child()) {
    json.null();
    return {};
  }
  json.begin_object().key("rule").begin_array();
  for (const xml_node rule : root.children("Rule")) BR_TRY(read_rule(rule, json));
  json.end_array().end_object();
  return {};
}

void write_xml_lifecycle(std::string& xml, const Value& bucket) {
  const Value* lifecycle = bucket.find("lifecycle");
  const Value* rules = lifecycle == nullptr ? nullptr : lifecycle->find("rule");
  if (rules == nullptr) return;
  for (const Value& rule : rules->items) write_rule(xml, rule);
}

}  // namespace beringia::protocol::gcs
