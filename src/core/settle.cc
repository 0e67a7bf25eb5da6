#include "core/settle.h"

#include "base/encoding.h"
#include "base/kill_point.h"
#include "core/doom.h"
#include "core/reconcile.h"
#include "observe/log.h"

namespace beringia::core {
namespace {

constexpr std::string_view kPrefix = "settle/";
constexpr size_t kPage = 256;

/// Whether a native directory could follow.
enum class Followed { kYes, kNever, kLater };

/// Moves the native directory to its default name, if it is not there.
Result<Followed> move_natively(const io::Context& context, Namespace::Parts& parts,
                               const LiveMount& mount, const LiveLocation& place,
                               const std::string& base, meta::Location location) {
  const auto& capabilities = place.backend->client->capabilities();
  if (capabilities.is_unsure) return Followed::kLater;
  if (!capabilities.renames_directories) return Followed::kNever;
  meta::DirectoryOnPath settled = location.directories.back();
  settled.record.native_base.clear();
  location.directories.replace_back(std::move(settled));
  const std::string wanted = default_native_name(mount, place, location);
  if (wanted == base) return Followed::kYes;
  // A file that is to be deleted, or a move's own, would come to light under the new name.
  BR_TRY(clear, execute_doomed_below(context, parts, *place.backend, base));
  if (!clear) return Followed::kLater;
  auto renamed = place.backend->client->rename(context, {base, wanted, {}, {}});
  if (!renamed && renamed.error().code() == Code::kAlreadyExists) {
    // Perhaps only what is to be deleted lies at the new name.
    BR_TRY(free, execute_doomed_below(context, parts, *place.backend, wanted));
    if (!free) return Followed::kLater;
    renamed = place.backend->client->rename(context, {base, wanted, {}, {}});
  }
  if (!renamed && renamed.error().code() == Code::kNotFound) {
    // Done before, perhaps by a process that crashed before its sync; or there are no files.
    renamed = place.backend->client->rename(context, {wanted, wanted, {}, {}});
    if (!renamed && renamed.error().code() == Code::kNotFound) return Followed::kYes;
  }
  if (renamed) return Followed::kYes;
  return std::unexpected(std::move(renamed).error());
}

Result<bool> settle_once(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                         meta::DirectoryId id) {
  auto path = parts.tree.path_of(context, id);
  if (!path) return path.error().code() == Code::kNotFound;
  BR_TRY(location, parts.tree.resolve(context, *path));
  const LiveMount* mount = mounts.find(*path);
  if (!location.parent_exists || location.parent_id() != id || mount == nullptr) return false;
  const auto& directory = location.directories.back();
  meta::DirectoryRecord record = directory.record;
  bool later = false;
  for (const auto& [backend, base] : directory.record.native_base) {
    const auto place = mount->location_of(mounts.backend(backend));
    if (!place.backend) continue;
    BR_TRY(followed, move_natively(context, parts, *mount, place, base, location));
    if (followed == Followed::kYes) record.native_base.erase(backend);
    later = later || followed == Followed::kLater;
    ++parts.native_removals;
  }
  BR_KILL_POINT("settle.followed");
  kv::Batch batch;
  batch.check(meta::directory_key(id), directory.record_bytes);
  batch.put(meta::directory_key(id), meta::encode(record));
  // What no backend can settle (flat buckets) keeps its base for good: native names stay as they
  // were, which docs/semantics.md states per backend.
  if (!later) batch.remove(settle_key(id));
  // Synced: from here on the old native name may be used again, and a power loss must not bring
  // back the row that says that this directory's files are still there.
  auto committed = parts.store.commit(context, batch, kv::Durability::kSync);
  parts.tree.committed(batch);
  if (committed) return true;
  if (committed.error().code() == Code::kConflict) return false;
  return std::unexpected(std::move(committed).error());
}

}  // namespace

std::string settle_key(meta::DirectoryId id) {
  std::string name{kPrefix};
  append_be64(name, id);
  return meta::system_key(name);
}

void settle_directory(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                      meta::DirectoryId id) {
  constexpr int kMaxAttempts = 8;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    auto settled = settle_once(context, parts, mounts, id);
    if (settled && *settled) return;
    if (!settled) {
      observe::log_warn("rename_not_settled", "A renamed directory keeps its old native name.",
                        {observe::field("why", settled.error().to_string())});
      return;
    }
  }
}

void settle_all(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts) {
  const std::string first = meta::system_key(kPrefix);
  std::string last = first;
  last.back() = static_cast<char>(last.back() + 1);
  auto rows = parts.store.scan(context, first, last, kPage);
  if (!rows) return;
  for (const auto& row : *rows) {
    settle_directory(context, parts, mounts,
                     read_be64(std::string_view{row.key}.substr(first.size())));
  }
}

}  // namespace beringia::core
