// Temporary credentials. Stateless: the token holds, sealed, all that its requests are checked
// with.
#include <algorithm>

#include "base/encoding.h"
#include "identity/principal_verifier.h"
#include "identity/stored_directory.h"

namespace beringia::identity {
namespace {

/// Names of access keys hold no ':'.
constexpr std::string_view kWebPrefix = "oidc:";
constexpr size_t kMaxTokenBytes = 16 << 10;

/// Binds a token to its key id: what is sealed for one does not open for another.
std::string seal_name(const std::string& id) { return "session/" + id; }

Error invalid_session(std::string why) {
  return denied("The provided token is malformed or otherwise invalid.", std::move(why))
      .with_tag("InvalidToken");
}

std::shared_ptr<const std::string> shared_policy(std::string policy) {
  if (policy.empty()) return nullptr;
  return std::make_shared<const std::string>(std::move(policy));
}

}  // namespace

Result<void> StoredDirectory::check_source(const std::string& source) const {
  if (source.starts_with(kWebPrefix)) {
    if (web_identities_.has(std::string_view{source}.substr(kWebPrefix.size()))) return {};
    return std::unexpected(denied("the session is not valid any more",
                                  "the identity provider that vouched for it was removed"));
  }
  if (source == kMetadataSource) return {};
  if (const auto held = find(service_keys_, source); held && !held->key.disabled) return {};
  const auto held = find(access_keys_, source);
  if (held && !held->key.disabled) return {};
  return std::unexpected(denied("the session is not valid any more",
                                "the key " + source + " that began it was disabled"));
}

Result<Session> StoredDirectory::begin_session(const io::Context&, const SessionRequest& request) {
  BR_TRY(check_source(request.source));
  Session session;
  session.key = make_access_key(request.principal, "BRS");
  BR_TRY(principal_for(request.principal, session.key.id));
  session.source = request.source;
  session.name = request.name;
  session.policy = shared_policy(request.policy);
  session.expires =
      Timestamp{session.key.created.micros +
                std::chrono::duration_cast<std::chrono::microseconds>(request.lifetime).count()};
  const Secret plain{
      encode(SessionToken{request.principal, request.source, request.name, request.policy,
                          session.key.secret.reveal(), session.expires})};
  BR_TRY(sealed, sealer_.seal(seal_name(session.key.id), plain));
  session.token = Secret{to_base64url(sealed)};
  return session;
}

Result<Session> StoredDirectory::find_session(const io::Context&, const std::string& id,
                                              std::string_view token) {
  if (token.size() > kMaxTokenBytes) return std::unexpected(invalid_session("it is too long"));
  const auto sealed = from_base64url(token);
  // One token has one spelling: base64url would let the last character vary.
  if (!sealed || to_base64url(*sealed) != token) {
    return std::unexpected(invalid_session("it is not one of ours"));
  }
  auto plain = sealer_.unseal(seal_name(id), *sealed);
  if (!plain) return std::unexpected(invalid_session("it does not belong to this access key"));
  auto held = decode_session_token(plain->reveal());
  if (!held) return std::unexpected(invalid_session("it cannot be read"));
  if (clock_.wall().micros >= held->expires.micros) {
    return std::unexpected(denied("The provided token has expired.").with_tag("ExpiredToken"));
  }
  Session session;
  session.key.id = id;
  session.key.secret = Secret{std::move(held->secret)};
  session.key.principal = std::move(held->principal);
  session.token = Secret{std::string{token}};
  session.source = std::move(held->source);
  session.name = std::move(held->name);
  session.policy = shared_policy(std::move(held->policy));
  session.expires = held->expires;
  return session;
}

Result<Principal> StoredDirectory::principal_of(const io::Context&, const Session& verified) {
  BR_TRY(check_source(verified.source));
  BR_TRY(own, principal_for(verified.key.principal, verified.key.id));
  return PrincipalVerifier::session(own.name(), own.groups(), own.credential(), verified.policy);
}

Result<Directory::WebPrincipal> StoredDirectory::verify_web_identity(const io::Context& context,
                                                                     std::string_view token) {
  BR_TRY(verified, web_identities_.verify(context, token));
  auto principal = principal_for(verified.principal, std::string{kWebPrefix} + verified.provider);
  if (!principal) return std::unexpected(invalid_token(principal.error().why()));
  return WebPrincipal{std::move(*principal), std::move(verified.provider),
                      std::move(verified.subject), std::move(verified.audience)};
}

bool StoredDirectory::may_assume(const Principal& who, const std::string& principal) const {
  if (who.is_anonymous() || who.is_session()) return false;
  const auto record = find(principals_, principal);
  if (!record || record->disabled) return false;
  return who.is_root() || who.name() == principal ||
         std::ranges::find(record->assumable_by, who.name()) != record->assumable_by.end();
}

}  // namespace beringia::identity
