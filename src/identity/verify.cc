// Verification: no catalog reads, no parks.
#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "identity/principal_verifier.h"
#include "identity/stored_directory.h"
#include "wire/jwt.h"

namespace beringia::identity {
namespace {

// What Google's libraries put into "aud" of an assertion whatever token_uri they were given.
const std::vector<std::string> kGoogleTokenUris = {
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
};

/// A self-signed token without aud must say what it is for by a scope (Google: AIP-4111).
bool is_for_storage(const std::string& scope) {
  return scope.find("/auth/cloud-platform") != std::string::npos ||
         scope.find("/auth/devstorage.") != std::string::npos;
}

std::string digest_of(const std::string& token, const std::vector<std::string>& audiences) {
  std::string text = token;
  for (const std::string& audience : audiences) text.append("\n").append(audience);
  return sha256(text);
}

}  // namespace

Result<Principal> StoredDirectory::principal_for(const std::string& name,
                                                 const std::string& credential) const {
  const auto record = find(principals_, name);
  if (!record || record->disabled) {
    return std::unexpected(denied("the credential " + credential + " is not valid",
                                  "principal " + name + " is disabled or was removed"));
  }
  return PrincipalVerifier::verified(name, record->groups, credential);
}

Result<AccessKey> StoredDirectory::find_access_key(const io::Context&, const std::string& id) {
  const auto held = find(access_keys_, id);
  if (!held) return std::unexpected(not_found("looking up access key " + id, "it is not known"));
  if (held->key.disabled) {
    return std::unexpected(denied("access key " + id + " is not valid", "it was disabled"));
  }
  return held->key;
}

Result<Principal> StoredDirectory::principal_of(const io::Context&, const AccessKey& verified_key) {
  // Looked up again: the key may have been disabled or replaced since find_access_key().
  const auto held = find(access_keys_, verified_key.id);
  if (!held || held->key.disabled || held->key.secret != verified_key.secret) {
    return std::unexpected(denied("access key " + verified_key.id + " is not valid",
                                  "it was disabled, replaced or removed"));
  }
  return principal_for(held->key.principal, held->key.id);
}

Result<Principal> StoredDirectory::principal_named(const io::Context&, const std::string& name,
                                                   const std::string& credential) {
  return principal_for(name, credential);
}

Result<std::shared_ptr<const StoredDirectory::HeldServiceKey>> StoredDirectory::usable_service_key(
    const std::string& id) const {
  auto held = find(service_keys_, id);
  if (!held) return std::unexpected(invalid_token("its key is not known"));
  if (held->key.disabled) return std::unexpected(invalid_token("its key was disabled"));
  return held;
}

Result<std::shared_ptr<const StoredDirectory::HeldServiceKey>> StoredDirectory::usable_token_key(
    const std::string& id) const {
  BR_TRY(held, usable_service_key(id));
  // Who acts as another for an hour must not make itself tokens of that other.
  if (held->private_key) return std::unexpected(invalid_token("its key signs no tokens"));
  return std::move(held);
}

Result<Directory::Token> StoredDirectory::exchange_jwt(const io::Context&,
                                                       const std::string& assertion,
                                                       const std::vector<std::string>& audiences) {
  BR_TRY(jwt, wire::parse_jwt(assertion));
  BR_TRY(held, usable_token_key(jwt.key_id));
  wire::JwtExpectation expected;
  expected.issuer = held->key.client_email;
  expected.audiences = audiences;
  std::ranges::copy(kGoogleTokenUris, std::back_inserter(expected.audiences));
  expected.now = clock_.wall();
  BR_TRY(wire::verify_jwt(jwt, held->public_key, expected));
  if (!jwt.claims.subject.empty() && jwt.claims.subject != held->key.client_email) {
    return std::unexpected(invalid_token("acting for another subject is not offered"));
  }
  auto principal = principal_for(held->key.principal, held->key.id);
  if (!principal) return std::unexpected(std::move(principal).error().with_tag("invalid_token"));
  const Timestamp expires{
      expected.now.micros +
      std::chrono::duration_cast<std::chrono::microseconds>(options_.token_lifetime).count()};
  return Token{tokens_.issue(held->key.id, expires), options_.token_lifetime,
               std::move(*principal)};
}

Result<Principal> StoredDirectory::verify_bearer(const io::Context& context,
                                                 const std::string& token,
                                                 const std::vector<std::string>& audiences) {
  BR_TRY(facts, examine_bearer(context, token, audiences));
  return std::move(facts.principal);
}

Result<BearerFacts> StoredDirectory::examine_bearer(const io::Context&, const std::string& token,
                                                    const std::vector<std::string>& audiences) {
  auto facts = examine_any(token, audiences);
  if (!facts) return std::unexpected(std::move(facts).error().with_tag("invalid_token"));
  if (is_revoked(token)) return std::unexpected(invalid_token("it was revoked"));
  return facts;
}

Result<BearerFacts> StoredDirectory::examine_any(const std::string& token,
                                                 const std::vector<std::string>& audiences) {
  if (token.starts_with(AccessTokens::kPrefix)) {
    BR_TRY(verified, tokens_.verify(token, clock_.wall()));
    BR_TRY(held, usable_token_key(verified.key_id));
    BR_TRY(principal, principal_for(held->key.principal, held->key.id));
    return BearerFacts{std::move(principal), held->key.id, "", "", verified.expires};
  }
  if (token.starts_with(kIssuedPrefix)) return examine_issued(token);
  if (std::ranges::count(token, '.') == 2) return examine_self_signed(token, audiences);
  return std::unexpected(invalid_token("it is not one of ours"));
}

Result<BearerFacts> StoredDirectory::examine_self_signed(
    const std::string& token, const std::vector<std::string>& audiences) {
  const Timestamp now = clock_.wall();
  const std::string digest = digest_of(token, audiences);
  std::optional<VerifiedJwts::Verified> known = verified_jwts_.find(digest, now);
  if (!known) {
    BR_TRY(jwt, wire::parse_jwt(token));
    BR_TRY(held, usable_token_key(jwt.key_id));
    wire::JwtExpectation expected;
    expected.issuer = held->key.client_email;
    expected.now = now;
    if (!jwt.claims.audience.empty()) {
      expected.audiences = audiences;
      if (audiences.empty()) {
        return std::unexpected(invalid_token("its audience is not served here"));
      }
    } else if (!is_for_storage(jwt.claims.scope)) {
      return std::unexpected(invalid_token("it has neither an audience nor a scope for storage"));
    }
    BR_TRY(wire::verify_jwt(jwt, held->public_key, expected));
    if (!jwt.claims.subject.empty() && jwt.claims.subject != held->key.client_email) {
      return std::unexpected(invalid_token("acting for another subject is not offered"));
    }
    const int64_t expires_s = jwt.claims.expires_at.value_or(0);
    known = {held->key.id, Timestamp{expires_s * 1'000'000}, jwt.claims.scope};
    verified_jwts_.remember(digest, *known);
  }
  BR_TRY(held, usable_token_key(known->key_id));
  BR_TRY(principal, principal_for(held->key.principal, held->key.id));
  return BearerFacts{std::move(principal), held->key.id, "", known->scope, known->expires};
}

}  // namespace beringia::identity
