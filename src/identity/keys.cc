// Access keys and service-account keys.
#include <algorithm>
#include <utility>

#include "identity/names.h"
#include "identity/stored_directory.h"
#include "io/runtime.h"
#include "wire/jwt.h"

namespace beringia::identity {
namespace {

constexpr size_t kKeyIdLength = 20;
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Error no_principal(const std::string& what, const std::string& name) {
  return not_found(what, "there is no principal \"" + name + "\"",
                   "declare it in the estate file, then: beringia apply");
}

}  // namespace

AccessKey StoredDirectory::make_access_key(const std::string& principal, std::string_view prefix) {
  return {std::string{prefix} + random_text(kBase32, kKeyIdLength - prefix.size()),
          Secret{random_text(kBase64, 40)}, principal, clock_.wall(), false};
}

Result<void> StoredDirectory::check_room_for_key(const std::string& principal) const {
  const std::string what = "creating a key for " + principal;
  if (!find(principals_, principal)) return std::unexpected(no_principal(what, principal));
  const std::shared_lock lock{mutex_};
  if (access_keys_.size() + service_keys_.size() >= kMaxKeys) {
    return std::unexpected(busy(what, std::to_string(kMaxKeys) + " keys exist already"));
  }
  auto is_of_principal = [&](const auto& item) { return item.second->key.principal == principal; };
  const auto count = std::ranges::count_if(access_keys_, is_of_principal) +
                     std::ranges::count_if(service_keys_, is_of_principal);
  if (static_cast<size_t>(count) >= kMaxKeysPerPrincipal) {
    return std::unexpected(
        busy(what, "it has " + std::to_string(kMaxKeysPerPrincipal) + " keys already"));
  }
  return {};
}

Result<void> StoredDirectory::store_access_key(const io::Context& context,
                                               const HeldAccessKey& held, kv::Batch batch) {
  const std::string row_name = row_key(kAccessKeyRows, held.key.id);
  BR_TRY(sealed, sealer_.seal(row_name, held.key.secret));
  batch.put(row_name, encode(AccessKeyRow{held.key.principal, sealed, held.key.created,
                                          held.key.disabled, held.first}));
  auto done = commit(context, std::move(batch));
  const bool maybe = !done && done.error().retry() == Retry::kMaybeApplied;
  if (done || (maybe && held.key.disabled)) hold(access_keys_, held.key.id, held);
  return done;
}

Result<AccessKey> StoredDirectory::create_access_key(const io::Context& context,
                                                     const std::string& principal) {
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  BR_TRY(check_room_for_key(principal));
  const HeldAccessKey held{make_access_key(principal), false};
  kv::Batch batch;
  batch.check(row_key(kAccessKeyRows, held.key.id), std::nullopt);
  BR_TRY(store_access_key(context, held, std::move(batch)));
  return held.key;
}

Result<void> StoredDirectory::put_access_key(const io::Context& context, AccessKey key) {
  const std::string what = "storing access key " + key.id;
  if (!is_access_key_id(key.id) || !is_access_key_secret(key.secret.reveal())) {
    return std::unexpected(invalid(what, "the id or the secret is not usable",
                                   "id: 3 to 128 of A-Z a-z 0-9 . _ -; secret: 8 to 128 printable"
                                   " characters"));
  }
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  const auto existing = find(access_keys_, key.id);
  if (existing && existing->key.principal != key.principal) {
    return std::unexpected(already_exists(what, "it belongs to " + existing->key.principal));
  }
  if (!existing) BR_TRY(check_room_for_key(key.principal));
  if (key.created.micros == 0) key.created = existing ? existing->key.created : clock_.wall();
  const HeldAccessKey held{std::move(key), existing && existing->first};
  return store_access_key(context, held, {});
}

Result<Directory::CreatedServiceKey> StoredDirectory::create_service_key(
    const io::Context& context, const std::string& principal, const std::string& token_uri) {
  // Made before the lock is taken: it costs up to a second of CPU.
  BR_TRY(pair, io::blocking([] { return wire::RsaPrivateKey::generate(2048); }));
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  BR_TRY(check_room_for_key(principal));
  ServiceKey key;
  key.id = random_hex(rng_, 20);
  key.client_email = principal + domain();
  key.principal = principal;
  key.public_key_pem = pair.public_pem();
  key.created = clock_.wall();
  BR_TRY(held, parsed(key));
  kv::Batch batch;
  batch.check(row_key(kServiceKeyRows, key.id), std::nullopt);
  batch.put(row_key(kServiceKeyRows, key.id), encode(key));
  BR_TRY(commit(context, std::move(batch)));
  hold(service_keys_, key.id, std::move(held));
  wire::ServiceAccountKey file;
  file.project_id = options_.instance;
  file.private_key_id = key.id;
  file.private_key_pem = pair.to_pem();
  file.client_email = key.client_email;
  file.client_id = "1" + random_text("0123456789", 20);
  file.token_uri = token_uri;
  return CreatedServiceKey{std::move(key), wire::render_service_account_key(file)};
}

Result<void> StoredDirectory::disable_key(const io::Context& context, const std::string& id) {
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  if (const auto found = find(access_keys_, id)) {
    HeldAccessKey held = *found;
    held.key.disabled = true;
    return store_access_key(context, held, {});
  }
  const auto found = find(service_keys_, id);
  if (!found) return std::unexpected(not_found("disabling key " + id, "there is no such key"));
  HeldServiceKey held = *found;
  held.key.disabled = true;
  kv::Batch batch;
  batch.put(row_key(kServiceKeyRows, id), encode(held.key));
  auto done = commit(context, std::move(batch));
  if (done || done.error().retry() == Retry::kMaybeApplied) {
    hold(service_keys_, id, std::move(held));
  }
  return done;
}

Result<void> StoredDirectory::enable_access_key(const io::Context& context, const std::string& id) {
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  const auto found = find(access_keys_, id);
  if (!found) return std::unexpected(not_found("enabling key " + id, "there is no such key"));
  HeldAccessKey held = *found;
  held.key.disabled = false;
  return store_access_key(context, held, {});
}

Result<void> StoredDirectory::remove_access_key(const io::Context& context, const std::string& id) {
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  const auto found = find(access_keys_, id);
  if (!found) return std::unexpected(not_found("removing key " + id, "there is no such key"));
  if (!found->key.disabled) {
    return std::unexpected(invalid("cannot remove key " + id, "it is in use", "disable it first"));
  }
  kv::Batch batch;
  batch.remove(row_key(kAccessKeyRows, id));
  auto done = commit(context, std::move(batch));
  if (done || done.error().retry() == Retry::kMaybeApplied) {
    const std::unique_lock lock{mutex_};
    access_keys_.erase(id);
  }
  return done;
}

Result<std::vector<Directory::KeySummary>> StoredDirectory::list_keys(const io::Context&) {
  std::vector<KeySummary> keys;
  {
    const std::shared_lock lock{mutex_};
    keys.reserve(access_keys_.size() + service_keys_.size());
    for (const auto& [id, held] : access_keys_) {
      keys.push_back({id, "s3", held->key.principal, held->key.created, held->key.disabled});
    }
    for (const auto& [id, held] : service_keys_) {
      keys.push_back({id, held->private_key ? "managed" : "service-account", held->key.principal,
                      held->key.created, held->key.disabled});
    }
  }
  std::ranges::sort(keys, {}, &KeySummary::id);
  return keys;
}

}  // namespace beringia::identity
