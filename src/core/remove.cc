#include "base/kill_point.h"
#include "core/doom.h"
#include "core/locks.h"
#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/recovery.h"
#include "core/remove_generation.h"
#include "core/soft_delete.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

using wire::EventKind;

void doom_copies(kv::Batch& batch, const Mounts& mounts, const meta::Location& location,
                 Timestamp now, std::vector<meta::DoomedCopy>& doomed) {
  const LiveMount* mount = mounts.find(location.path);
  if (!location.entry || mount == nullptr) return;
  for (const auto& copy : location.entry->copies) {
    const auto place = mount->location_of(mounts.backend(copy.backend));
    if (!place.backend) continue;
    doomed.push_back(
        {now, copy.backend, native_name_of(copy, *mount, place, location), copy.version});
    doom_copy(batch, doomed.back());
  }
}

struct Removal {
  const io::Context& context;
  Namespace::Parts& parts;
  const Mounts& mounts;
  const Grant& grant;
  Keeping keeping;
  std::optional<meta::VersionRecord> marker;
  Timestamp now;
  bool by_lifecycle = false;
  std::vector<meta::DoomedCopy> doomed;

  Change change_of(const meta::Location& location) const {
    Change change;
    change.kind = meta::FeedRecord::Kind::kRemove;
    change.now = now;
    if (location.entry) {
      change.generation = location.entry->generation;
      change.entry = &*location.entry;
    }
    change.event = by_lifecycle ? EventKind::kExpired : EventKind::kRemoved;
    if (marker) {
      change.generation = change.other_generation = marker->record.generation;
      change.event = by_lifecycle ? EventKind::kExpiredMarked : EventKind::kMarked;
    }
    return change;
  }

  /// The catalog goes first: from this commit on the delete is acknowledged and the native objects
  /// are doomed, so no crash and no outage of a backend can bring the entry back.
  Result<void> commit_once(const meta::Location& location) {
    kv::Batch batch;
    doomed.clear();
    if (location.entry) parts.tree.remove_entry(batch, location);
    doom_copies(batch, mounts, location, now, doomed);
    if (keeping.replaced) batch.remove(meta::intent_key(location.path.text()));
    BR_TRY(add_history(
        context, parts, batch, location,
        {keeping, marker && !marker->record.versioned, marker ? &*marker : nullptr, now}, doomed));
    append_change(parts.event_rules, batch, location, change_of(location), actor_of(grant));
    batch.append(std::string{audit::kStream}, grant.record_for_commit());
    auto committed = parts.store.commit(context, batch, kv::Durability::kSync);
    parts.tree.committed(batch);
    if (!committed) return std::unexpected(std::move(committed).error());
    return {};
  }

  Result<void> commit(meta::Location& location) {
    const bool had_entry = location.entry.has_value();
    for (int attempt = 1;; ++attempt) {
      auto committed = commit_once(location);
      if (committed) return {};
      if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
        return std::unexpected(
            std::move(committed).error().during("removing " + location.path.text()));
      }
      BR_TRY(again, parts.tree.resolve(context, location.path));
      location = std::move(again);
      if (location.entry.has_value() != had_entry || location.directories.size() < 2) {
        return std::unexpected(no_entry(location));
      }
    }
  }
};

}  // namespace

Result<void> keep_removed(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                          const meta::Location& location, Keeping& keeping) {
  if (!keeping.replaced) return {};
  meta::IntentRecord intent;
  intent.id = random_hex(parts.rng, 16);
  intent.kind = meta::IntentRecord::Kind::kDelete;
  intent.path = location.path.text();
  intent.generation = keeping.replaced->generation;
  intent.started = parts.clock.wall();
  intent.boot = parts.boot;
  intent.replaced = meta::encode(*keeping.replaced);
  intent.kept = keeping.names();
  kv::Batch batch;
  batch.put(meta::intent_key(intent.path), meta::encode(intent));
  BR_TRY(parts.store.commit(context, std::move(batch), kv::Durability::kSync));
  BR_KILL_POINT("remove.intent");
  return keep(context, mounts, location, keeping);
}

void give_up_removal(Namespace::Parts& parts, const Mounts& mounts, const Path& path) {
  if (!settle_left_intent(io::Context{}, parts, mounts, path)) ++parts.unsettled_intents;
}

Result<Removed> Namespace::remove(const io::Context& context, const Grant& grant,
                                  const RemoveRequest& request) {
  const auto mounts = parts_.mounts.get();
  const Path& path = grant.path();
  const LiveMount* mount = mounts->find(path);
  if (mount != nullptr && mount->declaration.read_only) {
    return std::unexpected(denied("cannot remove " + path.text(), "its mount is read-only"));
  }
  BR_TRY(guard, parts_.locks.lock(context, path));
  BR_TRY(settle_left_intent(context, parts_, *mounts, path));
  BR_TRY(location, locate_locked(context, parts_, *mounts, path, Need::kRead));
  // What has one generation only ends as a whole.
  const bool ends_all = request.generation && location.entry &&
                        is_chosen(*location.entry, *request.generation) &&
                        versioning_of(location) == Versioning::kOff && soft_delete_of(location);
  if (request.generation && !ends_all) {
    return remove_generation(context, parts_, grant, request,
                             {mounts, std::move(guard), std::move(location)});
  }
  BR_TRY(check_conditions(request.conditions, location.entry, false));
  const bool keeps = versioning_of(location) != Versioning::kOff;
  if (!location.entry && !(keeps && request.marks_absent)) {
    return std::unexpected(no_entry(location));
  }
  const Timestamp now = parts_.clock.wall();
  BR_TRY(ends_all ? check_removable(location, *location.entry, now, request.bypasses_governance)
                  : check_replaceable(location, now));
  Removal removal{context, parts_, *mounts, grant, {}, {}, now, request.by_lifecycle, {}};
  if (keeps) {
    const bool unversioned =
        versioning_of(location) == Versioning::kSuspended &&
        (request.marks_absent || (location.entry && !location.entry->versioned));
    BR_TRY(marker, make_marker(context, parts_, grant.principal().name(), unversioned));
    removal.marker = std::move(marker);
  }
  grant.note_generation(removal.marker ? removal.marker->record.generation
                                       : location.entry->generation);
  removal.keeping = plan_keeping(parts_, *mounts, location);
  auto done = keep_removed(context, parts_, *mounts, location, removal.keeping);
  if (done) done = removal.commit(location);
  if (!done) {
    if (removal.keeping.replaced) give_up_removal(parts_, *mounts, path);
    return std::unexpected(std::move(done).error());
  }
  BR_KILL_POINT("remove.committed");
  grant.committed();
  for (const auto& copy : removal.doomed) execute_doomed(context, parts_, *mounts, copy);
  Removed removed;
  if (location.entry) removed.entry = entry_of(location, std::move(*location.entry));
  if (removal.marker) removed.marker = entry_of(location, std::move(removal.marker->record));
  return removed;
}

}  // namespace beringia::core
