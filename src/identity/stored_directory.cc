#include "identity/stored_directory.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/encoding.h"
#include "identity/names.h"

namespace beringia::identity {
namespace {

constexpr size_t kRowsPerScan = 1000;

/// Calls `take(name, value)` for every row of a table; its error ends the walk.
template <class F>
Result<void> for_each_row(const io::Context& context, kv::Store& store, std::string_view table,
                          F take) {
  std::string first{table};
  const std::string last = table_end(table);
  for (;;) {
    BR_TRY(rows, store.scan(context, first, last, kRowsPerScan));
    for (const kv::KeyValue& row : rows) {
      BR_TRY(take(row.key.substr(table.size()), row.value));
    }
    if (rows.size() < kRowsPerScan) return {};
    first = rows.back().key + '\0';
  }
}

/// The HMAC key of access tokens: made once, sealed. Opening it proves that the sealing key is the
/// right one for this catalog.
Result<Secret> load_or_create_token_key(const io::Context& context, kv::Store& store, Rng& rng,
                                        const Sealer& sealer) {
  const std::string row{kTokenKeyRow};
  for (int attempt = 0; attempt < 2; ++attempt) {
    BR_TRY(stored, store.get(context, row));
    if (stored) return sealer.unseal(row, *stored);
    std::string bytes(32, '\0');
    rng.fill(std::span{bytes});
    const Secret key{std::move(bytes)};
    BR_TRY(sealed, sealer.seal(row, key));
    kv::Batch batch;
    batch.check(row, std::nullopt);
    batch.put(row, sealed);
    const auto committed = store.commit(context, std::move(batch), kv::Durability::kSync);
    if (committed) return key;
    // Another gateway was first: take its key.
    if (committed.error().code() != Code::kConflict) return std::unexpected(committed.error());
  }
  return std::unexpected(conflict("creating the token key", "the row keeps changing"));
}

}  // namespace

Result<std::unique_ptr<Directory>> Directory::open(kv::Store& store, const Clock& clock, Rng& rng,
                                                   DirectoryOptions options) {
  if (options.sealing_key.reveal().size() != Sealer::kKeyBytes) {
    return std::unexpected(invalid("opening the directory", "the sealing key has not 32 bytes"));
  }
  if (!is_instance_name(options.instance)) {
    return std::unexpected(invalid("opening the directory",
                                   "bad instance name \"" + options.instance + "\"",
                                   "use 1 to 63 characters of a-z, 0-9 and -"));
  }
  const io::Context context;
  const Sealer sealer{options.sealing_key, rng};
  BR_TRY(token_key, load_or_create_token_key(context, store, rng, sealer));
  auto directory =
      std::make_unique<StoredDirectory>(store, clock, rng, std::move(options), token_key);
  BR_TRY(directory->load(context));
  return directory;
}

StoredDirectory::StoredDirectory(kv::Store& store, const Clock& clock, Rng& rng,
                                 DirectoryOptions options, const Secret& token_key)
    : store_{store},
      clock_{clock},
      rng_{rng},
      options_{std::move(options)},
      sealer_{options_.sealing_key, rng},
      tokens_{token_key},
      web_identities_{clock} {}

Result<void> StoredDirectory::load(const io::Context& context) {
  BR_TRY(load_principals(context));
  BR_TRY(load_access_keys(context));
  BR_TRY(load_service_keys(context));
  return load_revoked(context);
}

Result<void> StoredDirectory::load_principals(const io::Context& context) {
  return for_each_row(context, store_, kPrincipalRows,
                      [&](const std::string& name, const std::string& bytes) -> Result<void> {
                        BR_TRY(record, decode_principal(name, bytes));
                        hold(principals_, name, std::move(record));
                        return {};
                      });
}

Result<void> StoredDirectory::load_access_keys(const io::Context& context) {
  return for_each_row(
      context, store_, kAccessKeyRows,
      [&](const std::string& id, const std::string& bytes) -> Result<void> {
        BR_TRY(row, decode_access_key(bytes));
        BR_TRY(secret, sealer_.unseal(row_key(kAccessKeyRows, id), row.sealed_secret));
        hold(access_keys_, id,
             HeldAccessKey{{id, secret, row.principal, row.created, row.disabled}, row.first});
        return {};
      });
}

Result<void> StoredDirectory::load_service_keys(const io::Context& context) {
  return for_each_row(context, store_, kServiceKeyRows,
                      [&](const std::string& id, const std::string& bytes) -> Result<void> {
                        BR_TRY(key, decode_service_key(id, bytes));
                        BR_TRY(held, parsed(std::move(key)));
                        if (held.private_key && !held.key.disabled) {
                          std::string& newest = managed_[held.key.principal];
                          const auto other = find(service_keys_, newest);
                          if (!other || other->key.created < held.key.created) newest = id;
                        }
                        hold(service_keys_, id, std::move(held));
                        return {};
                      });
}

Result<void> StoredDirectory::load_revoked(const io::Context& context) {
  return for_each_row(context, store_, kRevokedRows,
                      [&](const std::string& digest, const std::string& bytes) -> Result<void> {
                        BR_TRY(expires, decode_revoked(bytes));
                        revoked_.insert_or_assign(digest, expires);
                        return {};
                      });
}

Result<StoredDirectory::HeldServiceKey> StoredDirectory::parsed(ServiceKey key) const {
  auto public_key = wire::RsaPublicKey::from_pem(key.public_key_pem);
  if (!public_key) {
    return std::unexpected(
        corrupt("reading service-account key " + key.id, public_key.error().to_string()));
  }
  std::optional<wire::RsaPrivateKey> private_key;
  if (!key.sealed_private.empty()) {
    BR_TRY(pem, sealer_.unseal(row_key(kServiceKeyRows, key.id), key.sealed_private));
    BR_TRY(opened, wire::RsaPrivateKey::from_pem(pem));
    private_key = std::move(opened);
  }
  return HeldServiceKey{std::move(key), std::move(*public_key), std::move(private_key)};
}

Result<void> StoredDirectory::commit(const io::Context& context, kv::Batch batch) {
  auto committed = store_.commit(context, std::move(batch), kv::Durability::kSync);
  if (!committed) return std::unexpected(std::move(committed).error());
  return {};
}

std::string StoredDirectory::random_text(std::string_view alphabet, size_t length) {
  std::string text(length, '\0');
  for (char& c : text) c = alphabet[rng_.below(alphabet.size())];
  return text;
}

}  // namespace beringia::identity
