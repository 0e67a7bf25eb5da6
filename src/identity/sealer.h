#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/random.h"
#include "base/secret.h"

namespace beringia::identity {

/// Encrypts what must not lie readable in the catalog: AES-256-GCM, bound to the row it is in.
/// Thread-safe. Does not park.
class Sealer {
 public:
  static constexpr size_t kKeyBytes = 32;

  /// `key` has kKeyBytes; `rng` must be fit for nonces and outlive this.
  Sealer(Secret key, Rng& rng) : key_{std::move(key)}, rng_{rng} {}
  /// @return version 1 B | nonce 12 B | ciphertext | tag 16 B. Only unseal() with the same `row`
  /// opens it, so sealed values cannot be swapped between rows.
  [[nodiscard]] Result<std::string> seal(std::string_view row, const Secret& plain) const;
  /// @error kCorrupt: damaged, of another row, or sealed with another key
  [[nodiscard]] Result<Secret> unseal(std::string_view row, std::string_view sealed) const;

 private:
  Secret key_;
  Rng& rng_;
};

}  // namespace beringia::identity
