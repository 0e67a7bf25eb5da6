// Rights in buckets themselves, for those who read them past us.
#include <algorithm>

#include "protocol/admin/iam_plan.h"
#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

constexpr size_t kMaxMembers = 10'000;

Result<IamMembers> read_members(const wire::Value* table) {
  IamMembers out;
  if (table == nullptr) return out;
  if (!table->is(wire::Value::Kind::kTable) || table->members.size() > kMaxMembers) {
    return std::unexpected(invalid("cannot read members", "it is no table of names"));
  }
  for (const auto& [name, value] : table->members) {
    if (!value.is(wire::Value::Kind::kText) || value.text.find(':') == std::string::npos) {
      return std::unexpected(invalid("cannot use the member of \"" + name + "\"",
                                     "it is not a Google member",
                                     "write user:, group:, serviceAccount: or domain: before it"));
    }
    out.emplace(name, value.text);
  }
  return out;
}

void write_plan(JsonWriter& json, const IamPlan& plan) {
  json.key("rows").begin_array();
  for (const auto& row : plan.rows) {
    json.begin_object().member("change", row.add ? "add" : "remove");
    json.member("folder", row.right.folder).member("role", row.right.role);
    json.member("member", row.right.member).member("grant", row.grant).end_object();
  }
  json.end_array().key("notes").begin_array();
  for (const auto& note : plan.notes) json.value(note);
  json.end_array();
}

Result<IamPlan> make_plan_of(Call& call, const wire::Value& body, bool with_rows) {
  wire::TableReader reader{body, "the request"};
  BR_TRY(members, read_members(reader.value("members")));
  if (with_rows) (void)reader.value("rows");
  BR_TRY(reader.finish());
  BR_TRY(there, call.rooms.estate.native_rights(call.context, call.argument));
  return plan_iam(call.rooms.estate.current(), call.argument, call.rooms.evaluator.list(), members,
                  there);
}

/// Is it still what was shown?
Result<void> compare(const IamPlan& plan, const wire::Value& body) {
  const wire::Value* shown = body.find("rows");
  bool same = shown != nullptr && shown->items.size() == plan.rows.size();
  for (size_t i = 0; same && i < plan.rows.size(); ++i) {
    const auto text = [&](std::string_view name) {
      const wire::Value* value = shown->items[i].find(name);
      return value == nullptr ? std::string{} : value->text;
    };
    const auto& row = plan.rows[i];
    same = text("folder") == row.right.folder && text("role") == row.right.role &&
           text("member") == row.right.member && text("change") == (row.add ? "add" : "remove");
  }
  if (same) return {};
  return std::unexpected(conflict("the plan does not hold any more",
                                  "grants or the bucket's policies have changed since",
                                  "plan again"));
}

}  // namespace

Result<io::HttpResponse> plan_native_rights(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(body, call.json_body());
  BR_TRY(plan, make_plan_of(call, body, false));
  JsonWriter json;
  json.begin_object();
  write_plan(json, plan);
  json.end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> apply_native_rights(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(body, call.json_body());
  BR_TRY(plan, make_plan_of(call, body, true));
  BR_TRY(compare(plan, body));
  // Rows are in the order of their folders: one change of a policy for each.
  for (size_t i = 0; i < plan.rows.size();) {
    const std::string& folder = plan.rows[i].right.folder;
    std::vector<NativeRight> add;
    std::vector<NativeRight> remove;
    for (; i < plan.rows.size() && plan.rows[i].right.folder == folder; ++i) {
      (plan.rows[i].add ? add : remove).push_back(plan.rows[i].right);
    }
    BR_TRY(call.rooms.estate.change_native_rights(call.context, call.argument, add, remove));
  }
  JsonWriter json;
  json.begin_object();
  write_plan(json, plan);
  json.end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin
