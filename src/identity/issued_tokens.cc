// Access tokens on other grounds than a service key's own assertion: of federated identities, of
// who acts as another principal, with less than all rights. Stateless: the token holds, sealed, all
// that its requests are checked with; only revoked ones are kept.
#include <utility>

#include "base/checksum.h"
#include "base/encoding.h"
#include "identity/access_token.h"
#include "identity/principal_verifier.h"
#include "identity/stored_directory.h"

namespace beringia::identity {
namespace {

constexpr std::string_view kSealName = "access-token";
constexpr size_t kMaxTokenBytes = 32 << 10;

}  // namespace

Result<Principal> StoredDirectory::principal_behind(const IssuedToken& token) const {
  BR_TRY(check_source(token.source));
  if (token.actor != token.principal) BR_TRY(principal_for(token.actor, token.source));
  BR_TRY(own, principal_for(token.principal, token.source));
  if (token.policy.empty() && token.actor == token.principal) return std::move(own);
  auto policy = token.policy.empty() ? nullptr : std::make_shared<const std::string>(token.policy);
  return PrincipalVerifier::session(own.name(), own.groups(), own.credential(), std::move(policy));
}

Result<Directory::Token> StoredDirectory::issue_access_token(const io::Context&,
                                                             const TokenRequest& request) {
  const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(request.lifetime);
  const IssuedToken token{
      request.principal, request.source,
      request.actor,     request.scope,
      request.policy,    Timestamp{clock_.wall().micros + lifetime.count() * 1'000'000}};
  auto principal = principal_behind(token);
  if (!principal) return std::unexpected(std::move(principal).error().with_tag("invalid_token"));
  BR_TRY(sealed, sealer_.seal(kSealName, Secret{encode(token)}));
  Secret text{std::string{kIssuedPrefix} + to_base64url(sealed)};
  if (text.reveal().size() > kMaxTokenBytes) {
    return std::unexpected(invalid("cannot issue an access token", "it would be over 32 KiB",
                                   "ask for fewer scopes, or a shorter access boundary"));
  }
  return Token{std::move(text), lifetime, std::move(*principal)};
}

Result<BearerFacts> StoredDirectory::examine_issued(const std::string& token) const {
  if (token.size() > kMaxTokenBytes) return std::unexpected(invalid_token("it is too long"));
  const std::string_view encoded = std::string_view{token}.substr(kIssuedPrefix.size());
  const auto sealed = from_base64url(encoded);
  // One token has one spelling: base64url would let the last character vary.
  if (!sealed || to_base64url(*sealed) != encoded) {
    return std::unexpected(invalid_token("it is not one of ours"));
  }
  const auto plain = sealer_.unseal(kSealName, *sealed);
  if (!plain) return std::unexpected(invalid_token("it was not made by this instance"));
  auto held = decode_issued_token(plain->reveal());
  if (!held) return std::unexpected(invalid_token("it cannot be read"));
  if (clock_.wall().micros >= held->expires.micros) {
    return std::unexpected(invalid_token("it has expired"));
  }
  BR_TRY(principal, principal_behind(*held));
  return BearerFacts{std::move(principal), std::move(held->source), std::move(held->actor),
                     std::move(held->scope), held->expires};
}

bool StoredDirectory::is_revoked(const std::string& token) const {
  const std::shared_lock lock{mutex_};
  return !revoked_.empty() && revoked_.contains(sha256(token));
}

Result<void> StoredDirectory::revoke_token(const io::Context& context, const std::string& token) {
  if (token.starts_with("ya29.")) {
    auto facts = examine_bearer(context, token, {});
    if (!facts) return {};  // it is not good already
    BR_TRY(guard, io::MutexGuard::lock(context, changes_));
    const std::string digest = sha256(token);
    const Timestamp now = clock_.wall();
    std::vector<std::string> over;
    {
      const std::shared_lock lock{mutex_};
      for (const auto& [old, expires] : revoked_) {
        if (expires <= now) over.push_back(old);
      }
      if (revoked_.size() - over.size() >= kMaxRevoked) {
        return std::unexpected(
            busy("cannot revoke the token", "too many are revoked now",
                 "disable the key or the principal behind it, which ends all their tokens"));
      }
    }
    kv::Batch batch;
    for (const std::string& old : over) batch.remove(row_key(kRevokedRows, old));
    batch.put(row_key(kRevokedRows, digest), encode_revoked(facts->expires));
    auto done = commit(context, std::move(batch));
    if (!done && done.error().retry() != Retry::kMaybeApplied) return done;
    const std::unique_lock lock{mutex_};
    for (const std::string& old : over) revoked_.erase(old);
    revoked_.insert_or_assign(digest, facts->expires);
    return done;
  }
  return {};
}

}  // namespace beringia::identity
