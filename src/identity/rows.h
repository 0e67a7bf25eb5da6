#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "identity/identity.h"

namespace beringia::identity {

// Rows of docs/formats/identity.md. Keys hold names and ids as plain bytes.

inline constexpr std::string_view kPrincipalRows = "Np";   // 'N' 'p' | name
inline constexpr std::string_view kAccessKeyRows = "Nk";   // 'N' 'k' | key id
inline constexpr std::string_view kServiceKeyRows = "Ns";  // 'N' 's' | key id
inline constexpr std::string_view kTokenKeyRow = "Nt";     // sealed HMAC key of access tokens

inline constexpr std::string_view kRevokedRows = "Nv";  // 'N' 'v' | SHA-256 of the token

std::string row_key(std::string_view table, std::string_view name);
/// First key behind a table.
std::string table_end(std::string_view table);

/// What the row of an access key holds; the secret is sealed.
struct AccessKeyRow {
  std::string principal;
  std::string sealed_secret;
  Timestamp created;
  bool disabled = false;
  bool first = false;  // root's first key, replaced by ensure_root() with a given one
};

/// What a session's token holds, sealed (docs/formats/identity.md).
struct SessionToken {
  std::string principal, source, name, policy, secret;
  Timestamp expires;
};

/// What an access token holds that no service key got for itself, sealed.
struct IssuedToken {
  std::string principal, source, actor, scope, policy;
  Timestamp expires;
};

std::string encode(const PrincipalRecord& record);  // without the name
[[nodiscard]] Result<PrincipalRecord> decode_principal(std::string_view name,
                                                       std::string_view bytes);
std::string encode(const AccessKeyRow& row);
[[nodiscard]] Result<AccessKeyRow> decode_access_key(std::string_view bytes);
std::string encode(const ServiceKey& key);  // without the id
[[nodiscard]] Result<ServiceKey> decode_service_key(std::string_view id, std::string_view bytes);

std::string encode(const SessionToken& token);
[[nodiscard]] Result<SessionToken> decode_session_token(std::string_view bytes);
std::string encode(const IssuedToken& token);
[[nodiscard]] Result<IssuedToken> decode_issued_token(std::string_view bytes);
std::string encode_revoked(Timestamp expires);
[[nodiscard]] Result<Timestamp> decode_revoked(std::string_view bytes);

}  // namespace beringia::identity
