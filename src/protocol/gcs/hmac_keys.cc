// What belongs to a project at Google's: its service account, and HMAC keys, which are S3's access
// keys here.
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/query_terms.h"
#include "protocol/gcs/verbs.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {
namespace {

using Key = identity::Directory::KeySummary;

constexpr uint64_t kMaxKeysPerPage = 250;
constexpr std::string_view kActive = "ACTIVE";
constexpr std::string_view kInactive = "INACTIVE";

/// Everyone keeps its own keys; those of others are for who administers everything. The question
/// is recorded either way. @error kDenied
Result<void> admit_for(Call& call, const std::string& owner) {
  if (call.principal->name() == owner && !call.principal->is_session()) {
    BR_TRY(asked, call.admit_bucket_list());
    (void)asked;
    return {};
  }
  BR_TRY(root, Path::parse("/"));
  BR_TRY(call.admit(core::Action::kAdminister, root));
  return {};
}

void write_key(JsonWriter& json, const Call& call, const Key& key) {
  const std::string project = "0";  // there are none, see docs/gcs-compatibility.md
  json.begin_object().member("kind", "storage#hmacKeyMetadata");
  json.member("id", project + "/" + key.id);
  json.member("selfLink", call.base_url + "/storage/v1/projects/" + project + "/hmacKeys/" +
                              percent_encode(key.id));
  json.member("accessId", key.id).member("projectId", project);
  json.member("serviceAccountEmail", call.rooms.directory.email_of(key.principal));
  json.member("state", key.disabled ? kInactive : kActive);
  json.member("timeCreated", to_iso8601(key.created));
  json.member("updated", to_iso8601(key.created));
  json.member("etag", json_etag(static_cast<uint64_t>(key.created.micros), key.disabled ? 2 : 1));
  json.end_object();
}

io::HttpResponse key_response(const Call& call, const Key& key) {
  JsonWriter json;
  write_key(json, call, key);
  return json_response(200, json.take());
}

Result<std::vector<Key>> access_keys(const Call& call) {
  BR_TRY(keys, call.rooms.directory.list_keys(call.context));
  std::erase_if(keys, [](const Key& key) { return key.kind != "s3"; });
  return std::move(keys);
}

Result<Key> find_key(const Call& call, const std::string& id) {
  BR_TRY(keys, access_keys(call));
  const auto found = std::ranges::find(keys, id, &Key::id);
  if (found == keys.end()) {
    return std::unexpected(not_found("Access ID not found in project.", id.substr(0, 128)));
  }
  return *found;
}

Result<io::HttpResponse> create_key(Call& call) {
  const std::string& email = call.query.get("serviceAccountEmail");
  if (email.empty()) {
    return std::unexpected(invalid("Required parameter: serviceAccountEmail").with_tag("required"));
  }
  const std::string owner = call.rooms.directory.principal_of_email(email);
  BR_TRY(admit_for(call, owner));
  BR_TRY(made, call.rooms.directory.create_access_key(call.context, owner));
  JsonWriter json;
  json.begin_object().member("kind", "storage#hmacKey").key("metadata");
  write_key(json, call, {made.id, "s3", made.principal, made.created, made.disabled});
  json.member("secret", made.secret.reveal());
  auto response = json_response(200, json.end_object().take());
  response.headers.set("Cache-Control", "no-store");
  return response;
}

Result<io::HttpResponse> list_keys(Call& call) {
  BR_TRY(results, call.query.number("maxResults"));
  const size_t limit = std::clamp<uint64_t>(results.value_or(kMaxKeysPerPage), 1, kMaxKeysPerPage);
  const std::string& email = call.query.get("serviceAccountEmail");
  const std::string wanted = email.empty() ? "" : call.rooms.directory.principal_of_email(email);
  BR_TRY(after, page_position(call.query));
  // What is deleted is gone at once: there are no keys in the state DELETED to be shown.
  BR_TRY(call.query.flag("showDeletedKeys", false));
  // Who administers everything sees all; everyone else their own.
  BR_TRY(grant, call.admit_bucket_list());
  (void)grant;
  BR_TRY(root, Path::parse("/"));
  const bool sees_all = call.may(core::Action::kAdminister, root);
  BR_TRY(keys, access_keys(call));
  JsonWriter json;
  json.begin_object().member("kind", "storage#hmacKeysMetadata").key("items").begin_array();
  size_t shown = 0;
  std::string last;
  bool more = false;
  for (const Key& key : keys) {
    if (key.id <= after || (!wanted.empty() && key.principal != wanted)) continue;
    if (!sees_all && key.principal != call.principal->name()) continue;
    if (shown == limit) {
      more = true;
      break;
    }
    write_key(json, call, key);
    last = key.id;
    ++shown;
  }
  json.end_array();
  if (more) json.member("nextPageToken", to_base64url(last));
  return json_response(200, json.end_object().take());
}

Result<io::HttpResponse> update_key(Call& call, const Key& key) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(document,
         wire::parse_json(body.empty() ? "{}" : body, wire::gcs::kMaxResourceBytes, "a key"));
  const wire::Value* state = document.find("state");
  if (state == nullptr || (state->text != kActive && state->text != kInactive)) {
    return std::unexpected(invalid("Invalid value for state", "it is ACTIVE or INACTIVE"));
  }
  if (state->text == kActive) {
    BR_TRY(call.rooms.directory.enable_access_key(call.context, key.id));
  } else {
    BR_TRY(call.rooms.directory.disable_key(call.context, key.id));
  }
  BR_TRY(changed, find_key(call, key.id));
  return key_response(call, changed);
}

}  // namespace

Result<io::HttpResponse> service_account(Call& call) {
  BR_TRY(grant, call.admit_bucket_list());
  (void)grant;
  JsonWriter json;
  json.begin_object().member("kind", "storage#serviceAccount");
  // The form that clients expect; nothing acts under this name here.
  json.member("email_address", "service-0@gs-project-accounts.iam.gserviceaccount.com");
  return json_response(200, json.end_object().take());
}

Result<io::HttpResponse> hmac_keys(Call& call) {
  return call.method == "POST" ? create_key(call) : list_keys(call);
}

Result<io::HttpResponse> hmac_key(Call& call) {
  auto key = find_key(call, call.route.entity);
  if (!key) {
    // Whether it exists is for those who may see it.
    BR_TRY(grant, call.admit_bucket_list());
    (void)grant;
    return std::unexpected(std::move(key).error());
  }
  BR_TRY(admit_for(call, key->principal));
  if (call.method == "GET") return key_response(call, *key);
  if (call.method == "PUT") return update_key(call, *key);
  if (!key->disabled) {
    return std::unexpected(invalid("Cannot delete keys in 'ACTIVE' state.", "", "set INACTIVE"));
  }
  BR_TRY(call.rooms.directory.remove_access_key(call.context, key->id));
  return empty_response(204);
}

}  // namespace beringia::protocol::gcs
