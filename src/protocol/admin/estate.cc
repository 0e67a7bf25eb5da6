#include "protocol/admin/estate_change.h"
#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

void write_value(JsonWriter& json, const wire::Value& value) {
  switch (value.kind) {
    case wire::Value::Kind::kNull: json.null(); return;
    case wire::Value::Kind::kBoolean: json.value(value.boolean); return;
    case wire::Value::Kind::kInteger: json.value(value.integer); return;
    case wire::Value::Kind::kFloat: json.value(value.number); return;
    case wire::Value::Kind::kText: json.value(value.text); return;
    case wire::Value::Kind::kArray:
      json.begin_array();
      for (const auto& item : value.items) write_value(json, item);
      json.end_array();
      return;
    case wire::Value::Kind::kTable:
      json.begin_object();
      for (const auto& [name, member] : value.members) {
        json.key(name);
        write_value(json, member);
      }
      json.end_object();
      return;
  }
}

void write_changes(JsonWriter& json, const EstatePlan& plan) {
  bool destructive = false;
  json.key("changes").begin_array();
  for (const auto& change : plan.changes) {
    destructive = destructive || !change.warning.empty();
    json.begin_object().member("change", to_string(change.kind));
    json.member("section", change.section).member("name", change.name);
    json.member("destructive", !change.warning.empty()).member("warning", change.warning);
    json.key("fields").begin_array();
    for (const auto& field : change.fields) {
      json.begin_object().member("key", field.key).member("before", field.before);
      json.member("after", field.after).end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().member("destructive", destructive).member("token", plan.token);
}

}  // namespace

Result<io::HttpResponse> show_estate(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(declared, declared_now(call));
  const auto sections = sections_of(declared);
  if (call.query_or("format", "json") == "toml") {
    return text_response(to_toml(sections), "application/toml; charset=utf-8");
  }
  JsonWriter json;
  json.begin_object().member("applied", declared.estate.applied);
  json.member("epoch", declared.estate.epoch);
  for (const char* kind : {"backend", "mount", "alias", "principal", "grant", "policy",
                           "identity_provider", "notification_target"}) {
    json.key(kind).begin_array();
    for (const auto& section : sections) {
      if (section.kind != kind) continue;
      json.begin_object();
      for (const auto& [key, value] : section.fields) {
        json.key(key);
        write_value(json, value);
      }
      json.end_object();
    }
    json.end_array();
  }
  json.end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> plan_estate(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(plan, plan_file(call, call.body));
  JsonWriter json;
  json.begin_object();
  write_changes(json, plan);
  json.end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> apply_estate(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(plan, plan_file(call, call.body));
  const std::string expected = call.query_or("token", plan.token);
  if (expected != plan.token) {
    return std::unexpected(conflict("cannot apply the estate",
                                    "it is not the one that the plan was made for any more",
                                    "run beringia plan again"));
  }
  BR_TRY(apply_plan(call, plan));
  JsonWriter json;
  json.begin_object().member("applied", true);
  write_changes(json, plan);
  json.end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin
