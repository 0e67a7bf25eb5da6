#include "core/versions.h"

#include "core/locks.h"
#include "core/reconcile.h"

namespace beringia::core {

Versioning versioning_of(const meta::DirectoryEntry& bucket) {
  const auto found = bucket.attributes.find(std::string{kVersioningAttribute});
  if (found == bucket.attributes.end()) return Versioning::kOff;
  return found->second == kVersioningOn ? Versioning::kOn : Versioning::kSuspended;
}

Versioning versioning_of(const meta::Location& location) {
  if (location.directories.size() < 2) return Versioning::kOff;
  const auto& bucket = location.directories[1].entry;
  return bucket ? versioning_of(*bucket) : Versioning::kOff;
}

meta::VersionedKey versioned_key(const meta::Location& location) {
  return {location.directories[1].id, std::string{location.path.key()}};
}

bool is_chosen(const meta::EntryRecord& current, uint64_t generation) {
  return generation == kUnversioned ? !current.versioned : current.generation == generation;
}

Result<std::optional<meta::StoredVersionRow>> find_version(const io::Context& context,
                                                           kv::Store& store,
                                                           const meta::Location& location,
                                                           uint64_t generation) {
  if (versioning_of(location) == Versioning::kOff) return std::nullopt;
  const auto key = versioned_key(location);
  if (generation == kUnversioned) return meta::find_unversioned(context, store, key);
  return meta::find_version(context, store, key, generation);
}

Result<std::optional<meta::StoredVersionRow>> newest_version(const io::Context& context,
                                                             Namespace::Parts& parts,
                                                             const meta::Location& location) {
  if (versioning_of(location) == Versioning::kOff) return std::nullopt;
  BR_TRY(rows, meta::versions_of(context, parts.store, versioned_key(location), 0, 1));
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

Result<meta::Location> choose_generation(const io::Context& context, Namespace::Parts& parts,
                                         meta::Location location,
                                         std::optional<uint64_t> generation,
                                         std::optional<meta::StoredVersionRow>* noncurrent) {
  if (noncurrent != nullptr) noncurrent->reset();
  if (!generation || (location.entry && is_chosen(*location.entry, *generation))) {
    return location;
  }
  BR_TRY(row, find_version(context, parts.store, location, *generation));
  location.entry.reset();
  if (row && !row->version.delete_marker) location.entry = row->version.record;
  if (noncurrent != nullptr) *noncurrent = std::move(row);
  return location;
}

Entry entry_of(const meta::Location& location, meta::EntryRecord record) {
  return {location.path,
          std::move(record),
          versioning_of(location),
          true,
          {},
          lock_of(location).has_value()};
}

Entry entry_of(const meta::Location& location, meta::VersionRecord version) {
  return {location.path,
          std::move(version.record),
          versioning_of(location),
          false,
          version.became_noncurrent,
          lock_of(location).has_value(),
          version.hard_delete};
}

Error no_generation(const meta::Location& location, std::optional<uint64_t> generation) {
  if (!generation || versioning_of(location) == Versioning::kOff) return no_entry(location);
  return not_found("there is no generation " + std::to_string(*generation) + " of " +
                   location.path.text())
      .with_tag("no_version");
}

}  // namespace beringia::core
