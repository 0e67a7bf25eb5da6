#include "core/remove_generation.h"

#include <algorithm>

#include "base/kill_point.h"
#include "core/doom.h"
#include "core/locks.h"
#include "core/native_claims.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/soft_delete.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

constexpr size_t kMaxLoneMarkers = 64;  // that go with the last generation of a name

/// What goes, and what is current afterwards.
struct Plan {
  std::optional<meta::StoredVersionRow> row;   // absent: the current generation goes
  bool was_last_state = false;                 // the entry, or the mark in its place, goes
  std::optional<meta::StoredVersionRow> back;  // becomes current
  std::vector<meta::StoredVersionRow> lone_markers;
  bool needs_marker = false;
};

class Removal {
 public:
  Removal(const io::Context& context, Namespace::Parts& parts, const Grant& grant,
          const RemoveRequest& request, LockedEntry entry)
      : context_{context},
        parts_{parts},
        grant_{grant},
        request_{request},
        mounts_{std::move(entry.mounts)},
        guard_{std::move(entry.guard)},
        location_{std::move(entry.location)},
        now_{parts.clock.wall()} {}

  Result<Removed> run();

 private:
  Result<void> find();
  Result<void> plan_what_follows();
  Result<void> commit();
  Result<void> commit_or_conflict();
  Result<void> commit_once();
  Result<void> bring_back();
  void add_rows(kv::Batch& batch);
  void append_event(kv::Batch& batch);
  Removed outcome() const;
  uint64_t generation() const {
    return plan_.row ? plan_.row->version.record.generation : location_.entry->generation;
  }

  const io::Context& context_;
  Namespace::Parts& parts_;
  const Grant& grant_;
  const RemoveRequest& request_;
  std::shared_ptr<const Mounts> mounts_;  // owners: the table and requests under way
  PathLocks::Guard guard_;
  meta::Location location_;
  const Timestamp now_;
  Plan plan_;
  Keeping keeping_;  // of what was current, where the bucket deletes softly
  std::vector<meta::DoomedCopy> doomed_;
};

Result<void> Removal::find() {
  const uint64_t wanted = *request_.generation;
  if (location_.entry && is_chosen(*location_.entry, wanted)) {
    plan_.was_last_state = true;
    BR_TRY(check_conditions(request_.conditions, location_.entry, false));
    return check_removable(location_, *location_.entry, now_, request_.bypasses_governance);
  }
  BR_TRY(row, find_version(context_, parts_.store, location_, wanted));
  if (!row) return std::unexpected(no_generation(location_, wanted));
  plan_.row = std::move(row);
  const bool is_marker = plan_.row->version.delete_marker;
  const auto record = is_marker ? std::nullopt : std::optional{plan_.row->version.record};
  BR_TRY(check_conditions(request_.conditions, record, false));
  return record ? check_removable(location_, *record, now_, request_.bypasses_governance)
                : Result<void>{};
}

/// Nothing older may look like the current state by accident: a name whose entry is gone has a mark
/// as its newest row, or no row at all.
Result<void> Removal::plan_what_follows() {
  if (versioning_of(location_) == Versioning::kOff) return {};
  const auto key = versioned_key(location_);
  BR_TRY(rows, meta::versions_of(context_, parts_.store, key, 0, kMaxLoneMarkers + 1));
  if (plan_.row && !location_.entry) {
    plan_.was_last_state = !rows.empty() && rows.front().row_key == plan_.row->row_key;
  }
  if (plan_.row) {
    std::erase_if(rows, [&](const auto& row) { return row.row_key == plan_.row->row_key; });
  }
  const bool only_markers =
      rows.size() < kMaxLoneMarkers &&
      std::all_of(
          rows.begin(), rows.end(), [](const auto& row) { return row.version.delete_marker; });
  if (plan_.was_last_state && request_.brings_back) {
    if (!rows.empty() && !rows.front().version.delete_marker) plan_.back = std::move(rows.front());
    return {};
  }
  if (request_.brings_back) return {};
  const bool stays = location_.entry && plan_.row;
  if (!stays && only_markers) {
    plan_.lone_markers = std::move(rows);
  } else if (plan_.was_last_state) {
    plan_.needs_marker = !rows.empty() && !rows.front().version.delete_marker;
  }
  return {};
}

/// What goes with either kind of commit.
void Removal::add_rows(kv::Batch& batch) {
  if (plan_.row) {
    meta::remove_version(batch, *plan_.row);
    bury_version(batch, location_, plan_.row->version, now_, doomed_);
  }
  for (const auto& marker : plan_.lone_markers) meta::remove_version(batch, marker);
}

void Removal::append_event(kv::Batch& batch) {
  Change change;
  change.kind = meta::FeedRecord::Kind::kRemove;
  change.event = request_.by_lifecycle ? wire::EventKind::kExpired : wire::EventKind::kRemoved;
  change.generation = generation();
  change.now = now_;
  if (!plan_.row) {
    change.entry = &*location_.entry;
  } else if (!plan_.row->version.delete_marker) {
    change.entry = &plan_.row->version.record;
  }
  append_change(parts_.event_rules, batch, location_, std::move(change), actor_of(grant_));
}

Result<void> Removal::commit_once() {
  kv::Batch batch;
  doomed_.clear();
  if (!plan_.row) {
    parts_.tree.remove_entry(batch, location_);
    const LiveMount* mount = mounts_->find(location_.path);
    for (const auto& copy : location_.entry->copies) {
      if (mount == nullptr) break;
      const auto place = mount->location_of(mounts_->backend(copy.backend));
      if (!place.backend) continue;
      const auto name = native_name_of(copy, *mount, place, location_);
      doomed_.push_back({now_, copy.backend, name, copy.version});
      doom_copy(batch, doomed_.back());
    }
  }
  add_rows(batch);
  if (keeping_.kept) {
    batch.remove(meta::intent_key(location_.path.text()));
    bury_kept(batch, location_, keeping_, keeping_.names(), now_, doomed_);
  }
  if (plan_.needs_marker) {
    BR_TRY(marker, make_marker(context_, parts_, grant_.principal().name()));
    BR_TRY(add_history(context_, parts_, batch, location_, {Keeping{}, false, &marker, now_},
                       doomed_));
  }
  append_event(batch);
  batch.append(std::string{audit::kStream}, grant_.record_for_commit());
  auto committed = parts_.store.commit(context_, batch, kv::Durability::kSync);
  parts_.tree.committed(batch);
  if (!committed) return std::unexpected(std::move(committed).error());
  return {};
}

Result<void> Removal::commit() {
  if (!plan_.row && soft_delete_of(location_)) {
    keeping_ = plan_keeping(parts_, *mounts_, location_);
    auto kept = keep_removed(context_, parts_, *mounts_, location_, keeping_);
    auto done = kept ? commit_or_conflict() : std::move(kept);
    if (!done) give_up_removal(parts_, *mounts_, location_.path);
    return done;
  }
  return commit_or_conflict();
}

Result<void> Removal::commit_or_conflict() {
  for (int attempt = 1;; ++attempt) {
    auto committed = commit_once();
    if (committed) break;
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(
          std::move(committed).error().during("removing " + location_.path.text()));
    }
    BR_TRY(again, parts_.tree.resolve(context_, location_.path));
    location_ = std::move(again);
    if (!plan_.row && !location_.entry) return std::unexpected(no_entry(location_));
  }
  BR_KILL_POINT("remove.committed");
  grant_.committed();
  for (const auto& copy : doomed_) execute_doomed(context_, parts_, *mounts_, copy);
  return {};
}

/// The generation before becomes current as it was: its bytes get their native name again, and one
/// commit makes its row the entry and drops what was current.
Result<void> Removal::bring_back() {
  const meta::StoredVersionRow& row = *plan_.back;
  const LiveMount* mount = mounts_->find(location_.path);
  if (mount == nullptr || row.version.record.copies.empty()) {
    return std::unexpected(
        unavailable("cannot bring back an older version of " + location_.path.text(),
                    "no mount holds this path any more"));
  }
  const meta::Copy kept = row.version.record.copies.front();
  WriteTarget target;
  target.mounts = mounts_;
  target.mount = mount;
  target.place = mount->location_of(mounts_->backend(kept.backend));
  if (!target.place.backend) {
    return std::unexpected(unavailable(
        "cannot bring back an older version of " + location_.path.text(), "its backend is gone"));
  }
  target.storage_class = kept.storage_class;
  target.native_name = default_native_name(*mount, target.place, location_);
  target.before = location_;
  BR_TRY(claimed,
         is_claimed_elsewhere(context_, parts_, kept.backend, target.native_name, location_));
  if (claimed) {
    return std::unexpected(
        unsupported("cannot bring back an older version of " + location_.path.text(),
                    "a renamed directory still uses the name " + target.native_name +
                        " in backend \"" + target.place.backend->declaration.name + "\"",
                    "remove the versions before it first"));
  }
  Publication publication{context_, parts_, grant_, std::move(target)};
  BR_TRY(publication.locked_by(std::move(guard_), {}));
  BR_TRY(expected, publication.intend_back(row.version.record, generation()));
  const Publication::Extra rows = [&](kv::Batch& batch) -> Result<void> {
    doomed_.clear();
    add_rows(batch);
    meta::remove_version(batch, row);
    doom_version(batch, row.version, now_, doomed_);
    append_event(batch);
    return {};
  };
  meta::EntryRecord shown = row.version.record;
  shown.write_id = publication.write_id();
  auto info = publication.target().place.backend->client->rename(
      context_, {kept.native_name, publication.target().native_name, kept.version, expected, true,
                 native_attributes(shown)});
  auto entry =
      info ? publication.commit(*info, rows) : publication.recover(std::move(info).error(), rows);
  if (!entry) return std::unexpected(std::move(entry).error());
  for (const auto& copy : doomed_) execute_doomed(context_, parts_, *mounts_, copy);
  return {};
}

Removed Removal::outcome() const {
  Removed removed;
  if (!plan_.row) {
    removed.entry = entry_of(location_, *location_.entry);
  } else if (plan_.row->version.delete_marker) {
    removed.marker = entry_of(location_, plan_.row->version);
  } else {
    removed.entry = entry_of(location_, plan_.row->version);
  }
  return removed;
}

Result<Removed> Removal::run() {
  BR_TRY(find());
  BR_TRY(plan_what_follows());
  grant_.note_generation(generation());
  Removed removed = outcome();
  BR_TRY(plan_.back ? bring_back() : commit());
  return removed;
}

}  // namespace

Result<Removed> remove_generation(const io::Context& context, Namespace::Parts& parts,
                                  const Grant& grant, const RemoveRequest& request,
                                  LockedEntry entry) {
  return Removal{context, parts, grant, request, std::move(entry)}.run();
}

}  // namespace beringia::core
