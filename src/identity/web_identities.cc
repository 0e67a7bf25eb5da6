#include "identity/web_identities.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "identity/access_token.h"
#include "io/http.h"
#include "io/runtime.h"
#include "io/sync.h"
#include "wire/document.h"
#include "wire/jwt.h"

namespace beringia::identity {
namespace {

constexpr std::string_view kFile = "file://";
constexpr size_t kMaxKeys = 64;
constexpr Duration kKeepKeys = std::chrono::hours{1};
constexpr Duration kFetchAgain = std::chrono::seconds{10};
constexpr Duration kFetchTime = std::chrono::seconds{10};
/// OpenID Connect Core, 3.1.3.7: some leeway for clocks; Google allows the like.
constexpr int64_t kLeewaySeconds = 300;

bool is_this_machine(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Error no_keys(const IdentityProvider& provider, std::string why) {
  return unavailable("cannot get the keys of identity provider \"" + provider.name + "\"",
                     std::move(why), "check its `keys` in the estate");
}

Result<std::string> read_file(const std::string& path) {
  return io::blocking([&]() -> Result<std::string> {
    std::ifstream file{path, std::ios::binary};
    if (!file) return std::unexpected(not_found("cannot read " + path));
    std::string text(kMaxKeySetBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
    return text;
  });
}

Result<std::string> fetch(const io::Context& context, const std::string& keys) {
  if (keys.starts_with(kFile)) return read_file(keys.substr(kFile.size()));
  BR_TRY(url, io::Url::parse(keys));
  if (!url.tls && !is_this_machine(url.endpoint.host)) {
    return std::unexpected(denied("cannot fetch " + keys, "keys come over https only"));
  }
  io::HttpClient::Options options;
  options.endpoint = url.endpoint;
  options.max_connections = 1;
  if (url.tls) {
    BR_TRY(tls, io::make_tls_client({}));
    options.tls = std::move(tls);
  }
  const auto client = io::HttpClient::make(std::move(options));
  const auto soon = context.with_deadline(io::now() + kFetchTime);
  io::HttpClientRequest request;
  request.method = "GET";
  request.target = (url.path.empty() ? "/" : url.path) + (url.query.empty() ? "" : "?" + url.query);
  BR_TRY(response, client->send(soon, std::move(request)));
  if (response.status != 200) {
    return std::unexpected(
        unavailable("cannot fetch " + keys, "it answers " + std::to_string(response.status)));
  }
  return io::read_all(soon, *response.body, kMaxKeySetBytes);
}

/// The member's text; "" if it has none.
std::string_view text_of(const wire::Value& object, std::string_view name) {
  const wire::Value* value = object.find(name);
  return value != nullptr && value->is(wire::Value::Kind::kText) ? std::string_view{value->text}
                                                                 : std::string_view{};
}

}  // namespace

Result<KeySet> parse_key_set(std::string_view json) {
  BR_TRY(document, wire::parse_json(json, kMaxKeySetBytes, "the key set"));
  const wire::Value* keys = document.find("keys");
  if (keys == nullptr || !keys->is(wire::Value::Kind::kArray) || keys->items.size() > kMaxKeys) {
    return std::unexpected(invalid("cannot read the key set",
                                   "it has no list \"keys\" of up to " + std::to_string(kMaxKeys)));
  }
  KeySet found;
  for (const wire::Value& key : keys->items) {
    const std::string_view use = text_of(key, "use");
    const std::string_view algorithm = text_of(key, "alg");
    if (text_of(key, "kty") != "RSA" || (!use.empty() && use != "sig") ||
        (!algorithm.empty() && algorithm != "RS256")) {
      continue;
    }
    const auto modulus = from_base64url(text_of(key, "n"));
    const auto exponent = from_base64url(text_of(key, "e"));
    if (!modulus || !exponent) continue;
    auto made = wire::RsaPublicKey::from_numbers(*modulus, *exponent);
    if (made) found.insert_or_assign(std::string{text_of(key, "kid")}, std::move(*made));
  }
  return found;
}

struct WebIdentities::Held {
  explicit Held(IdentityProvider declared) : provider{std::move(declared)} {}
  const IdentityProvider provider;
  io::Mutex fetching;  // guards what follows; parks
  KeySet keys;
  std::optional<MonotonicTime> fetched;
};

void WebIdentities::set(std::vector<IdentityProvider> providers) {
  const std::lock_guard lock{mutex_};
  std::vector<std::shared_ptr<Held>> next;
  for (auto& provider : providers) {
    const auto same =
        std::ranges::find_if(held_, [&](const auto& held) { return held->provider == provider; });
    next.push_back(same != held_.end() ? *same : std::make_shared<Held>(std::move(provider)));
  }
  held_ = std::move(next);
}

bool WebIdentities::has(std::string_view provider) const {
  const std::lock_guard lock{mutex_};
  return std::ranges::any_of(held_,
                             [&](const auto& held) { return held->provider.name == provider; });
}

std::shared_ptr<WebIdentities::Held> WebIdentities::find_issuer(std::string_view issuer) const {
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find_if(
      held_, [&](const auto& held) { return held->provider.issuer == issuer; });
  return found == held_.end() ? nullptr : *found;
}

Result<wire::RsaPublicKey> WebIdentities::key_of(const io::Context& context, Held& held,
                                                 const std::string& id) {
  BR_TRY(guard, io::MutexGuard::lock(context, held.fetching));
  const auto age = held.fetched ? clock_.monotonic() - *held.fetched : Duration::max();
  const auto known = held.keys.find(id);
  if (known != held.keys.end() && age < kKeepKeys) return known->second;
  if (age >= kFetchAgain) {
    held.fetched = clock_.monotonic();  // also a failure is not repeated at once
    auto text = fetch(context, held.provider.keys);
    auto keys = text ? parse_key_set(*text) : std::unexpected(text.error());
    if (!keys && known != held.keys.end()) return known->second;  // better old than none
    if (!keys) return std::unexpected(no_keys(held.provider, keys.error().to_string()));
    held.keys = std::move(*keys);
  }
  const auto now = held.keys.find(id);
  if (now != held.keys.end()) return now->second;
  return std::unexpected(invalid_token("its key is not one of " + held.provider.issuer));
}

Result<WebIdentities::Verified> WebIdentities::verify(const io::Context& context,
                                                      std::string_view token) {
  BR_TRY(jwt, wire::parse_jwt(token));
  const auto held = find_issuer(jwt.claims.issuer);
  if (!held) return std::unexpected(invalid_token("its issuer is not declared in the estate"));
  BR_TRY(key, key_of(context, *held, jwt.key_id));
  wire::JwtExpectation expected;
  expected.issuer = held->provider.issuer;
  expected.audiences = held->provider.audiences;
  expected.now = clock_.wall();
  expected.leeway_s = kLeewaySeconds;
  expected.max_lifetime_s = 0;
  BR_TRY(wire::verify_jwt(jwt, key, expected));
  Verified verified;
  verified.provider = held->provider.name;
  verified.subject = jwt.claims.subject;
  const std::string& claim = held->provider.claim;
  const auto further = jwt.claims.texts.find(claim);
  if (claim == "sub") {
    verified.principal = jwt.claims.subject;
  } else if (further != jwt.claims.texts.end()) {
    verified.principal = further->second;
  }
  if (verified.principal.empty()) {
    return std::unexpected(invalid_token("it has no claim \"" + claim + "\""));
  }
  const auto accepted = std::ranges::find_first_of(jwt.claims.audience, expected.audiences);
  if (accepted != jwt.claims.audience.end()) verified.audience = *accepted;
  return verified;
}

}  // namespace beringia::identity
