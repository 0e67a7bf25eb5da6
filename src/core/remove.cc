#include "base/kill_point.h"
#include "core/doom.h"
#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/recovery.h"

namespace beringia::core {
namespace {

std::vector<meta::DoomedCopy> copies_to_doom(const Mounts& mounts, const LiveMount* mount,
                                             const meta::Location& location, Timestamp now) {
  std::vector<meta::DoomedCopy> doomed;
  for (const auto& copy : location.entry->copies) {
    const auto place = mount->location_of(mounts.backend(copy.backend));
    if (!place.backend) continue;
    doomed.push_back(
        {now, copy.backend, native_name_of(copy, *mount, place, location), copy.version});
  }
  return doomed;
}

}  // namespace

Result<Entry> Namespace::remove(const io::Context& context, const Grant& grant,
                                const Conditions& conditions) {
  const auto mounts = parts_.mounts.get();
  const Path& path = grant.path();
  const LiveMount* mount = mounts->find(path);
  if (mount != nullptr && mount->declaration.read_only) {
    return std::unexpected(denied("cannot remove " + path.text(), "its mount is read-only"));
  }
  BR_TRY(guard, parts_.locks.lock(context, path));
  BR_TRY(settle_left_intent(context, parts_, *mounts, path));
  BR_TRY(located, locate_locked(context, parts_, *mounts, path, Need::kRead));
  meta::Location location = std::move(located);
  BR_TRY(check_conditions(conditions, location.entry, false));
  if (!location.entry) return std::unexpected(no_entry(location));
  grant.note_generation(location.entry->generation);
  const Timestamp now = parts_.clock.wall();
  std::vector<meta::DoomedCopy> doomed;
  if (mount != nullptr) doomed = copies_to_doom(*mounts, mount, location, now);

  // The catalog goes first: from this commit on the delete is acknowledged and the native objects
  // are doomed, so no crash and no outage of a backend can bring the entry back.
  for (int attempt = 1;; ++attempt) {
    kv::Batch batch;
    parts_.tree.remove_entry(batch, location);
    for (const auto& copy : doomed) doom_copy(batch, copy);
    meta::append_feed(
        batch, {meta::FeedRecord::Kind::kRemove, path.text(), {}, location.entry->generation, now});
    batch.append(std::string{audit::kStream}, grant.record_for_commit());
    auto committed = parts_.store.commit(context, batch, kv::Durability::kSync);
    parts_.tree.committed(batch);
    if (committed) break;
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error().during("removing " + path.text()));
    }
    BR_TRY(again, parts_.tree.resolve(context, path));
    location = std::move(again);
    if (!location.entry) return std::unexpected(no_entry(location));
  }
  BR_KILL_POINT("remove.committed");
  grant.committed();
  for (const auto& copy : doomed) execute_doomed(context, parts_, *mounts, copy);
  return Entry{path, std::move(*location.entry)};
}

}  // namespace beringia::core
