// Keys whose private half never leaves: for signatures in the name of a principal, and of this
// instance.
#include <algorithm>
#include <utility>

#include "identity/stored_directory.h"
#include "io/runtime.h"

namespace beringia::identity {

std::shared_ptr<const StoredDirectory::HeldServiceKey> StoredDirectory::find_managed(
    const std::string& principal) const {
  const std::shared_lock lock{mutex_};
  const auto id = managed_.find(principal);
  if (id == managed_.end()) return nullptr;
  const auto held = service_keys_.find(id->second);
  if (held == service_keys_.end() || held->second->key.disabled) return nullptr;
  return held->second;
}

Result<ServiceKey> StoredDirectory::managed_key(const io::Context& context,
                                                const std::string& principal) {
  if (const auto held = find_managed(principal)) return held->key;
  const bool of_instance = principal == kInstanceKey;
  if (!of_instance && !find(principals_, principal)) {
    return std::unexpected(
        not_found("making a key for " + principal, "there is no such principal"));
  }
  // Made before the lock is taken: it costs up to a second of CPU.
  BR_TRY(pair, io::blocking([] { return wire::RsaPrivateKey::generate(2048); }));
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  if (const auto held = find_managed(principal)) return held->key;  // somebody was first
  if (!of_instance) BR_TRY(check_room_for_key(principal));
  ServiceKey key;
  key.id = random_hex(rng_, 20);
  key.client_email = of_instance ? "" : email_of(principal);
  key.principal = principal;
  key.public_key_pem = pair.public_pem();
  key.created = clock_.wall();
  const std::string row = row_key(kServiceKeyRows, key.id);
  BR_TRY(sealed, sealer_.seal(row, pair.to_pem()));
  key.sealed_private = std::move(sealed);
  BR_TRY(held, parsed(key));
  kv::Batch batch;
  batch.check(row, std::nullopt);
  batch.put(row, encode(key));
  BR_TRY(commit(context, std::move(batch)));
  hold(service_keys_, key.id, std::move(held));
  const std::unique_lock lock{mutex_};
  managed_.insert_or_assign(principal, key.id);
  return key;
}

Result<std::string> StoredDirectory::sign_with(const io::Context&, const std::string& key_id,
                                               const std::string& text) {
  const auto held = find(service_keys_, key_id);
  if (!held || held->key.disabled || !held->private_key) {
    return std::unexpected(not_found("signing with key " + key_id, "there is no such managed key"));
  }
  return held->private_key->sign(text);
}

Result<std::vector<ServiceKey>> StoredDirectory::usable_keys(const io::Context&,
                                                             const std::string& principal) {
  std::vector<ServiceKey> keys;
  {
    const std::shared_lock lock{mutex_};
    for (const auto& [id, held] : service_keys_) {
      if (!held->key.disabled && held->key.principal == principal) keys.push_back(held->key);
    }
  }
  std::ranges::sort(keys,
                    [](const auto& one, const auto& other) { return one.created > other.created; });
  if (keys.size() > kMaxTriedKeys) keys.resize(kMaxTriedKeys);
  return keys;
}

}  // namespace beringia::identity
