#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/recovery.h"
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

}  // namespace

Result<Entry> Namespace::set_attributes(const io::Context& context, const Grant& grant,
                                        const AttributePatch& patch) {
  const auto mounts = parts_.mounts.get();
  const Path& path = grant.path();
  BR_TRY(guard, parts_.locks.lock(context, path));
  BR_TRY(settle_left_intent(context, parts_, *mounts, path));
  BR_TRY(located, locate_locked(context, parts_, *mounts, path, Need::kRead));
  meta::Location location = std::move(located);
  meta::EntryRecord record;
  const Timestamp now = parts_.clock.wall();
  for (int attempt = 1;; ++attempt) {
    BR_TRY(check_conditions(patch.conditions, location.entry, false));
    if (!location.entry) return std::unexpected(not_found("there is no " + path.text()));
    record = patched(*location.entry, patch, now);
    grant.note_generation(record.generation);
    kv::Batch batch;
    parts_.tree.put_entry(batch, location, record, now);
    meta::append_feed(
        batch, {meta::FeedRecord::Kind::kAttributes, path.text(), {}, record.generation, now});
    batch.append(std::string{audit::kStream}, grant.record_for_commit());
    auto committed = parts_.store.commit(context, batch, kv::Durability::kSync);
    parts_.tree.committed(batch);
    if (committed) break;
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
    BR_TRY(again, parts_.tree.resolve(context, path));
    location = std::move(again);
  }
  grant.committed();
  // The catalog is the truth for attributes; the native ones follow so that the object keeps
  // describing itself. A backend that is away gets them with the next write or move.
  const LiveMount* mount = mounts->find(path);
  for (const auto& copy : record.copies) {
    if (mount == nullptr) break;
    const auto place = mount->location_of(mounts->backend(copy.backend));
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
  return Entry{path, std::move(record)};
}

}  // namespace beringia::core
