#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {

Result<io::HttpResponse> list_grants(Call& call) {
  BR_TRY(call.administer());
  JsonWriter json;
  json.begin_object().key("grants").begin_array();
  for (const auto& rule : call.rooms.evaluator.list()) {
    json.begin_object().member("name", rule.id).key("principals").begin_array();
    for (const auto& name : rule.principals) json.value(name);
    json.end_array().member("prefix", rule.prefix).member("role", access::to_string(rule.role));
    json.member("deny", rule.deny).end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> put_grant(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(body, call.json_body());
  wire::TableReader reader{body, "the grant"};
  access::GrantRule rule;
  rule.id = call.argument;
  rule.principals = reader.texts("principals");
  rule.prefix = reader.required_text("prefix");
  rule.deny = reader.boolean("deny", false);
  const std::string role = reader.text("role", "reader");
  BR_TRY(reader.finish());
  const auto parsed = access::parse_role(role);
  if (!parsed) {
    return std::unexpected(invalid("cannot grant the role \"" + role + "\"",
                                   "there are the roles reader, writer, owner and creator"));
  }
  rule.role = *parsed;
  BR_TRY(call.rooms.evaluator.put(call.context, std::move(rule)));
  JsonWriter json;
  json.begin_object().member("name", call.argument).end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> remove_grant(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(call.rooms.evaluator.remove(call.context, call.argument));
  JsonWriter json;
  json.begin_object().member("name", call.argument).member("removed", true).end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin
