#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

/// The principal of a new key; `keys create` for a new name is how principals begin.
Result<bool> ensure_principal(Call& call, const std::string& name) {
  BR_TRY(all, call.rooms.directory.list_principals(call.context));
  for (const auto& one : all) {
    if (one.name == name) return false;
  }
  BR_TRY(call.rooms.directory.put_principal(call.context, {name, {}, false}));
  return true;
}

}  // namespace

Result<io::HttpResponse> list_keys(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(keys, call.rooms.directory.list_keys(call.context));
  JsonWriter json;
  json.begin_object().key("keys").begin_array();
  for (const auto& key : keys) {
    json.begin_object().member("id", key.id).member("kind", key.kind);
    json.member("principal", key.principal).member("created", to_iso8601(key.created));
    json.member("disabled", key.disabled).end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> create_key(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(body, call.json_body());
  wire::TableReader reader{body, "the key request"};
  const std::string principal = reader.required_text("principal");
  const std::string kind = reader.text("kind", "s3");
  const std::string token_uri = reader.text("token_uri", call.rooms.token_uri);
  BR_TRY(reader.finish());
  if (kind != "s3" && kind != "service-account") {
    return std::unexpected(invalid("cannot make a key of kind \"" + kind + "\"",
                                   "there are the kinds s3 and service-account"));
  }
  BR_TRY(is_new, ensure_principal(call, principal));
  JsonWriter json;
  json.begin_object().member("principal", principal).member("kind", kind);
  json.member("principal_created", is_new);
  if (kind == "s3") {
    BR_TRY(key, call.rooms.directory.create_access_key(call.context, principal));
    json.member("id", key.id).member("access_key", key.id);
    json.member("secret_key", key.secret.reveal());  // shown once, to who made it
  } else {
    BR_TRY(made, call.rooms.directory.create_service_key(call.context, principal, token_uri));
    json.member("id", made.key.id).member("client_email", made.key.client_email);
    json.key("key_file").raw(made.key_file_json.reveal());
  }
  json.end_object();
  return json_response(json.take(), 201);
}

Result<io::HttpResponse> disable_key(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(call.rooms.directory.disable_key(call.context, call.argument));
  JsonWriter json;
  json.begin_object().member("id", call.argument).member("disabled", true).end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin
