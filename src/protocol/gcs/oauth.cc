#include "protocol/gcs/oauth.h"

#include <utility>

#include "base/json_writer.h"
#include "protocol/gcs/authenticate.h"
#include "protocol/gcs/error_map.h"
#include "protocol/gcs/verbs.h"
#include "wire/document.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxTokenRequestBytes = 64 << 10;

bool speaks_oauth(Verb verb) {
  return verb == Verb::kToken || verb == Verb::kExchangeToken || verb == Verb::kTokenInfo ||
         verb == Verb::kRevokeToken;
}

Result<io::HttpResponse> dispatch(Call& call) {
  switch (call.route.verb) {
    case Verb::kToken: return issue_token(call);
    case Verb::kExchangeToken: return exchange_token(call);
    case Verb::kTokenInfo: return token_info(call);
    case Verb::kRevokeToken: return revoke_token(call);
    case Verb::kUserInfo: return user_info(call);
    case Verb::kGenerateIdToken: return generate_id_token(call);
    case Verb::kSignBlob: return sign_blob(call);
    case Verb::kSignJwt: return sign_jwt(call);
    case Verb::kKeySet: return key_set(call);
    case Verb::kOpenId: return open_id(call);
    default: return generate_access_token(call);
  }
}

}  // namespace

bool is_identity(Verb verb) {
  switch (verb) {
    case Verb::kUserInfo:
    case Verb::kGenerateAccessToken:
    case Verb::kGenerateIdToken:
    case Verb::kSignBlob:
    case Verb::kSignJwt:
    case Verb::kKeySet:
    case Verb::kOpenId: return true;
    default: return speaks_oauth(verb);
  }
}

Result<io::HttpResponse> handle_identity(Call& call) {
  Result<io::HttpResponse> result =
      call.rooms.token_rate->take(call.request.peer_address, call.rooms.clock.monotonic())
          ? dispatch(call)
          : std::unexpected(busy("Too many requests for tokens", "from this address"));
  if (result) return result;
  if (speaks_oauth(call.route.verb)) return oauth_error(call, result.error());
  if (call.principal) {  // else who answers the request records it
    const int status = wire_error_of(result.error()).status;
    call.rooms.gate.refuse(call.context, call.door(), call.principal->credential(), "", status,
                           result.error());
  }
  return result;
}

Error oauth_problem(std::string code, std::string why) {
  return invalid("the request for a token is refused", std::move(why)).with_tag(std::move(code));
}

io::HttpResponse oauth_error(Call& call, const Error& error) {
  int status = 400;
  std::string code = "invalid_grant";
  if (error.code() == Code::kBusy || error.code() == Code::kUnavailable) {
    status = error.code() == Code::kBusy ? 429 : 503;
    code = "temporarily_unavailable";  // RFC 6749, 4.1.2.1
  } else if (error.code() == Code::kInvalid) {
    code = error.tag().starts_with("invalid_") || error.tag() == "unsupported_grant_type"
               ? error.tag()
               : "invalid_request";
  }
  call.rooms.gate.refuse(call.context, call.door(), "", "", status, error);
  auto response =
      json_response(status, wire::gcs::render(wire::gcs::TokenError{code, error.to_string()}));
  response.headers.set("Cache-Control", "no-store");
  if (status != 400) response.headers.add("Retry-After", "1");
  return response;
}

Result<std::map<std::string, std::string>> read_members(Call& call) {
  auto body = call.read_body(kMaxTokenRequestBytes);
  if (!body) return std::unexpected(oauth_problem("invalid_request", body.error().what()));
  std::map<std::string, std::string> members;
  if (call.header("Content-Type").starts_with("application/json")) {
    auto document = wire::parse_json(*body, kMaxTokenRequestBytes, "the request");
    if (!document) {
      return std::unexpected(oauth_problem("invalid_request", document.error().why()));
    }
    for (const auto& [name, value] : document->members) {
      if (value.is(wire::Value::Kind::kText)) members[name] = value.text;
    }
    return members;
  }
  auto form = Parameters::parse(*body);
  if (!form) return std::unexpected(oauth_problem("invalid_request", form.error().to_string()));
  for (const std::string_view name :
       {"grant_type", "assertion", "audience", "scope", "requested_token_type", "subject_token",
        "subject_token_type", "actor_token", "options", "token", "access_token", "id_token"}) {
    if (form->has(name)) members[std::string{name}] = form->get(name);
  }
  return members;
}

io::HttpResponse token_response(const identity::Directory::Token& token, std::string_view type) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(token.expires_in).count();
  JsonWriter json;
  json.begin_object().member("access_token", token.access_token.reveal());
  json.member("expires_in", static_cast<int64_t>(seconds));
  if (!type.empty()) json.member("issued_token_type", type);
  auto response = json_response(200, json.member("token_type", "Bearer").end_object().take());
  response.headers.set("Cache-Control", "no-store");
  return response;
}

void record_token(Call& call, const identity::Principal& who, std::string rule) {
  call.rooms.gate.answer(call.context, call.door(), "/", 200, rule, &who);
}

std::vector<std::string> audiences_of(const Call& call) {
  std::vector<std::string> audiences = {"https://storage.googleapis.com/",
                                        "https://storage.googleapis.com"};
  for (const std::string& url : {call.base_url, call.rooms.public_url}) {
    if (url.empty()) continue;
    audiences.push_back(url);
    audiences.push_back(url + "/");
  }
  return audiences;
}

Result<identity::BearerFacts> examine_own_token(const Call& call) {
  BR_TRY(token, bearer_of(call.header("Authorization")));
  return call.rooms.directory.examine_bearer(call.context, token, audiences_of(call));
}

}  // namespace beringia::protocol::gcs
