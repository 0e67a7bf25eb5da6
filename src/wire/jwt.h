#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "wire/rsa.h"

namespace beringia::wire {

/// What we put into, and accept in, a token (RFC 7519). Times are seconds since 1970.
struct JwtClaims {
  std::string issuer;                 // iss
  std::string subject;                // sub
  std::vector<std::string> audience;  // aud: one text or an array
  std::string scope;                  // scope (Google), blanks between scopes
  std::optional<int64_t> issued_at;   // iat
  std::optional<int64_t> expires_at;  // exp
  std::optional<int64_t> not_before;  // nbf
  std::string id;                     // jti
  /// Further claims that are texts, e.g. "target_audience". Others are ignored.
  std::map<std::string, std::string> texts;
};

/// A token taken apart. NOT verified: use verify_jwt().
struct Jwt {
  std::string key_id;  // kid; may be empty
  JwtClaims claims;
  std::string signed_part;  // header.payload as received
  std::string signature;    // raw bytes
};

inline constexpr size_t kMaxJwtBytes = 16 << 10;

/// Signs with RS256. `key_id` goes into the header as kid.
[[nodiscard]] Result<std::string> sign_jwt(const RsaPrivateKey& key, std::string_view key_id,
                                           const JwtClaims& claims);

/// Takes a compact token apart, strictly: three base64url parts without padding, header alg exactly
/// "RS256" (so never "none" or HS256), typ absent or "JWT", no crit, no repeated members, times
/// integral. @error kDenied (tag "invalid_token")
[[nodiscard]] Result<Jwt> parse_jwt(std::string_view token);

struct JwtExpectation {
  std::string issuer;                  // required iss; "" = any
  std::vector<std::string> audiences;  // one of these must be in aud; empty = any
  Timestamp now;
  int64_t leeway_s = 300;         // clock skew allowed on iat, nbf, exp (Google allows the like)
  int64_t max_lifetime_s = 3600;  // exp - iat at most (plus leeway); 0 = any
};

/// Signature, then exp (required), iat, nbf, iss, aud. @error kDenied (tag "invalid_token")
[[nodiscard]] Result<void> verify_jwt(const Jwt& jwt, const RsaPublicKey& key,
                                      const JwtExpectation& expectation);

/// Google's service-account key file.
struct ServiceAccountKey {
  std::string project_id;
  std::string private_key_id;
  Secret private_key_pem;
  std::string client_email;
  std::string client_id;
  std::string token_uri;
  std::string universe_domain = "googleapis.com";
};
/// @error kInvalid: not JSON, "type" is not "service_account", a needed member missing. The text of
/// the key never appears in the error.
[[nodiscard]] Result<ServiceAccountKey> parse_service_account_key(const Secret& json);
Secret render_service_account_key(const ServiceAccountKey& key);

}  // namespace beringia::wire
