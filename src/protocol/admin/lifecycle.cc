// Lifecycle rules of buckets: what there are, what the last pass did, what one would do.
#include "policy/policy.h"
#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

constexpr uint64_t kMaxRows = 1000;

void write_rules(JsonWriter& json, const std::vector<policy::LifecycleRuleLine>& rules) {
  json.key("rules").begin_array();
  for (const auto& rule : rules) {
    json.begin_object().member("id", rule.id).member("enabled", rule.enabled);
    json.member("filter", rule.filter).member("actions", rule.actions).end_object();
  }
  json.end_array();
}

void write_outcome(JsonWriter& json, const policy::LifecycleOutcome& outcome) {
  json.member("started", to_iso8601(outcome.started)).member("ended", to_iso8601(outcome.ended));
  json.member("scanned", outcome.scanned);
  json.key("totals").begin_array();
  for (const auto& total : outcome.totals) {
    json.begin_object().member("rule", total.rule);
    json.member("action", policy::to_string(total.action)).member("class", total.storage_class);
    json.member("objects", total.objects).member("bytes", total.bytes).end_object();
  }
  json.end_array().key("skipped").begin_array();
  for (const auto& one : outcome.skipped) {
    json.begin_object().member("reason", one.reason).member("objects", one.objects);
    json.key("examples").begin_array();
    for (const auto& example : one.examples) json.value(example);
    json.end_array().end_object();
  }
  json.end_array();
  if (!outcome.error.empty()) json.member("error", outcome.error);
}

void write_row(JsonWriter& json, const policy::LifecycleRow& row) {
  json.begin_object().member("path", row.path).member("rule", row.rule);
  json.member("action", policy::to_string(row.action)).member("class", row.storage_class);
  json.member("generation", row.generation).member("size", row.size);
  json.member("due", to_iso8601(row.due)).end_object();
}

/// "2027-01-01" or RFC 3339; "" = now. @error kInvalid
Result<Timestamp> time_of(const std::string& text) {
  constexpr size_t kDateOnly = 10;
  if (text.empty()) return Timestamp{};
  const Timestamp time = parse_rfc3339(text.size() == kDateOnly ? text + "T00:00:00Z" : text);
  if (time.micros > 0) return time;
  return std::unexpected(invalid("cannot read the time \"" + text.substr(0, 40) + "\"",
                                 "it is not RFC 3339", "write 2027-01-01 or 2027-01-01T12:00:00Z"));
}

}  // namespace

Result<io::HttpResponse> list_lifecycles(Call& call) {
  BR_TRY(all, call.rooms.engine.lifecycles(call.context, *call.principal));
  JsonWriter json;
  json.begin_object().key("lifecycles").begin_array();
  for (const auto& one : all) {
    json.begin_object().member("bucket", one.bucket);
    write_rules(json, one.rules);
    if (!one.damage.empty()) json.member("damage", one.damage);
    if (one.last) {
      json.key("last").begin_object();
      write_outcome(json, *one.last);
      json.end_object();
    }
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> plan_lifecycle(Call& call) {
  BR_TRY(at, time_of(call.query_or("at", "")));
  BR_TRY(rows, call.query_number("rows", kMaxRows, kMaxRows));
  BR_TRY(bucket, Path::parse("/" + call.argument + "/"));
  BR_TRY(plan, call.rooms.engine.plan_lifecycle(call.context, *call.principal, {bucket, at, rows}));
  JsonWriter json;
  json.begin_object().member("bucket", plan.bucket).member("at", to_iso8601(plan.at));
  write_rules(json, plan.rules);
  write_outcome(json, plan.outcome);
  if (plan.next.micros != 0) json.member("next", to_iso8601(plan.next));
  json.key("rows").begin_array();
  for (const auto& row : plan.rows) write_row(json, row);
  json.end_array().end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin
