#pragma once

#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"

namespace beringia::identity {

/// Makes and checks opaque access tokens: "ya29.br." base64url(payload) "." base64url(HMAC).
/// Stateless: the token names its service key and its end. Thread-safe. Does not park.
class AccessTokens {
 public:
  static constexpr std::string_view kPrefix = "ya29.br.";  // clients treat Google's the same way

  explicit AccessTokens(const Secret& key) : mac_{key.reveal()} {}
  /// @param key_id  40 hex digits
  Secret issue(std::string_view key_id, Timestamp expires) const;
  struct Verified {
    std::string key_id;  // of the service key. Whether that still stands is the caller's question
    Timestamp expires;
  };
  /// @error kDenied (tag "invalid_token"): not ours, changed, or expired
  [[nodiscard]] Result<Verified> verify(std::string_view token, Timestamp now) const;
  /// base64url(credential) "." base64url(HMAC of credential and thing): good for that thing only.
  Secret issue_pass(std::string_view credential, std::string_view thing) const;
  /// @return the credential. @error as verify()
  [[nodiscard]] Result<std::string> verify_pass(std::string_view pass,
                                                std::string_view thing) const;

 private:
  HmacSha256 mac_;
};

/// Tokens that hold, sealed, all that they stand for (IssuedToken).
inline constexpr std::string_view kIssuedPrefix = "ya29.bs.";

/// What every failed verification of a token answers with; `why` is for the log and the client.
Error invalid_token(std::string why);

}  // namespace beringia::identity
