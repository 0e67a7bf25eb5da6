#include "policy/policy.h"

#include "base/quantity.h"
#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

constexpr uint64_t kMaxRows = 1000;

void write_totals(JsonWriter& json, const policy::Totals& totals) {
  json.begin_object().member("objects", totals.objects).member("bytes", totals.bytes);
  json.member("egress_bytes", totals.egress_bytes);
  json.member("class_a_calls", totals.calls.class_a);
  json.member("class_b_calls", totals.calls.class_b).member("deletes", totals.calls.deletes);
  json.member("cost_usd", totals.cost.usd());
  json.member("cost_usd_per_month", totals.cost_per_month.usd());
  json.member("duration_s", std::chrono::duration<double>(totals.duration).count()).end_object();
}

void write_skipped(JsonWriter& json, std::string_view name,
                   const std::vector<policy::SkippedTotal>& skipped) {
  json.key(name).begin_array();
  for (const auto& one : skipped) {
    json.begin_object().member("reason", one.reason).member("objects", one.objects);
    json.key("examples").begin_array();
    for (const auto& example : one.examples) json.value(example);
    json.end_array().end_object();
  }
  json.end_array();
}

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name).begin_array();
  for (const auto& text : texts) json.value(text);
  json.end_array();
}

void write_summary(JsonWriter& json, const policy::PlanSummary& plan) {
  json.member("id", plan.id).member("principal", plan.principal);
  json.member("created", to_iso8601(plan.created));
  write_texts(json, "policies", plan.policies);
  json.member("prefix", plan.prefix).member("scanned", plan.scanned);
  json.member("in_place", plan.in_place);
  json.member("bandwidth_bytes_per_s", plan.bandwidth_bytes_per_s);
  json.key("totals");
  write_totals(json, plan.totals);
  json.key("by_policy").begin_object();
  for (const auto& [name, totals] : plan.by_policy) {
    json.key(name);
    write_totals(json, totals);
  }
  json.end_object();
  write_skipped(json, "skipped", plan.skipped);
  json.member("estate_fingerprint", plan.estate_fingerprint);
}

void write_row(JsonWriter& json, const policy::PlanRow& row) {
  json.member("seq", row.seq).member("path", row.path).member("policy", row.policy);
  json.member("kind", policy::to_string(row.kind)).member("generation", row.generation);
  json.member("size", row.size).member("from", row.from).member("to", row.to);
  json.member("class", row.to_class);
}

void write_status(JsonWriter& json, const policy::RunStatus& run) {
  json.member("id", run.id).member("plan", run.plan_id).member("principal", run.principal);
  json.member("state", meta::to_string(run.state)).member("started", to_iso8601(run.started));
  if (run.ended.micros != 0) json.member("ended", to_iso8601(run.ended));
  write_texts(json, "policies", run.policies);
  json.member("objects", run.objects).member("bytes", run.bytes);
  json.member("objects_done", run.objects_done).member("bytes_done", run.bytes_done);
  json.member("bytes_copied", run.bytes_copied);
  json.member("objects_skipped", run.objects_skipped);
  json.member("objects_failed", run.objects_failed);
  json.member("objects_cleaning", run.objects_cleaning);
  json.member("objects_active", run.objects_active);
  json.member("class_a_calls", run.calls.class_a).member("class_b_calls", run.calls.class_b);
  json.member("free_calls", run.calls.deletes).member("calls_usd", run.calls_cost.usd());
  json.member("bandwidth_bytes_per_s", run.bandwidth_bytes_per_s);
  json.member("rate_bytes_per_s", run.rate_bytes_per_s);
  if (run.remaining) {
    json.member("remaining_s", std::chrono::duration<double>(*run.remaining).count());
  }
  json.member("paused", run.paused).member("paused_why", run.paused_why);
  write_skipped(json, "reasons", run.reasons);
}

io::HttpResponse status_response(const policy::RunStatus& run, int status = 200) {
  JsonWriter json;
  json.begin_object();
  write_status(json, run);
  json.end_object();
  return json_response(json.take(), status);
}

Result<uint64_t> rate_of(wire::TableReader& reader) {
  const std::string text = reader.text("bandwidth", "0");
  BR_TRY(reader.finish());
  return parse_rate(text);
}

}  // namespace

Result<io::HttpResponse> list_plans(Call& call) {
  BR_TRY(plans, call.rooms.engine.plans(call.context, *call.principal));
  JsonWriter json;
  json.begin_object().key("plans").begin_array();
  for (const auto& plan : plans) {
    json.begin_object();
    write_summary(json, plan);
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> make_plan(Call& call) {
  BR_TRY(body, call.json_body());
  wire::TableReader reader{body, "the plan request"};
  policy::PlanRequest request;
  request.policies = reader.texts("policies");
  const std::string prefix = reader.text("prefix");
  BR_TRY(bandwidth, rate_of(reader));
  request.bandwidth_bytes_per_s = bandwidth;
  if (!prefix.empty()) {
    BR_TRY(path, Path::parse(prefix));
    request.prefix = path;
  }
  BR_TRY(plan, call.rooms.engine.make_plan(call.context, *call.principal, request));
  JsonWriter json;
  json.begin_object();
  write_summary(json, plan);
  json.end_object();
  return json_response(json.take(), 201);
}

Result<io::HttpResponse> show_plan(Call& call) {
  BR_TRY(plan, call.rooms.engine.plan(call.context, *call.principal, call.argument));
  BR_TRY(after, call.query_number("after", 0, UINT64_MAX));
  BR_TRY(limit, call.query_number("limit", kMaxRows, kMaxRows));
  BR_TRY(rows,
         call.rooms.engine.plan_rows(call.context, *call.principal, call.argument, after, limit));
  JsonWriter json;
  json.begin_object();
  write_summary(json, plan);
  json.key("rows").begin_array();
  for (const auto& row : rows) {
    json.begin_object();
    write_row(json, row);
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> start_run(Call& call) {
  BR_TRY(body, call.json_body());
  wire::TableReader reader{body, "the run request"};
  policy::RunRequest request;
  request.plan_id = call.argument;
  request.refuse_changed_entries = reader.boolean("refuse_changed_entries", false);
  BR_TRY(bandwidth, rate_of(reader));
  request.bandwidth_bytes_per_s =
      bandwidth != 0 ? bandwidth : call.rooms.move_bandwidth_bytes_per_s;
  BR_TRY(run, call.rooms.engine.start_run(call.context, *call.principal, request));
  return status_response(run, 202);
}

Result<io::HttpResponse> list_runs(Call& call) {
  BR_TRY(runs, call.rooms.engine.runs(call.context, *call.principal));
  JsonWriter json;
  json.begin_object().key("runs").begin_array();
  for (const auto& run : runs) {
    json.begin_object();
    write_status(json, run);
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> show_run(Call& call) {
  BR_TRY(run, call.rooms.engine.run(call.context, *call.principal, call.argument));
  const bool problems = call.query_or("problems", "false") == "true";
  if (!problems) return status_response(run);
  BR_TRY(after, call.query_number("after", 0, UINT64_MAX));
  BR_TRY(rows, call.rooms.engine.run_rows(call.context, *call.principal, call.argument, after,
                                          kMaxRows, {true}));
  JsonWriter json;
  json.begin_object();
  write_status(json, run);
  json.key("problems").begin_array();
  for (const auto& row : rows) {
    json.begin_object();
    write_row(json, row.planned);
    json.member("state", meta::to_string(row.state)).member("note", row.note);
    json.member("attempts", uint64_t{row.attempts}).end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> cancel_run(Call& call) {
  BR_TRY(run, call.rooms.engine.cancel(call.context, *call.principal, call.argument));
  return status_response(run);
}

Result<io::HttpResponse> list_variables(Call& call) {
  BR_TRY(call.administer());
  JsonWriter json;
  json.begin_object().key("variables").begin_array();
  for (const auto& one : policy::variables()) {
    json.begin_object().member("name", one.name).member("type", one.type);
    json.member("help", one.help).end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin
