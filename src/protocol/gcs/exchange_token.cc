// Token exchange (RFC 8693, as Google's Security Token Service has it): tokens of an identity
// provider for ours, and ours for narrower ones.
#include <utility>

#include "access/access_boundary.h"
#include "access/session_policy.h"
#include "base/encoding.h"
#include "protocol/gcs/oauth.h"
#include "protocol/gcs/verbs.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {
namespace {

using Members = std::map<std::string, std::string>;

constexpr std::string_view kTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::string_view kJwtType = "urn:ietf:params:oauth:token-type:jwt";
constexpr std::string_view kIdTokenType = "urn:ietf:params:oauth:token-type:id_token";

/// "//iam.googleapis.com/projects/P/locations/global/workloadIdentityPools/POOL/providers/NAME":
/// only NAME means something here.
std::string provider_of(std::string_view audience) {
  constexpr std::string_view kProviders = "/providers/";
  const size_t at = audience.rfind(kProviders);
  if (at == std::string_view::npos) return {};
  return std::string{audience.substr(at + kProviders.size())};
}

Result<identity::Directory::Token> exchange_web_identity(Call& call, Members& members) {
  const std::string provider = provider_of(members["audience"]);
  if (provider.empty()) {
    return std::unexpected(
        oauth_problem("invalid_target",
                      "audience is not //iam.googleapis.com/.../providers/NAME, where NAME is "
                      "an identity provider of the estate"));
  }
  BR_TRY(web, call.rooms.directory.verify_web_identity(call.context, members["subject_token"]));
  if (web.provider != provider) {
    return std::unexpected(oauth_problem(
        "invalid_target", "the subject token is of another identity provider than the audience"));
  }
  identity::TokenRequest request;
  request.principal = web.principal.name();
  request.source = web.principal.credential();
  request.actor = request.principal;
  request.scope = members["scope"];
  request.policy = access::policy_of_scopes(request.scope);
  request.lifetime = call.rooms.directory.token_lifetime();
  BR_TRY(token, call.rooms.directory.issue_access_token(call.context, request));
  record_token(call, web.principal, "token of " + request.principal + " by " + web.provider);
  return std::move(token);
}

Result<std::string> boundary_of(std::string options) {
  // Google's libraries escape it once more than the form does.
  if (options.starts_with('%')) options = percent_decode(options).value_or("");
  if (options.empty()) {
    return std::unexpected(
        oauth_problem("invalid_request", "options with an accessBoundary are missing"));
  }
  if (options.size() > access::kMaxSessionPolicyBytes) {
    return std::unexpected(oauth_problem("invalid_request", "options are too long"));
  }
  auto boundary = access::AccessBoundary::parse(options);
  if (!boundary) {
    return std::unexpected(oauth_problem("invalid_request", boundary.error().to_string()));
  }
  if (boundary->names_every_bucket()) {
    return std::unexpected(oauth_problem("invalid_request", "availableResource names no bucket"));
  }
  return options;
}

/// A token with less than the rights of another of ours, until the end of that.
Result<identity::Directory::Token> narrow(Call& call, Members& members) {
  BR_TRY(boundary, boundary_of(members["options"]));
  BR_TRY(facts, call.rooms.directory.examine_bearer(call.context, members["subject_token"],
                                                    audiences_of(call)));
  const auto& policy = facts.principal.session_policy();
  identity::TokenRequest request;
  request.principal = facts.principal.name();
  request.source = facts.source;
  request.actor = facts.actor.empty() ? request.principal : facts.actor;
  request.scope = facts.scope;
  request.policy = access::SessionPolicy::join(policy ? *policy : "", boundary);
  request.lifetime =
      std::chrono::microseconds{facts.expires.micros - call.rooms.clock.wall().micros};
  if (request.policy.size() > 2 * access::kMaxSessionPolicyBytes) {
    return std::unexpected(oauth_problem("invalid_request", "it was narrowed too often"));
  }
  BR_TRY(token, call.rooms.directory.issue_access_token(call.context, request));
  record_token(call, facts.principal, "narrowed token of " + request.principal);
  return std::move(token);
}

}  // namespace

Result<io::HttpResponse> exchange_token(Call& call) {
  BR_TRY(members, read_members(call));
  if (members["grant_type"] != kTokenExchange) {
    return std::unexpected(
        oauth_problem("unsupported_grant_type", "only " + std::string{kTokenExchange}));
  }
  const std::string& wanted = members["requested_token_type"];
  if (!wanted.empty() && wanted != kAccessTokenType) {
    return std::unexpected(
        oauth_problem("invalid_request", "requested_token_type is not an access token"));
  }
  if (!members["actor_token"].empty()) {
    return std::unexpected(oauth_problem("invalid_request", "actor_token is not offered"));
  }
  const std::string& type = members["subject_token_type"];
  if (type == kAccessTokenType) {
    BR_TRY(token, narrow(call, members));
    return token_response(token, kAccessTokenType);
  }
  if (type != kJwtType && type != kIdTokenType) {
    return std::unexpected(oauth_problem(
        "invalid_request", "subject_token_type \"" + type.substr(0, 128) +
                               "\" is not offered; it is jwt, id_token or access_token"));
  }
  BR_TRY(token, exchange_web_identity(call, members));
  return token_response(token, kAccessTokenType);
}

}  // namespace beringia::protocol::gcs
