// What a token says, to whoever holds it; and its end before its time.
#include <utility>

#include "base/json_writer.h"
#include "protocol/gcs/authenticate.h"
#include "protocol/gcs/oauth.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

/// Versions 1 and 2 of Google's API name the members otherwise.
bool is_old_form(const Call& call) {
  return call.request.path.starts_with("/oauth2/v1/") ||
         call.request.path.starts_with("/oauth2/v2/");
}

int64_t seconds_left(const Call& call, Timestamp expires) {
  return (expires.micros - call.rooms.clock.wall().micros) / 1'000'000;
}

std::string token_json(const Call& call, const identity::BearerFacts& facts) {
  const std::string email = call.rooms.directory.email_of(facts.principal.name());
  const int64_t left = seconds_left(call, facts.expires);
  const bool is_old = is_old_form(call);
  JsonWriter json;
  json.begin_object();
  json.member(is_old ? "issued_to" : "azp", email).member(is_old ? "audience" : "aud", email);
  if (!facts.scope.empty()) json.member("scope", facts.scope);
  if (is_old) {
    json.member("expires_in", left);
  } else {  // texts, as at Google's
    json.member("exp", std::to_string(facts.expires.micros / 1'000'000));
    json.member("expires_in", std::to_string(left));
  }
  json.member("email", email);
  if (is_old) {
    json.member("verified_email", true);
  } else {
    json.member("email_verified", "true");
  }
  return json.member("access_type", "online").end_object().take();
}

io::HttpResponse not_to_be_kept(std::string json) {
  auto response = json_response(200, std::move(json));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

/// From the query, the form, or the Authorization header.
Result<std::string> token_of(Call& call, std::string_view name) {
  if (call.query.has(name)) return call.query.get(name);
  BR_TRY(members, read_members(call));
  const auto found = members.find(std::string{name});
  if (found != members.end()) return found->second;
  if (call.header("Authorization").empty()) {
    return std::unexpected(oauth_problem("invalid_request", std::string{name} + " is missing"));
  }
  return bearer_of(call.header("Authorization"));
}

}  // namespace

Result<io::HttpResponse> token_info(Call& call) {
  BR_TRY(token, token_of(call, "access_token"));
  auto facts = call.rooms.directory.examine_bearer(call.context, token, audiences_of(call));
  if (!facts) return std::unexpected(oauth_problem("invalid_token", facts.error().why()));
  record_token(call, facts->principal, "its holder may know what it says");
  return not_to_be_kept(token_json(call, *facts));
}

Result<io::HttpResponse> user_info(Call& call) {
  BR_TRY(facts, examine_own_token(call));
  record_token(call, facts.principal, "everyone may know who they are");
  const std::string email = call.rooms.directory.email_of(facts.principal.name());
  const bool is_old = is_old_form(call);
  JsonWriter json;
  json.begin_object().member(is_old ? "id" : "sub", facts.principal.name());
  json.member("email", email).member(is_old ? "verified_email" : "email_verified", true);
  return not_to_be_kept(json.end_object().take());
}

/// RFC 7009, but for tokens that are not good any more: as at Google's these are an error.
Result<io::HttpResponse> revoke_token(Call& call) {
  BR_TRY(token, token_of(call, "token"));
  auto facts = call.rooms.directory.examine_bearer(call.context, token, {});
  if (!facts) return std::unexpected(oauth_problem("invalid_token", facts.error().why()));
  BR_TRY(call.rooms.directory.revoke_token(call.context, token));
  record_token(call, facts->principal, "its holder may end it");
  return not_to_be_kept("{}");
}

}  // namespace beringia::protocol::gcs
