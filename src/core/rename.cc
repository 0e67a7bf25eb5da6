#include "base/kill_point.h"
#include "core/doom.h"
#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/settle.h"

namespace beringia::core {
namespace {

/// Renames one entry: the bytes get their new native name inside the backend where it can (else
/// they are streamed), and one commit puts the new row and removes the old one.
Result<void> rename_entry(Namespace& names, const io::Context& context, Namespace::Parts& parts,
                          const Grant& from, const Grant& to, const CopyRequest& copy) {
  const auto mounts = parts.mounts.get();
  std::vector<meta::DoomedCopy> doomed;
  auto remove_source = [&](kv::Batch& batch) -> Result<void> {
    BR_TRY(source, parts.tree.resolve(context, from.path()));
    if (!source.entry || source.entry->generation != *copy.source_generation) {
      return std::unexpected(conflict("cannot rename " + from.path().text(),
                                      "it was written or removed meanwhile", "rename it again")
                                 .with_tag(std::string{kTakeBack}));
    }
    parts.tree.remove_entry(batch, source);
    doomed.clear();
    const LiveMount* mount = mounts->find(from.path());
    const Timestamp now = parts.clock.wall();
    for (const auto& old : source.entry->copies) {
      const auto place = mount->location_of(mounts->backend(old.backend));
      if (!place.backend) continue;
      doomed.push_back({now, old.backend, native_name_of(old, *mount, place, source), old.version});
      doom_copy(batch, doomed.back());
    }
    meta::append_feed(batch, {meta::FeedRecord::Kind::kRename, from.path().text(), to.path().text(),
                              *copy.source_generation, now});
    batch.append(std::string{audit::kStream}, from.record_for_commit());
    return {};
  };
  BR_TRY(copy_entry(names, context, parts, from, to, copy, remove_source));
  BR_KILL_POINT("rename.committed");
  from.committed();
  for (const auto& old : doomed) execute_doomed(context, parts, *mounts, old);
  return {};
}

/// Where the files of a directory are natively now, per backend of its mount.
std::map<meta::BackendId, std::string> native_bases(const LiveMount& mount,
                                                    const meta::Location& directory) {
  std::map<meta::BackendId, std::string> bases;
  for (const auto& place : mount.locations) {
    bases[place.backend->declaration.id] = default_native_name(mount, place, directory);
  }
  return bases;
}

Error cannot(const Path& from, const Path& to, Code code, const char* why) {
  return {code, Retry::kNever, "cannot rename " + from.text() + " to " + to.text(), why};
}

}  // namespace

Result<void> Namespace::rename(const io::Context& context, const Grant& from, const Grant& to,
                               const Conditions& from_conditions, const Conditions& to_conditions) {
  from.note_target(to.path());
  if (!from.path().is_directory_form() && !to.path().is_directory_form()) {
    if (from.path() == to.path()) return {};
    BR_TRY(seen, locate(context, parts_, *parts_.mounts.get(), from.path(), Need::kRead));
    if (!seen.entry) return std::unexpected(not_found("there is no " + from.path().text()));
    CopyRequest copy;
    copy.source_conditions = from_conditions;
    copy.source_generation = seen.entry->generation;
    copy.conditions = to_conditions;
    return rename_entry(*this, context, parts_, from, to, copy);
  }
  if (from.path().is_directory_form() != to.path().is_directory_form()) {
    return std::unexpected(cannot(from.path(), to.path(), Code::kInvalid,
                                  "a directory needs a directory as its new name"));
  }
  const auto mounts = parts_.mounts.get();
  const LiveMount* mount = mounts->find(from.path());
  if (mount == nullptr || mount != mounts->find(to.path()) || mounts->is_mount_point(from.path()) ||
      from.path().is_root()) {
    return std::unexpected(cannot(from.path(), to.path(), Code::kUnsupported,
                                  "both must lie in one mount, below its path"));
  }
  // The new name must be free natively too, else foreign files would appear in the directory.
  BR_TRY(sync_children(context, parts_, *mounts, from.path().directory(), "", SIZE_MAX));
  BR_TRY(sync_children(context, parts_, *mounts, to.path(), "", SIZE_MAX));
  const Timestamp now = parts_.clock.wall();
  for (int attempt = 1;; ++attempt) {
    BR_TRY(source, parts_.tree.resolve(context, from.path()));
    BR_TRY(target, parts_.tree.resolve(context, to.path()));
    if (!source.parent_exists) {
      return std::unexpected(not_found("there is no directory " + from.path().text()));
    }
    if (target.parent_exists) {
      return std::unexpected(already_exists("there is a directory " + to.path().text()));
    }
    kv::Batch batch;
    const auto bases = native_bases(*mount, source);
    BR_TRY(parts_.tree.rename_directory(batch, source, target, bases, now));
    batch.put(settle_key(source.parent_id()), to.path().text());
    meta::append_feed(
        batch, {meta::FeedRecord::Kind::kRename, from.path().text(), to.path().text(), 0, now});
    batch.append(std::string{audit::kStream}, from.record_for_commit());
    auto committed = parts_.store.commit(context, batch, kv::Durability::kSync);
    parts_.tree.committed(batch);
    if (committed) {
      from.committed();
      BR_KILL_POINT("rename.committed");
      settle_directory(context, parts_, *mounts, source.parent_id());
      return {};
    }
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
  }
}

}  // namespace beringia::core
