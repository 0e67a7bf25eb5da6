#include "base/kill_point.h"
#include "core/doom.h"
#include "core/locks.h"
#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/recovery.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

/// Renames one entry: the bytes get their new native name inside the backend where it can (else
/// they are streamed), and one commit puts the new row and removes the old one.
Result<void> rename_entry(Namespace& names, const io::Context& context, Namespace::Parts& parts,
                          const Grant& from, const Grant& to, const CopyRequest& copy) {
  const auto mounts = parts.mounts.get();
  std::vector<meta::DoomedCopy> doomed;
  const auto changed = [&](std::string_view tag) {
    return std::unexpected(conflict("cannot rename " + from.path().text(),
                                    "it was written or removed meanwhile", "rename it again")
                               .with_tag(std::string{tag}));
  };
  const auto is_current = [&](const meta::Location& source) {
    return source.entry && source.entry->generation == *copy.source_generation;
  };
  Keeping keeping;
  std::optional<meta::VersionRecord> marker;
  // Both names stay locked from the last look at the source to the commit that removes it.
  Publication::Company company;
  company.path = from.path();
  company.keeping = &keeping;
  company.check = [&]() -> Result<void> {
    BR_TRY(settle_left_intent(context, parts, *mounts, from.path()));
    BR_TRY(source, parts.tree.resolve(context, from.path()));
    if (!is_current(source)) return changed("race");
    BR_TRY(check_conditions(copy.source_conditions, source.entry, false));
    return check_replaceable(source, parts.clock.wall());
  };
  company.rows = [&](kv::Batch& batch) -> Result<void> {
    BR_TRY(source, parts.tree.resolve(io::Context{}, from.path()));
    if (!is_current(source)) return changed(kTakeBack);
    parts.tree.remove_entry(batch, source);
    doomed.clear();
    const LiveMount* mount = mounts->find(from.path());
    const Timestamp now = parts.clock.wall();
    for (const auto& old : source.entry->copies) {
      if (mount == nullptr) break;
      const auto place = mount->location_of(mounts->backend(old.backend));
      if (!place.backend) continue;
      doomed.push_back({now, old.backend, native_name_of(old, *mount, place, source), old.version});
      doom_copy(batch, doomed.back());
    }
    if (keeping.replaced) {
      // As a removal does it: what was there is a version now.
      if (!marker) {
        BR_TRY(made, make_marker(io::Context{}, parts, from.principal().name()));
        marker = std::move(made);
      }
      BR_TRY(add_history(io::Context{}, parts, batch, source, {keeping, false, &*marker, now},
                         doomed));
    }
    Change change;
    change.kind = meta::FeedRecord::Kind::kRename;
    change.event = marker ? wire::EventKind::kMarked : wire::EventKind::kRemoved;
    change.generation = *copy.source_generation;
    change.now = now;
    change.entry = &*source.entry;
    if (marker) change.other_generation = marker->record.generation;
    change.other_path = to.path().text();
    append_change(parts.event_rules, batch, source, std::move(change), actor_of(from));
    batch.append(std::string{audit::kStream}, from.record_for_commit());
    return {};
  };
  BR_TRY(copy_entry(names, context, parts, from, to, copy, company));
  BR_KILL_POINT("rename.committed");
  from.committed();
  for (const auto& old : doomed) execute_doomed(context, parts, *mounts, old);
  return {};
}

}  // namespace

Result<void> Namespace::rename(const io::Context& context, const Grant& from, const Grant& to,
                               const Conditions& from_conditions, const Conditions& to_conditions) {
  from.note_target(to.path());
  BR_TRY(seen, locate(context, parts_, *parts_.mounts.get(), from.path(), Need::kRead));
  if (!seen.entry) return std::unexpected(not_found("there is no " + from.path().text()));
  if (from.path() == to.path()) return check_conditions(from_conditions, seen.entry, false);
  CopyRequest copy;
  copy.source_conditions = from_conditions;
  copy.source_generation = seen.entry->generation;
  copy.conditions = to_conditions;
  return rename_entry(*this, context, parts_, from, to, copy);
}

}  // namespace beringia::core
