#include "wire/jwt.h"

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "wire/json_reader.h"

namespace beringia::wire {

namespace {

namespace dom = simdjson::dom;

Error bad_token(std::string why) {
  return denied("the token is not valid", std::move(why)).with_tag("invalid_token");
}

/// Decodes strictly: canonical base64url without padding, so one token has one spelling.
Result<std::string> decode_part(std::string_view part, std::string_view name) {
  auto bytes = from_base64url(part);
  if (part.empty() || !bytes || to_base64url(*bytes) != part) {
    return std::unexpected(bad_token("its " + std::string{name} + " is not base64url"));
  }
  return std::move(*bytes);
}

Result<JsonDocument> parse_part(std::string_view json, std::string_view name) {
  auto document = JsonDocument::parse(json, kMaxJwtBytes, name);
  if (!document || !is_utf8(json)) {
    return std::unexpected(bad_token("its " + std::string{name} + " is not a JSON object"));
  }
  std::set<std::string_view> seen;
  for (auto [key, value] : document->root()) {
    // RFC 7519, 4: a repeated claim may be refused; parsers that differ on it are an attack.
    if (!seen.insert(key).second) {
      return std::unexpected(bad_token("its " + std::string{name} + " repeats a member"));
    }
  }
  return document;
}

Result<std::string> text_claim(std::string_view key, dom::element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) {
    return std::unexpected(bad_token("\"" + std::string{key} + "\" is not a text"));
  }
  return std::string{text};
}

Result<int64_t> time_claim(std::string_view key, dom::element value) {
  // 2^53: beyond it the number is no time, and arithmetic on it could overflow.
  constexpr int64_t kLatest = int64_t{1} << 53;
  int64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS && number >= 0 && number < kLatest) return number;
  double real = 0;  // RFC 7519, 2: NumericDate may have a fraction
  if (value.is_double() && value.get(real) == simdjson::SUCCESS && real >= 0 &&
      real < static_cast<double>(kLatest)) {
    return static_cast<int64_t>(real);
  }
  return std::unexpected(bad_token("\"" + std::string{key} + "\" is not a time"));
}

Result<std::vector<std::string>> audience_claim(dom::element value) {
  std::vector<std::string> out;
  dom::array array;
  if (value.get(array) != simdjson::SUCCESS) {
    BR_TRY(one, text_claim("aud", value));
    out.push_back(std::move(one));
    return out;
  }
  for (dom::element item : array) {
    BR_TRY(one, text_claim("aud", item));
    out.push_back(std::move(one));
  }
  return out;
}

template <class T, class U>
Result<void> assign(Result<T> value, U& slot) {
  if (!value) return std::unexpected(value.error());
  slot = std::move(*value);
  return {};
}

Result<void> read_claim(JwtClaims& claims, std::string_view key, dom::element value) {
  if (key == "iss") return assign(text_claim(key, value), claims.issuer);
  if (key == "sub") return assign(text_claim(key, value), claims.subject);
  if (key == "aud") return assign(audience_claim(value), claims.audience);
  if (key == "scope") return assign(text_claim(key, value), claims.scope);
  if (key == "jti") return assign(text_claim(key, value), claims.id);
  if (key == "iat") return assign(time_claim(key, value), claims.issued_at);
  if (key == "exp") return assign(time_claim(key, value), claims.expires_at);
  if (key == "nbf") return assign(time_claim(key, value), claims.not_before);
  if (value.is_string()) return assign(text_claim(key, value), claims.texts[std::string{key}]);
  return {};
}

Result<void> read_header(Jwt& jwt, const dom::object& header) {
  bool has_algorithm = false;
  for (auto [key, value] : header) {
    if (key == "alg") {
      BR_TRY(algorithm, text_claim(key, value));
      if (algorithm != "RS256") {
        return std::unexpected(bad_token("its algorithm is not RS256"));
      }
      has_algorithm = true;
    } else if (key == "typ") {
      BR_TRY(type, text_claim(key, value));
      if (!equals_ignoring_case(type, "JWT")) {
        return std::unexpected(bad_token("its type is not JWT"));
      }
    } else if (key == "kid") {
      BR_TRY(assign(text_claim(key, value), jwt.key_id));
    } else if (key == "crit") {
      // RFC 7515, 4.1.11: extensions that must be understood; we understand none.
      return std::unexpected(bad_token("it needs extensions that are not supported"));
    }
  }
  if (!has_algorithm) return std::unexpected(bad_token("it names no algorithm"));
  return {};
}

void write_text(JsonWriter& json, std::string_view key, const std::string& value) {
  if (!value.empty()) json.member(key, std::string_view{value});
}

void write_time(JsonWriter& json, std::string_view key, std::optional<int64_t> value) {
  if (value) json.member(key, *value);
}

}  // namespace

Result<std::string> sign_jwt(const RsaPrivateKey& key, std::string_view key_id,
                             const JwtClaims& claims) {
  JsonWriter header;
  header.begin_object().member("alg", "RS256").member("typ", "JWT");
  if (!key_id.empty()) header.member("kid", key_id);
  header.end_object();

  JsonWriter payload;
  payload.begin_object();
  write_text(payload, "iss", claims.issuer);
  write_text(payload, "sub", claims.subject);
  if (claims.audience.size() == 1) {
    write_text(payload, "aud", claims.audience.front());
  } else if (!claims.audience.empty()) {
    payload.key("aud").begin_array();
    for (const auto& audience : claims.audience) payload.value(std::string_view{audience});
    payload.end_array();
  }
  write_text(payload, "scope", claims.scope);
  write_time(payload, "iat", claims.issued_at);
  write_time(payload, "exp", claims.expires_at);
  write_time(payload, "nbf", claims.not_before);
  write_text(payload, "jti", claims.id);
  for (const auto& [name, value] : claims.texts) payload.member(name, std::string_view{value});
  payload.end_object();

  std::string token = to_base64url(header.text()) + "." + to_base64url(payload.text());
  BR_TRY(signature, key.sign(token));
  return token + "." + to_base64url(signature);
}

Result<Jwt> parse_jwt(std::string_view token) {
  if (token.size() > kMaxJwtBytes) return std::unexpected(bad_token("it is over 16 KiB"));
  auto first = token.find('.');
  auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return std::unexpected(bad_token("it has not three parts"));
  }
  BR_TRY(header_json, decode_part(token.substr(0, first), "header"));
  BR_TRY(payload_json, decode_part(token.substr(first + 1, second - first - 1), "payload"));
  BR_TRY(signature, decode_part(token.substr(second + 1), "signature"));
  BR_TRY(header, parse_part(header_json, "header"));
  BR_TRY(payload, parse_part(payload_json, "payload"));
  Jwt jwt;
  BR_TRY(read_header(jwt, header.root()));
  for (auto [key, value] : payload.root()) BR_TRY(read_claim(jwt.claims, key, value));
  jwt.signed_part = std::string{token.substr(0, second)};
  jwt.signature = std::move(signature);
  return jwt;
}

Result<void> verify_jwt(const Jwt& jwt, const RsaPublicKey& key,
                        const JwtExpectation& expectation) {
  if (!key.verify(jwt.signed_part, jwt.signature)) {
    return std::unexpected(bad_token("its signature does not match the key"));
  }
  const auto& claims = jwt.claims;
  const int64_t now = expectation.now.micros / 1000000;
  const int64_t leeway = expectation.leeway_s;
  if (!claims.expires_at) return std::unexpected(bad_token("it has no \"exp\""));
  if (*claims.expires_at <= now - leeway) return std::unexpected(bad_token("it has expired"));
  if (claims.issued_at && *claims.issued_at > now + leeway) {
    return std::unexpected(bad_token("it was issued in the future"));
  }
  if (claims.not_before && *claims.not_before > now + leeway) {
    return std::unexpected(bad_token("it is not valid yet"));
  }
  if (expectation.max_lifetime_s > 0) {
    // Without iat a lifetime is counted from now, so that a far exp cannot slip through.
    int64_t start = claims.issued_at.value_or(now);
    if (*claims.expires_at - start > expectation.max_lifetime_s + leeway ||
        *claims.expires_at - now > expectation.max_lifetime_s + leeway) {
      return std::unexpected(bad_token("it lives longer than is allowed"));
    }
  }
  if (!expectation.issuer.empty() && claims.issuer != expectation.issuer) {
    return std::unexpected(bad_token("it was issued by someone else"));
  }
  if (!expectation.audiences.empty() &&
      std::ranges::none_of(claims.audience, [&](const std::string& audience) {
        return std::ranges::find(expectation.audiences, audience) != expectation.audiences.end();
      })) {
    return std::unexpected(bad_token("it is meant for another audience"));
  }
  return {};
}

namespace {

constexpr size_t kMaxKeyFileBytes = 64 << 10;

Result<void> read_key_member(ServiceAccountKey& key, std::string_view name, std::string text) {
  if (name == "project_id") key.project_id = std::move(text);
  if (name == "private_key_id") key.private_key_id = std::move(text);
  if (name == "private_key") key.private_key_pem = Secret{std::move(text)};
  if (name == "client_email") key.client_email = std::move(text);
  if (name == "client_id") key.client_id = std::move(text);
  if (name == "token_uri") key.token_uri = std::move(text);
  if (name == "universe_domain") key.universe_domain = std::move(text);
  if (name == "type" && text != "service_account") {
    return std::unexpected(invalid("cannot read the service-account key",
                                   "its \"type\" is not \"service_account\"",
                                   "create a JSON key of a service account"));
  }
  return {};
}

}  // namespace

Result<ServiceAccountKey> parse_service_account_key(const Secret& json) {
  constexpr const char* kWhat = "cannot read the service-account key";
  auto document = JsonDocument::parse(json.reveal(), kMaxKeyFileBytes, "the service-account key");
  if (!document) return std::unexpected(document.error());
  ServiceAccountKey key;
  bool has_type = false;
  for (auto [name, value] : document->root()) {
    if (!value.is_string()) continue;
    has_type = has_type || name == "type";
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) continue;
    BR_TRY(read_key_member(key, name, std::string{text}));
  }
  auto missing = [&](const char* member) {
    return std::unexpected(invalid(kWhat, std::string{"it has no \""} + member + "\"",
                                   "create a JSON key of a service account"));
  };
  if (!has_type) return missing("type");
  if (key.client_email.empty()) return missing("client_email");
  if (key.private_key_pem.empty()) return missing("private_key");
  if (key.token_uri.empty()) return missing("token_uri");
  return key;
}

Secret render_service_account_key(const ServiceAccountKey& key) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "service_account");
  json.member("project_id", std::string_view{key.project_id});
  json.member("private_key_id", std::string_view{key.private_key_id});
  json.member("private_key", std::string_view{key.private_key_pem.reveal()});
  json.member("client_email", std::string_view{key.client_email});
  json.member("client_id", std::string_view{key.client_id});
  // Google's libraries insist on auth_uri being there; nothing is ever sent to it.
  json.member("auth_uri", std::string_view{key.token_uri});
  json.member("token_uri", std::string_view{key.token_uri});
  json.member("universe_domain", std::string_view{key.universe_domain});
  json.end_object();
  return Secret{json.take()};
}

}  // namespace beringia::wire
