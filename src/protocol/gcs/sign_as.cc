// Signatures in the name of an account, by its managed key, and the keys to verify them with.
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/act_as.h"
#include "protocol/gcs/id_token.h"
#include "protocol/gcs/oauth.h"
#include "protocol/gcs/verbs.h"
#include "wire/rsa.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxPayloadBytes = 12 << 10;
constexpr int64_t kMostJwtSeconds = 43'200;  // IAM Credentials API, signJwt: up to 12 hours

io::HttpResponse not_to_be_kept(JsonWriter& json) {
  auto response = json_response(200, json.take());
  response.headers.set("Cache-Control", "no-store");
  return response;
}

std::string text_of(const wire::Value& body, std::string_view name) {
  const wire::Value* value = body.find(name);
  return value != nullptr && value->is(wire::Value::Kind::kText) ? value->text : std::string{};
}

/// The payload, with an end. @error kInvalid: no JSON object, or its end is too far
Result<std::string> with_end(std::string payload, int64_t now) {
  if (payload.size() > kMaxPayloadBytes) {
    return std::unexpected(invalid("Invalid value for payload", "it is too long"));
  }
  auto claims = wire::parse_json(payload, kMaxPayloadBytes, "payload");
  if (!claims) {
    return std::unexpected(invalid("Invalid value for payload", claims.error().to_string()));
  }
  const wire::Value* end = claims->find("exp");
  if (end != nullptr) {
    if (end->is(wire::Value::Kind::kInteger) && end->integer <= now + kMostJwtSeconds) {
      return payload;
    }
    return std::unexpected(invalid("Invalid value for payload", "exp is at most 12 h from now"));
  }
  payload.erase(payload.find_last_of('}'));
  return payload + (claims->members.empty() ? "" : ",") + "\"exp\":" + std::to_string(now + 3600) +
         "}";
}

int64_t now_of(const Call& call) { return call.rooms.clock.wall().micros / 1'000'000; }

}  // namespace

Result<io::HttpResponse> generate_id_token(Call& call) {
  BR_TRY(asked, act_as(call));
  const wire::Value* with_email = asked.body.find("includeEmail");
  IdTokenTerms terms;
  terms.issuer = call.rooms.public_url.empty() ? call.base_url : call.rooms.public_url;
  terms.principal = asked.principal;
  terms.audience = text_of(asked.body, "audience");
  terms.with_email = with_email != nullptr && with_email->boolean;
  BR_TRY(token, make_id_token(call.context, call.rooms.directory, call.rooms.clock.wall(), terms));
  record_token(call, *call.principal, "identity token of " + asked.principal);
  JsonWriter json;
  json.begin_object().member("token", token).end_object();
  return not_to_be_kept(json);
}

Result<io::HttpResponse> sign_blob(Call& call) {
  BR_TRY(asked, act_as(call));
  const auto bytes = from_base64(text_of(asked.body, "payload"));
  if (!bytes || bytes->empty()) {
    return std::unexpected(invalid("Invalid value for payload", "it is not base64, or empty"));
  }
  BR_TRY(key, call.rooms.directory.managed_key(call.context, asked.principal));
  BR_TRY(signature, call.rooms.directory.sign_with(call.context, key.id, *bytes));
  record_token(call, *call.principal, "signature of " + asked.principal);
  JsonWriter json;
  json.begin_object().member("keyId", key.id).member("signedBlob", to_base64(signature));
  return not_to_be_kept(json.end_object());
}

Result<io::HttpResponse> sign_jwt(Call& call) {
  BR_TRY(asked, act_as(call));
  BR_TRY(payload, with_end(text_of(asked.body, "payload"), now_of(call)));
  BR_TRY(key, call.rooms.directory.managed_key(call.context, asked.principal));
  BR_TRY(token, signed_jwt(call.context, call.rooms.directory, key, payload));
  record_token(call, *call.principal, "signed JWT of " + asked.principal);
  JsonWriter json;
  json.begin_object().member("keyId", key.id).member("signedJwt", token);
  return not_to_be_kept(json.end_object());
}

Result<io::HttpResponse> key_set(Call& call) {
  const std::string owner = call.route.entity.empty()
                                ? std::string{identity::kInstanceKey}
                                : call.rooms.directory.principal_of_email(call.route.entity);
  BR_TRY(keys, call.rooms.directory.usable_keys(call.context, owner));
  JsonWriter json;
  json.begin_object().key("keys").begin_array();
  for (const identity::ServiceKey& key : keys) {
    BR_TRY(parsed, wire::RsaPublicKey::from_pem(key.public_key_pem));
    BR_TRY(numbers, parsed.numbers());
    json.begin_object().member("alg", "RS256").member("e", to_base64url(numbers.exponent));
    json.member("kid", key.id).member("kty", "RSA").member("n", to_base64url(numbers.modulus));
    json.member("use", "sig").end_object();
  }
  json.end_array().end_object();
  call.rooms.gate.answer(call.context, call.door(), "/", 200, "public keys are for everyone");
  return not_to_be_kept(json);
}

/// OpenID Connect Discovery 1.0, 3: what verifiers of our identity tokens need.
Result<io::HttpResponse> open_id(Call& call) {
  const std::string& issuer = call.rooms.public_url.empty() ? call.base_url : call.rooms.public_url;
  JsonWriter json;
  json.begin_object().member("issuer", issuer);
  json.member("jwks_uri", issuer + "/oauth2/v3/certs");
  json.member("token_endpoint", issuer + "/token");
  for (const auto& [name, value] : {std::pair{"id_token_signing_alg_values_supported", "RS256"},
                                    std::pair{"response_types_supported", "id_token"},
                                    std::pair{"subject_types_supported", "public"}}) {
    json.key(name).begin_array().value(value).end_array();
  }
  json.end_object();
  call.rooms.gate.answer(call.context, call.door(), "/", 200, "public keys are for everyone");
  return not_to_be_kept(json);
}

}  // namespace beringia::protocol::gcs
