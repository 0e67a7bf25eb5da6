#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "identity/key_service.h"

namespace beringia::identity {

struct NamedKey {
  std::string id;
  Secret key;  // 32 bytes
};

/// Keys of encrypted objects (docs/operations.md, "Encryption keys").
struct EncryptionKeys {
  /// Of this server; the last one is for new objects. At least one.
  std::vector<NamedKey> server;
  /// That clients may name; kDefaultKey is for those who name none.
  std::vector<NamedKey> named;
};

/// Ids of a key file that begin so are the server's own.
inline constexpr std::string_view kServerKeyPrefix = "server/";
inline constexpr std::string_view kDefaultKey = "default";

/// A key file: lines "ID BASE64" of 32 bytes each; empty lines and lines that begin with '#' do not
/// count. @param name  of the file, in messages. @error kInvalid: says which line
[[nodiscard]] Result<EncryptionKeys> parse_key_file(std::string_view text, const std::string& name);

/// Reads the file at `path` ("" = none) and puts the server key that follows from the sealing key
/// before those of the file. @error kInvalid; kDenied: others may read the file; as open(2)
[[nodiscard]] Result<EncryptionKeys> load_encryption_keys(const std::string& path,
                                                          const Secret& sealing_key);

/// Keys in memory: AES-256-GCM. Does not park. `rng` outlives it and is fit for nonces.
class LocalKeys final : public KeyService {
 public:
  enum class Default { kLast, kCalledDefault };
  LocalKeys(std::vector<NamedKey> keys, Default which, Rng& rng)
      : keys_{std::move(keys)}, default_{which}, rng_{rng} {}
  [[nodiscard]] Result<std::string> resolve(const io::Context& context,
                                            std::string_view name) override;
  [[nodiscard]] Result<std::string> wrap(const io::Context& context, const std::string& key_id,
                                         std::string_view bound_to, const Secret& plain) override;
  [[nodiscard]] Result<Secret> unwrap(const io::Context& context, const std::string& key_id,
                                      std::string_view bound_to, std::string_view wrapped) override;

 private:
  Result<const NamedKey*> find(std::string_view id) const;

  const std::vector<NamedKey> keys_;
  const Default default_;
  Rng& rng_;
};

}  // namespace beringia::identity
