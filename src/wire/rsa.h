#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace beringia::wire {

/// An RSA private key (OpenSSL EVP). Immutable after making; copies share the key; thread-safe.
class RsaPrivateKey {
 public:
  /// Costs 0.1-1 s of CPU: call it through io::blocking(). 2048 or more bits.
  [[nodiscard]] static Result<RsaPrivateKey> generate(int bits = 2048);
  /// PKCS#8 or PKCS#1, not encrypted. @error kInvalid: not PEM, not RSA, under 2048 bits
  [[nodiscard]] static Result<RsaPrivateKey> from_pem(const Secret& pem);
  /// PKCS#8 ("BEGIN PRIVATE KEY").
  Secret to_pem() const;
  /// SubjectPublicKeyInfo ("BEGIN PUBLIC KEY").
  std::string public_pem() const;
  /// RSASSA-PKCS1-v1_5 with SHA-256; raw signature bytes.
  [[nodiscard]] Result<std::string> sign(std::string_view message) const;

 private:
  struct Key;
  explicit RsaPrivateKey(std::shared_ptr<const Key> key) : key_{std::move(key)} {}
  std::shared_ptr<const Key> key_;  // owners: copies of this value
};

/// An RSA public key. As above.
class RsaPublicKey {
 public:
  /// SubjectPublicKeyInfo PEM. @error kInvalid: not PEM, not RSA, under 2048 bits
  [[nodiscard]] static Result<RsaPublicKey> from_pem(std::string_view pem);
  /// From a JSON Web Key (RFC 7518, 6.3.1): modulus and exponent, big-endian. @error as from_pem
  [[nodiscard]] static Result<RsaPublicKey> from_numbers(std::string_view modulus,
                                                         std::string_view exponent);
  /// The numbers of a JSON Web Key; from_numbers() reads them.
  struct Numbers {
    std::string modulus, exponent;  // big-endian, without leading zeros
  };
  [[nodiscard]] Result<Numbers> numbers() const;
  /// True if `signature` is the RS256 signature of `message` by this key.
  bool verify(std::string_view message, std::string_view signature) const;

 private:
  struct Key;
  explicit RsaPublicKey(std::shared_ptr<const Key> key) : key_{std::move(key)} {}
  std::shared_ptr<const Key> key_;  // owners: copies of this value
};

}  // namespace beringia::wire
