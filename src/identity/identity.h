#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/time.h"
#include "identity/principal.h"
#include "io/context.h"

namespace beringia::kv {
class Store;
}

namespace beringia::identity {

struct PrincipalRecord {
  std::string name;  // [A-Za-z0-9._@-]{1,64}; "root" is made at first start
  std::vector<std::string> groups;
  bool disabled = false;
};

struct AccessKey {
  std::string id;  // 20 characters, "BR" + 18 upper-case base32
  Secret secret;   // 40 characters of base64 alphabet
  std::string principal;
  Timestamp created;
  bool disabled = false;
};

/// A service-account key: the private half leaves once (in the key file), we keep the public half.
struct ServiceKey {
  std::string id;            // 40 hex digits (private_key_id)
  std::string client_email;  // "<principal>@<instance>.beringia.local"
  std::string principal;
  std::string public_key_pem;
  Timestamp created;
  bool disabled = false;
};

/// One request's SigV4 evidence, already parsed by wire/sigv4; identity only looks up and compares.
/// See wire/sigv4.h for what is signed.

/// Principals and their credentials, in the catalog. Thread-safe. Look-ups are answered from a
/// cache that this instance invalidates on change.
class Directory {
 public:
  static Result<std::unique_ptr<Directory>> open(kv::Store& store, const Clock& clock, Rng& rng);
  virtual ~Directory() = default;

  /// Makes "root" with one access key if there is no principal yet. @return the key when made.
  /// `id`/`secret` given: uses them (and replaces root's key if they differ).
  [[nodiscard]] virtual Result<std::optional<AccessKey>> ensure_root(
      const io::Context& context, std::optional<std::string> id, std::optional<Secret> secret) = 0;

  [[nodiscard]] virtual Result<void> put_principal(const io::Context& context,
                                                   PrincipalRecord record) = 0;
  [[nodiscard]] virtual Result<void> remove_principal(const io::Context& context,
                                                      const std::string& name) = 0;
  [[nodiscard]] virtual Result<std::vector<PrincipalRecord>> list_principals(
      const io::Context& context) = 0;

  [[nodiscard]] virtual Result<AccessKey> create_access_key(const io::Context& context,
                                                            const std::string& principal) = 0;
  /// Registers a key with a given id and secret (estate files, BERINGIA_ROOT_*).
  [[nodiscard]] virtual Result<void> put_access_key(const io::Context& context, AccessKey key) = 0;
  /// @return {record, key file as Google's JSON "type": "service_account"}. RSA 2048.
  struct CreatedServiceKey {
    ServiceKey key;
    Secret key_file_json;
  };
  [[nodiscard]] virtual Result<CreatedServiceKey> create_service_key(
      const io::Context& context, const std::string& principal, const std::string& token_uri) = 0;
  [[nodiscard]] virtual Result<void> disable_key(const io::Context& context,
                                                 const std::string& id) = 0;
  struct KeySummary {
    std::string id, kind, principal;  // kind: "s3", "service-account"
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
  /// Token endpoint: verifies a JWT-bearer assertion (RS256, iss = client_email, aud = one of
  /// `audiences`, exp <= 1 h ahead, iat, kid) and issues an opaque access token bound to the key.
  struct Token {
    Secret access_token;  // "ya29.br." + base64url(payload) + "." + base64url(HMAC)
    Duration expires_in;
  };
  [[nodiscard]] virtual Result<Token> exchange_jwt(const io::Context& context,
                                                   const std::string& assertion,
                                                   const std::vector<std::string>& audiences) = 0;
  /// Bearer token from exchange_jwt, or a self-signed JWT of a service key (aud = `audiences`).
  /// @error kDenied (tag "invalid_token")
  [[nodiscard]] virtual Result<Principal> verify_bearer(
      const io::Context& context, const std::string& token,
      const std::vector<std::string>& audiences) = 0;
};

}  // namespace beringia::identity
