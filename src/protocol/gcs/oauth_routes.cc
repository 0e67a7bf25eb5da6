// Addresses of tokens. At Google's they lie at hosts of their own (oauth2, sts and iamcredentials
// .googleapis.com, www.googleapis.com/oauth2), here all at one.
#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/router.h"

namespace beringia::protocol::gcs {
namespace {

struct Address {
  std::string_view method, path;
  Verb verb;
};
constexpr Address kAddresses[] = {
    {"POST", "/token", Verb::kToken},
    {"POST", "/oauth2/v4/token", Verb::kToken},
    {"POST", "/v1/token", Verb::kExchangeToken},
    {"POST", "/tokeninfo", Verb::kTokenInfo},
    {"GET", "/oauth2/v1/tokeninfo", Verb::kTokenInfo},
    {"POST", "/oauth2/v1/tokeninfo", Verb::kTokenInfo},
    {"GET", "/oauth2/v2/tokeninfo", Verb::kTokenInfo},
    {"POST", "/oauth2/v2/tokeninfo", Verb::kTokenInfo},
    {"GET", "/oauth2/v3/tokeninfo", Verb::kTokenInfo},
    {"POST", "/oauth2/v3/tokeninfo", Verb::kTokenInfo},
    {"GET", "/oauth2/v1/userinfo", Verb::kUserInfo},
    {"GET", "/oauth2/v2/userinfo", Verb::kUserInfo},
    {"GET", "/oauth2/v3/userinfo", Verb::kUserInfo},
    {"GET", "/v1/userinfo", Verb::kUserInfo},
    {"POST", "/revoke", Verb::kRevokeToken},
    {"GET", "/oauth2/v3/certs", Verb::kKeySet},
    {"GET", "/.well-known/openid-configuration", Verb::kOpenId},
};
constexpr std::pair<std::string_view, Verb> kActions[] = {
    {"generateAccessToken", Verb::kGenerateAccessToken},
    {"generateIdToken", Verb::kGenerateIdToken},
    {"signBlob", Verb::kSignBlob},
    {"signJwt", Verb::kSignJwt},
};

Error wrong_method(std::string_view method) {
  return unsupported("Method not allowed", std::string{method} + " is not offered at this address")
      .with_tag("method");
}

/// What stands between two parts of a path, if it has no '/' of its own.
std::optional<std::string_view> between(std::string_view path, std::string_view before,
                                        std::string_view after) {
  if (!path.starts_with(before)) return std::nullopt;
  path.remove_prefix(before.size());
  const size_t end = path.find(after);
  if (end == std::string_view::npos || path.substr(0, end).find('/') != std::string_view::npos) {
    return std::nullopt;
  }
  return path.substr(0, end);
}

}  // namespace

Result<std::optional<Route>> route_identity(std::string_view method, std::string_view path,
                                            const Parameters& query) {
  Route route;
  bool is_known = false;
  for (const Address& address : kAddresses) {
    if (address.path != path) continue;
    is_known = true;
    if (address.method != method) continue;
    route.verb = address.verb;
    return std::optional{std::move(route)};
  }
  // Where nobody meant a bucket of that name.
  if (path == "/tokeninfo" && method == "GET" &&
      (query.has("access_token") || query.has("id_token"))) {
    route.verb = Verb::kTokenInfo;
    return std::optional{std::move(route)};
  }
  const bool may_be_bucket =
      path == "/tokeninfo" || path == "/revoke" || path.starts_with("/oauth2/v");
  if (is_known && (!may_be_bucket || path == "/oauth2/v4/token")) {
    return std::unexpected(wrong_method(method));
  }
  constexpr std::string_view kKeySets = "/service_accounts/v1/jwk/";
  if (path.starts_with(kKeySets) && method == "GET") {
    const auto name = percent_decode(path.substr(kKeySets.size()));
    if (name && is_utf8(*name) && !name->empty() && name->find('/') == std::string::npos) {
      route.verb = Verb::kKeySet;
      route.entity = *name;
      return std::optional{std::move(route)};
    }
  }
  constexpr std::string_view kAccounts = "/serviceAccounts/";
  const auto project = between(path, "/v1/projects/", kAccounts);
  if (!project) return std::optional<Route>{};
  const size_t first = path.find(kAccounts) + kAccounts.size();
  const auto account = percent_decode(path.substr(first));
  const size_t colon = account ? account->rfind(':') : std::string::npos;
  if (!account || !is_utf8(*account) || colon == std::string::npos) {
    return std::unexpected(not_found("Not Found", "there is nothing at this address"));
  }
  for (const auto& [name, verb] : kActions) {
    if (account->substr(colon + 1) != name) continue;
    if (method != "POST") return std::unexpected(wrong_method(method));
    route.verb = verb;
    route.entity = account->substr(0, colon);
    return std::optional{std::move(route)};
  }
  return std::unexpected(not_found("Not Found", "there is nothing at this address"));
}

}  // namespace beringia::protocol::gcs
