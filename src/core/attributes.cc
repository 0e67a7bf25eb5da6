#include "core/locks.h"
#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/recovery.h"
#include "core/versions.h"
#include "meta/journal.h"
#include "observe/log.h"

namespace beringia::core {
namespace {

void merge(meta::StringMap& into, const meta::StringMap& patch) {
  for (const auto& [name, value] : patch) {
    if (value.empty()) {
      into.erase(name);
    } else {
      into[name] = value;
    }
  }
}

meta::EntryRecord patched(const meta::EntryRecord& old, const AttributePatch& patch,
                          Timestamp now) {
  meta::EntryRecord record = old;
  if (patch.content_type) record.content_type = *patch.content_type;
  if (patch.storage_class) record.storage_class = *patch.storage_class;
  merge(record.http, patch.http);
  if (patch.replace_metadata) record.metadata.clear();
  merge(record.metadata, patch.metadata);
  if (patch.tags) record.tags = *patch.tags;
  if (patch.acl) record.acl = *patch.acl;
  record.metageneration += 1;
  record.modified = now;
  return record;
}

wire::EventKind event_of(const AttributePatch& patch) {
  using enum wire::EventKind;
  if (patch.by_lifecycle) return kTransitioned;
  if (patch.tags) return patch.tags->empty() ? kUntagged : kTagged;
  return patch.acl ? kAclChanged : kChanged;
}

/// The catalog is the truth for attributes; the native ones follow so that the object keeps
/// describing itself. A backend that is away gets them with the next write or move.
void update_natively(const io::Context& context, const Mounts& mounts,
                     const meta::Location& location, const meta::EntryRecord& record) {
  const LiveMount* mount = mounts.find(location.path);
  for (const auto& copy : record.copies) {
    if (mount == nullptr) break;
    const auto place = mount->location_of(mounts.backend(copy.backend));
    if (!place.backend || is_avoided(*place.backend)) continue;
    auto updated =
        place.backend->client->update(context, {native_name_of(copy, *mount, place, location),
                                                copy.version,
                                                native_attributes(record),
                                                record.content_type,
                                                {}});
    if (!updated) {
      observe::log_debug("native_attributes_late", "A backend did not take attributes yet.",
                         {observe::field("backend", place.backend->declaration.name),
                          observe::field("why", updated.error().to_string())});
    }
  }
}

}  // namespace

Timestamp custom_time_of(const meta::EntryRecord& record) {
  const auto found = record.http.find(kCustomTime);
  return found == record.http.end() ? Timestamp{} : parse_rfc3339(found->second);
}

Result<Entry> Namespace::set_attributes(const io::Context& context, const Grant& grant,
                                        const AttributePatch& patch) {
  const auto mounts = parts_.mounts.get();
  const Path& path = grant.path();
  BR_TRY(guard, parts_.locks.lock(context, path));
  BR_TRY(settle_left_intent(context, parts_, *mounts, path));
  BR_TRY(located, locate_locked(context, parts_, *mounts, path, Need::kRead));
  meta::Location location = std::move(located);
  const Timestamp now = parts_.clock.wall();
  for (int attempt = 1;; ++attempt) {
    std::optional<meta::StoredVersionRow> row;
    BR_TRY(chosen, choose_generation(context, parts_, std::move(location), patch.generation, &row));
    location = std::move(chosen);
    if (!location.entry && row) return std::unexpected(no_generation(location, patch.generation));
    BR_TRY(check_conditions(patch.conditions, location.entry, false));
    if (!location.entry) {
      return std::unexpected(patch.generation ? no_generation(location, patch.generation)
                                              : not_found("there is no " + path.text()));
    }
    meta::EntryRecord record = patched(*location.entry, patch, now);
    BR_TRY(lock, changed_lock(location, record.lock, patch, now));
    record.lock = lock;
    grant.note_generation(record.generation);
    kv::Batch batch;
    if (row) {
      row->version.record = record;
      batch.check(row->row_key, row->row_value);
      batch.put(row->row_key, meta::encode(row->version));
    } else {
      parts_.tree.put_entry(batch, location, record, now);
    }
    append_change(
        parts_.event_rules, batch, location,
        {meta::FeedRecord::Kind::kAttributes, event_of(patch), record.generation, now, &record},
        actor_of(grant));
    batch.append(std::string{audit::kStream}, grant.record_for_commit());
    auto committed = parts_.store.commit(context, batch, kv::Durability::kSync);
    parts_.tree.committed(batch);
    if (committed) {
      grant.committed();
      update_natively(context, *mounts, location, record);
      return row ? entry_of(location, std::move(row->version))
                 : entry_of(location, std::move(record));
    }
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
    BR_TRY(again, parts_.tree.resolve(context, path));
    location = std::move(again);
  }
}

}  // namespace beringia::core
