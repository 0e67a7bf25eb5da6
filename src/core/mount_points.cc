#include "core/mount_points.h"

#include "core/publication.h"

namespace beringia::core {
namespace {

Result<void> make_mount_point(const io::Context& context, Namespace::Parts& parts,
                              const Path& path) {
  for (int attempt = 1;; ++attempt) {
    BR_TRY(location, parts.tree.resolve(context, path));
    if (location.parent_exists && location.directories.back().entry->explicit_directory) return {};
    meta::DirectoryEntry entry;
    entry.explicit_directory = true;
    entry.created = parts.clock.wall();
    entry.owner = "root";
    BR_TRY(generation, parts.generations.next(context));
    entry.generation = generation;
    kv::Batch batch;
    parts.tree.put_directory(batch, location, entry, entry.created);
    auto committed = parts.store.commit(context, batch, kv::Durability::kSync);
    parts.tree.committed(batch);
    if (committed) return {};
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error().during("mounting " + path.text()));
    }
  }
}

}  // namespace

Result<void> make_mount_points(const io::Context& context, Namespace::Parts& parts) {
  const auto mounts = parts.mounts.get();
  for (const auto& mount : mounts->all()) {
    const Path& path = mount.declaration.path;
    if (!path.is_root()) BR_TRY(make_mount_point(context, parts, path));
  }
  return {};
}

}  // namespace beringia::core
