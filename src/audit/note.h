#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "audit/merkle.h"
#include "base/error.h"
#include "base/random.h"
#include "base/secret.h"

namespace beringia::audit {

/// What a checkpoint says (C2SP tlog-checkpoint).
struct Checkpoint {
  std::string origin;
  uint64_t size = 0;
  Hash root{};
};
/// The text that is signed: "origin\nsize\nbase64(root)\n".
std::string to_text(const Checkpoint& checkpoint);

/// Who may be believed: name and Ed25519 key (C2SP signed-note). Text form:
/// "name+hash+base64(key)".
class Verifier {
 public:
  /// @error kInvalid: not a verifier key, or not of Ed25519
  [[nodiscard]] static Result<Verifier> parse(std::string_view text);
  const std::string& name() const { return name_; }
  std::string to_string() const;
  uint32_t id() const { return id_; }
  bool verify(std::string_view text, std::string_view signature) const;

 private:
  friend class Signer;
  Verifier(std::string name, std::string public_key);
  std::string name_;
  std::string public_key_;  // 32 raw bytes
  uint32_t id_ = 0;         // first 4 bytes of SHA-256 of name | "\n" | 0x01 | key
};

/// A private key. Text form: "PRIVATE+KEY+name+hash+base64(0x01 | seed)", as Go's note package.
class Signer {
 public:
  /// @error kInvalid: the name is empty or holds spaces or '+'
  [[nodiscard]] static Result<Signer> generate(const std::string& name, Rng& rng);
  [[nodiscard]] static Result<Signer> parse(const Secret& text);
  const Verifier& verifier() const { return verifier_; }
  Secret to_secret() const;
  /// The signed note of a text that ends in "\n".
  [[nodiscard]] Result<std::string> sign(std::string_view text) const;

 private:
  static Result<Signer> from_seed(const std::string& name, std::string seed);
  Signer(Secret seed, Verifier verifier);
  Secret seed_;
  Verifier verifier_;
};

/// Opens a signed checkpoint. Signatures of others (witnesses) are ignored, ours must hold.
/// @error kInvalid: not a signed checkpoint; kDenied: not signed by `verifier`, or of another log
[[nodiscard]] Result<Checkpoint> open_checkpoint(std::string_view note, const Verifier& verifier);

}  // namespace beringia::audit
