#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {

Result<io::HttpResponse> list_principals(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(all, call.rooms.directory.list_principals(call.context));
  JsonWriter json;
  json.begin_object().key("principals").begin_array();
  for (const auto& one : all) {
    json.begin_object().member("name", one.name).key("groups").begin_array();
    for (const auto& group : one.groups) json.value(group);
    json.end_array().member("disabled", one.disabled).key("assumable_by").begin_array();
    for (const auto& name : one.assumable_by) json.value(name);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> put_principal(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(body, call.json_body());
  wire::TableReader reader{body, "the principal"};
  identity::PrincipalRecord record{call.argument, reader.texts("groups"),
                                   reader.boolean("disabled", false), reader.texts("assumable_by")};
  BR_TRY(reader.finish());
  BR_TRY(call.rooms.directory.put_principal(call.context, std::move(record)));
  JsonWriter json;
  json.begin_object().member("name", call.argument).end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> remove_principal(Call& call) {
  BR_TRY(call.administer());
  for (const auto& rule : call.rooms.evaluator.list()) {
    for (const auto& name : rule.principals) {
      if (name != call.argument) continue;
      return std::unexpected(conflict("cannot remove the principal " + call.argument,
                                      "grant \"" + rule.id + "\" names it",
                                      "beringia grants remove " + rule.id));
    }
  }
  BR_TRY(call.rooms.directory.remove_principal(call.context, call.argument));
  JsonWriter json;
  json.begin_object().member("name", call.argument).member("removed", true).end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin
