#pragma once

#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace beringia::wire {

/// A key of ECDSA over P-256 with SHA-256 (OpenSSL EVP). Immutable; copies share it; thread-safe.
class EcdsaKey {
 public:
  /// The key that SigV4A derives of an access key and its secret (Amazon: "Derive a signing key for
  /// SigV4a": NIST SP 800-108 in counter mode, label AWS4-ECDSA-P256-SHA256). Costs some 100 us.
  [[nodiscard]] static Result<EcdsaKey> derive(std::string_view access_key, const Secret& secret);

  /// True if `signature` (DER) is one of `message` by this key.
  bool verify(std::string_view message, std::string_view signature) const;

 private:
  struct Key;
  explicit EcdsaKey(std::shared_ptr<const Key> key) : key_{std::move(key)} {}
  std::shared_ptr<const Key> key_;  // owners: copies of this value
};

}  // namespace beringia::wire
