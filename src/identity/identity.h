#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/time.h"
#include "identity/principal.h"
#include "identity/web_identities.h"
#include "io/context.h"

namespace beringia::kv {
class Store;
}

namespace beringia::identity {

struct PrincipalRecord {
  std::string name;  // [A-Za-z0-9._@-]{1,64}; "root" is made at first start
  std::vector<std::string> groups;
  bool disabled = false;
  /// Names of principals that may take temporary credentials of this one (STS AssumeRole).
  std::vector<std::string> assumable_by;
};

struct AccessKey {
  std::string id;  // 20 characters, "BR" + 18 upper-case base32
  Secret secret;   // 40 characters of base64 alphabet
  std::string principal;
  Timestamp created;
  bool disabled = false;
};

/// A service-account key: the private half leaves once (in the key file), we keep the public half.
/// Or a managed one, whose private half never leaves, sealed in the catalog: it signs what its
/// principal, or who may act as it, lets us sign. Tokens by which somebody gets in are none of
/// that.
struct ServiceKey {
  std::string id;            // 40 hex digits (private_key_id)
  std::string client_email;  // "<principal>@<instance>.beringia.local"
  std::string principal;
  std::string public_key_pem;
  Timestamp created;
  bool disabled = false;
  std::string sealed_private;  // "" unless managed
};

/// What temporary credentials are asked for with.
struct SessionRequest {
  std::string principal;  // whose rights
  /// Principal::credential() of who asks (an access key, "oidc:PROVIDER"): the session ends with
  /// it.
  std::string source;
  std::string name;    // RoleSessionName, for the audit trail
  std::string policy;  // narrows the rights; "" = all of them. Checked by the caller
  Duration lifetime{0};
};

/// Temporary credentials: all three are sent along, nothing is kept here.
struct Session {
  AccessKey key;  // id: "BRS" + 17 upper-case base32
  Secret token;
  std::string source;
  std::string name;
  std::shared_ptr<const std::string> policy;  // null: none. Owners: its principals
  Timestamp expires;
};

/// What an access token is asked for with, besides those that service keys get for themselves.
struct TokenRequest {
  std::string principal;  // whose rights
  /// Principal::credential() of who asks, or kMetadataSource: the token ends with it.
  std::string source;
  std::string actor;   // principal who asks; the token ends with it, too
  std::string scope;   // as it was asked for, for who looks at the token
  std::string policy;  // narrows the rights (Principal::session_policy()); "" = all of them
  Duration lifetime{0};
};
/// The source of tokens that the metadata server gives out.
inline constexpr std::string_view kMetadataSource = "metadata:";

/// A bearer token that was verified, and what it says.
struct BearerFacts {
  Principal principal;
  std::string source;  // key id, "oidc:PROVIDER", kMetadataSource
  std::string actor;   // who got it; "" = the principal itself
  std::string scope;   // "" = not kept
  Timestamp expires;
};

// Bounds. All principals and keys are held in memory (about 400 B each).
inline constexpr size_t kMaxPrincipals = 100'000;
inline constexpr size_t kMaxKeys = 100'000;
inline constexpr size_t kMaxKeysPerPrincipal = 1000;
inline constexpr size_t kMaxGroups = 64;  // of one principal
inline constexpr size_t kMaxAssumers = 64;

/// The key that seals secrets in the catalog (docs/formats/identity.md): 32 bytes in a file of mode
/// 0600. Made at first use, durably, before it is returned. Blocks: call it before serving.
/// @error kDenied: others may read the file; kCorrupt: not 32 bytes; kUnavailable: disk trouble
[[nodiscard]] Result<Secret> load_or_create_sealing_key(const std::string& path, Rng& rng);

struct DirectoryOptions {
  Secret sealing_key;             // 32 bytes, from load_or_create_sealing_key()
  std::string instance = "lake";  // [a-z0-9-]{1,63}: client_email is NAME@<instance>.beringia.local
  Duration token_lifetime = std::chrono::hours{1};
};

/// Principals and their credentials, in the catalog. Thread-safe. Look-ups are answered from memory
/// without reading the catalog; changes are durable first and hold from the next look-up on.
/// Changes park; look-ups do not.
class Directory {
 public:
  /// @error kCorrupt: a row is damaged, or sealed with another key; kInvalid: bad options
  static Result<std::unique_ptr<Directory>> open(kv::Store& store, const Clock& clock, Rng& rng,
                                                 DirectoryOptions options);
  virtual ~Directory() = default;

  /// Makes "root" with one access key if there is no principal yet. @return the key when one was
  /// made or set. `id` and `secret` given: uses them; root's first key is replaced if they differ.
  /// @error kInvalid: only one of the two, or not usable; kAlreadyExists: the id is another's
  [[nodiscard]] virtual Result<std::optional<AccessKey>> ensure_root(
      const io::Context& context, std::optional<std::string> id, std::optional<Secret> secret) = 0;

  /// Creates or replaces. @error kInvalid: bad name or groups, or disabling "root"
  [[nodiscard]] virtual Result<void> put_principal(const io::Context& context,
                                                   PrincipalRecord record) = 0;
  /// Removes it with all its keys. Grants that name it stay: remove them first, or a later
  /// principal of that name would have them. @error kNotFound; kInvalid: "root"
  [[nodiscard]] virtual Result<void> remove_principal(const io::Context& context,
                                                      const std::string& name) = 0;
  [[nodiscard]] virtual Result<std::vector<PrincipalRecord>> list_principals(
      const io::Context& context) = 0;

  /// @error kNotFound: no such principal; kBusy: kMaxKeysPerPrincipal or kMaxKeys reached
  [[nodiscard]] virtual Result<AccessKey> create_access_key(const io::Context& context,
                                                            const std::string& principal) = 0;
  /// Registers a key with a given id and secret (estate files); replaces one of the same principal.
  /// @error kInvalid: bad id or secret; kNotFound: no such principal; kAlreadyExists: another's id
  [[nodiscard]] virtual Result<void> put_access_key(const io::Context& context, AccessKey key) = 0;
  struct CreatedServiceKey {
    ServiceKey key;
    Secret key_file_json;
  };
  /// @return {record, key file as Google's JSON "type": "service_account"}. RSA 2048.
  /// @error as create_access_key
  [[nodiscard]] virtual Result<CreatedServiceKey> create_service_key(
      const io::Context& context, const std::string& principal, const std::string& token_uri) = 0;
  /// Either kind; tokens of a service key die with it at once. @error kNotFound
  [[nodiscard]] virtual Result<void> disable_key(const io::Context& context,
                                                 const std::string& id) = 0;
  /// Access keys only. @error kNotFound
  [[nodiscard]] virtual Result<void> enable_access_key(const io::Context& context,
                                                       const std::string& id) = 0;
  /// Access keys only, and disabled ones. @error kNotFound; kInvalid: it is not disabled
  [[nodiscard]] virtual Result<void> remove_access_key(const io::Context& context,
                                                       const std::string& id) = 0;
  struct KeySummary {
    std::string id, kind, principal;  // kind: "s3", "service-account", "managed"
    Timestamp created;
    bool disabled;
  };
  [[nodiscard]] virtual Result<std::vector<KeySummary>> list_keys(const io::Context& context) = 0;

  // ---- verification -------------------------------------------------------------------------
  /// The secret of an access key, for wire/sigv4 to check with. @error kNotFound, kDenied
  /// (disabled)
  [[nodiscard]] virtual Result<AccessKey> find_access_key(const io::Context& context,
                                                          const std::string& id) = 0;
  /// After wire/sigv4 has verified a request signed by `key`. @error kDenied
  [[nodiscard]] virtual Result<Principal> principal_of(const io::Context& context,
                                                       const AccessKey& verified_key) = 0;
  // ---- temporary credentials (STS) ----------------------------------------------------------
  /// @error kDenied: the principal is disabled or absent, or the source key is
  [[nodiscard]] virtual Result<Session> begin_session(const io::Context& context,
                                                      const SessionRequest& request) = 0;
  /// The session of a key id and its token, for wire/sigv4 to check with.
  /// @error kDenied, tags "InvalidToken" (not ours, changed, of another key), "ExpiredToken"
  [[nodiscard]] virtual Result<Session> find_session(const io::Context& context,
                                                     const std::string& id,
                                                     std::string_view token) = 0;
  /// After wire/sigv4 has verified a request signed by it. @error kDenied: principal or source key
  /// disabled or removed
  [[nodiscard]] virtual Result<Principal> principal_of(const io::Context& context,
                                                       const Session& verified) = 0;
  /// Replaces the providers whose tokens verify_web_identity() believes.
  virtual void set_identity_providers(std::vector<IdentityProvider> providers) = 0;
  struct WebPrincipal {
    Principal principal;  // credential: "oidc:PROVIDER"
    std::string provider, subject, audience;
  };
  /// An OpenID Connect token of a declared provider. @error kDenied (tag "invalid_token"), also if
  /// it names nobody who is known here; kUnavailable: the provider's keys cannot be had
  [[nodiscard]] virtual Result<WebPrincipal> verify_web_identity(const io::Context& context,
                                                                 std::string_view token) = 0;
  /// `who` may take temporary credentials of `principal`: root, the principal itself, and those
  /// that its `assumable_by` names; never a session.
  virtual bool may_assume(const Principal& who, const std::string& principal) const = 0;

  /// For work that a verified principal ordered and that goes on without its request (runs after a
  /// restart); asked again at each step, so that disabling the principal ends it. The credential is
  /// shown as `credential`, e.g. "run 5f3a". @error kDenied: disabled or removed
  [[nodiscard]] virtual Result<Principal> principal_named(const io::Context& context,
                                                          const std::string& name,
                                                          const std::string& credential) = 0;
  /// Token endpoint: verifies a JWT-bearer assertion (RS256, kid, iss = client_email, sub absent or
  /// the same, aud = one of `audiences` or Google's token URIs, exp - iat <= 1 h) and issues an
  /// opaque access token bound to the key. @error kDenied (tag "invalid_token")
  struct Token {
    Secret access_token;  // docs/formats/identity.md
    Duration expires_in;
    Principal principal;
  };
  [[nodiscard]] virtual Result<Token> exchange_jwt(const io::Context& context,
                                                   const std::string& assertion,
                                                   const std::vector<std::string>& audiences) = 0;
  /// Bearer token from exchange_jwt, or a self-signed JWT of a service key: aud is one of
  /// `audiences`, or absent with a scope for storage, as Google's libraries sign them.
  /// @error kDenied (tag "invalid_token")
  [[nodiscard]] virtual Result<Principal> verify_bearer(
      const io::Context& context, const std::string& token,
      const std::vector<std::string>& audiences) = 0;
  /// The same, with all that the token says. @error as verify_bearer()
  [[nodiscard]] virtual Result<BearerFacts> examine_bearer(
      const io::Context& context, const std::string& token,
      const std::vector<std::string>& audiences) = 0;
  /// An access token on other grounds than a service key's own assertion. Whether who asks may have
  /// it is the caller's question. Its principal is a session if the token is narrowed, or somebody
  /// else's. @error kDenied (tag "invalid_token"): the principal, the source or the actor is
  /// disabled or gone
  [[nodiscard]] virtual Result<Token> issue_access_token(const io::Context& context,
                                                         const TokenRequest& request) = 0;
  /// From now on, and after a restart, an access token of ours is not good any more. What is no
  /// token that is good now is passed over. @error kBusy: kMaxRevoked tokens that would still be
  /// good are revoked
  [[nodiscard]] virtual Result<void> revoke_token(const io::Context& context,
                                                  const std::string& token) = 0;
  virtual Duration token_lifetime() const = 0;

  // ---- what service keys sign besides tokens ------------------------------------------------
  /// "NAME@INSTANCE.beringia.local": how Google's clients know a principal. Names that are
  /// addresses already stand for themselves.
  virtual std::string email_of(const std::string& principal) const = 0;
  /// Back again; other addresses stand for themselves.
  virtual std::string principal_of_email(const std::string& email) const = 0;
  /// Who signed `text` (RS256), of whom only `client_email` is told: tried are its newest
  /// kMaxTriedKeys usable keys. @error kDenied (tag "invalid_token")
  [[nodiscard]] virtual Result<Principal> verify_signed_text(const io::Context& context,
                                                             const std::string& client_email,
                                                             const std::string& text,
                                                             const std::string& signature) = 0;
  /// The managed key of a principal, or of this instance (kInstanceKey); made at first use, and
  /// anew when it was disabled. RSA 2048. @error kNotFound: no such principal; kBusy
  [[nodiscard]] virtual Result<ServiceKey> managed_key(const io::Context& context,
                                                       const std::string& principal) = 0;
  /// RS256 by a managed key; raw bytes. @error kNotFound: none of that id, or disabled
  [[nodiscard]] virtual Result<std::string> sign_with(const io::Context& context,
                                                      const std::string& key_id,
                                                      const std::string& text) = 0;
  /// Keys of a principal (or kInstanceKey) that are not disabled, the newest first, for those who
  /// verify what they signed. At most kMaxTriedKeys.
  [[nodiscard]] virtual Result<std::vector<ServiceKey>> usable_keys(
      const io::Context& context, const std::string& principal) = 0;
  /// Lets whoever holds it act as `holder` on that one thing (a resumable upload), as long as the
  /// credential that `holder` proved itself with stands. Permanent credentials only.
  virtual Secret issue_pass(const Principal& holder, const std::string& thing) const = 0;
  /// @error kDenied (tag "invalid_token")
  [[nodiscard]] virtual Result<Principal> verify_pass(const io::Context& context,
                                                      const std::string& pass,
                                                      const std::string& thing) = 0;
};
inline constexpr size_t kMaxTriedKeys = 16;
inline constexpr std::string_view kInstanceKey = "";  // no principal has this name
inline constexpr size_t kMaxRevoked = 10'000;

}  // namespace beringia::identity
