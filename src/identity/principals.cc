// Principals, and root's bootstrap.
#include <algorithm>
#include <utility>

#include "identity/names.h"
#include "identity/stored_directory.h"

namespace beringia::identity {
namespace {

const std::string kRoot = "root";

Result<void> check_record(const PrincipalRecord& record) {
  const std::string what = "storing principal " + record.name;
  if (!is_principal_name(record.name)) {
    return std::unexpected(
        invalid(what, "the name is not possible", "use 1 to 64 characters of A-Z a-z 0-9 . _ @ -"));
  }
  if (record.groups.size() > kMaxGroups || !std::ranges::all_of(record.groups, is_principal_name)) {
    return std::unexpected(invalid(what, "a group name is not possible, or there are too many",
                                   "use up to 64 names of A-Z a-z 0-9 . _ @ -"));
  }
  if (record.assumable_by.size() > kMaxAssumers ||
      !std::ranges::all_of(record.assumable_by, is_principal_name)) {
    return std::unexpected(invalid(what, "a name in assumable_by is not possible, or too many",
                                   "use up to 64 names of principals"));
  }
  if (record.name == kRoot && !record.assumable_by.empty()) {
    return std::unexpected(invalid(what, "nobody may take root's rights"));
  }
  if (record.name == kRoot && record.disabled) {
    return std::unexpected(invalid(what, "root cannot be disabled"));
  }
  return {};
}

}  // namespace

Result<void> StoredDirectory::put_principal(const io::Context& context, PrincipalRecord record) {
  BR_TRY(check_record(record));
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  const bool exists = find(principals_, record.name) != nullptr;
  {
    const std::shared_lock lock{mutex_};
    if (!exists && principals_.size() >= kMaxPrincipals) {
      return std::unexpected(busy("storing principal " + record.name,
                                  "there are " + std::to_string(kMaxPrincipals) + " already"));
    }
  }
  kv::Batch batch;
  batch.put(row_key(kPrincipalRows, record.name), encode(record));
  auto done = commit(context, std::move(batch));
  // A disabling that may have been applied counts as applied: the safe side.
  if (done || (record.disabled && done.error().retry() == Retry::kMaybeApplied)) {
    const std::string name = record.name;
    hold(principals_, name, std::move(record));
  }
  return done;
}

Result<void> StoredDirectory::remove_principal(const io::Context& context,
                                               const std::string& name) {
  if (name == kRoot) return std::unexpected(invalid("removing root", "root always exists"));
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  if (!find(principals_, name)) {
    return std::unexpected(not_found("removing principal " + name, "there is none of that name"));
  }
  kv::Batch batch;
  batch.remove(row_key(kPrincipalRows, name));
  std::vector<std::string> access_ids;
  std::vector<std::string> service_ids;
  {
    const std::shared_lock lock{mutex_};
    for (const auto& [id, held] : access_keys_) {
      if (held->key.principal == name) access_ids.push_back(id);
    }
    for (const auto& [id, held] : service_keys_) {
      if (held->key.principal == name) service_ids.push_back(id);
    }
  }
  for (const std::string& id : access_ids) batch.remove(row_key(kAccessKeyRows, id));
  for (const std::string& id : service_ids) batch.remove(row_key(kServiceKeyRows, id));
  auto done = commit(context, std::move(batch));
  if (!done && done.error().retry() != Retry::kMaybeApplied) return done;
  const std::unique_lock lock{mutex_};
  principals_.erase(name);
  for (const std::string& id : access_ids) access_keys_.erase(id);
  for (const std::string& id : service_ids) service_keys_.erase(id);
  managed_.erase(name);
  return done;
}

Result<std::vector<PrincipalRecord>> StoredDirectory::list_principals(const io::Context&) {
  std::vector<PrincipalRecord> records;
  {
    const std::shared_lock lock{mutex_};
    records.reserve(principals_.size());
    for (const auto& [name, record] : principals_) records.push_back(*record);
  }
  std::ranges::sort(records, {}, &PrincipalRecord::name);
  return records;
}

Result<std::optional<AccessKey>> StoredDirectory::ensure_root(const io::Context& context,
                                                              std::optional<std::string> id,
                                                              std::optional<Secret> secret) {
  if (id.has_value() != secret.has_value()) {
    return std::unexpected(invalid("setting root's access key", "only one of id and secret is set",
                                   "set both BERINGIA_ROOT_ACCESS_KEY and "
                                   "BERINGIA_ROOT_SECRET_KEY, or none"));
  }
  if (id && (!is_access_key_id(*id) || !is_access_key_secret(secret->reveal()))) {
    return std::unexpected(invalid("setting root's access key",
                                   "the id or the secret is not usable",
                                   "id: 3 to 128 of A-Z a-z 0-9 . _ -; secret: 8 to 128 printable"
                                   " characters"));
  }
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  const bool exists = find(principals_, kRoot) != nullptr;
  if (id) {
    const auto held = find(access_keys_, *id);
    if (held && held->key.principal != kRoot) {
      return std::unexpected(already_exists("setting root's access key",
                                            "key " + *id + " belongs to " + held->key.principal));
    }
    if (exists && held && held->key.secret == *secret && !held->key.disabled) {
      return std::nullopt;
    }
    BR_TRY(key, set_root_key(context, *id, *secret));
    return key;
  }
  if (exists) return std::nullopt;
  BR_TRY(key, set_root_key(context, {}, {}));
  return key;
}

Result<AccessKey> StoredDirectory::set_root_key(const io::Context& context, const std::string& id,
                                                const Secret& secret) {
  kv::Batch batch;
  const PrincipalRecord root{kRoot, {}, false};
  const bool is_new = find(principals_, kRoot) == nullptr;
  if (is_new) batch.put(row_key(kPrincipalRows, kRoot), encode(root));
  std::vector<std::string> replaced;
  {
    const std::shared_lock lock{mutex_};
    for (const auto& [old, held] : access_keys_) {
      if (held->first && held->key.principal == kRoot && old != id) replaced.push_back(old);
    }
  }
  for (const std::string& old : replaced) batch.remove(row_key(kAccessKeyRows, old));
  HeldAccessKey held;
  held.key =
      id.empty() ? make_access_key(kRoot) : AccessKey{id, secret, kRoot, clock_.wall(), false};
  held.first = true;
  BR_TRY(store_access_key(context, held, std::move(batch)));
  if (is_new) hold(principals_, kRoot, root);
  const std::unique_lock lock{mutex_};
  for (const std::string& old : replaced) access_keys_.erase(old);
  return held.key;
}

}  // namespace beringia::identity
