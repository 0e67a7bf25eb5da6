#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "io/context.h"
#include "wire/rsa.h"

namespace beringia::identity {

/// An issuer of OpenID Connect tokens that is believed (meta::IdentityProviderDeclaration).
struct IdentityProvider {
  std::string name;
  std::string issuer;
  std::vector<std::string> audiences;
  std::string keys;   // URL of its JSON Web Key Set: https, http to this machine only, file
  std::string claim;  // whose value is the principal's name
  bool operator==(const IdentityProvider&) const = default;
};

inline constexpr size_t kMaxKeySetBytes = 256 << 10;

using KeySet = std::unordered_map<std::string, wire::RsaPublicKey>;  // by kid
/// RSA keys for signatures of a JSON Web Key Set (RFC 7517); others are passed over.
/// @error kInvalid: not such a document
[[nodiscard]] Result<KeySet> parse_key_set(std::string_view json);

/// Verifies tokens of the providers. Key sets are fetched when a token needs one, kept for an hour,
/// and fetched again (at most every ten seconds) for a key that is not in them. Thread-safe.
class WebIdentities {
 public:
  explicit WebIdentities(const Clock& clock) : clock_{clock} {}
  /// From now on these; key sets of those that did not change are kept.
  void set(std::vector<IdentityProvider> providers);
  bool has(std::string_view provider) const;

  struct Verified {
    std::string provider;
    std::string principal;  // the claim's value; whether there is such a principal is not asked
    std::string subject;    // sub
    std::string audience;   // the one that was accepted
  };
  /// @error kDenied (tag "invalid_token"): not of a provider, not signed by it, expired, for
  /// others;
  ///        kUnavailable: the provider's keys cannot be had now
  [[nodiscard]] Result<Verified> verify(const io::Context& context, std::string_view token);

 private:
  struct Held;
  std::shared_ptr<Held> find_issuer(std::string_view issuer) const;
  Result<wire::RsaPublicKey> key_of(const io::Context& context, Held& held, const std::string& id);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Held>> held_;  // owners: this and verifications under way
};

}  // namespace beringia::identity
