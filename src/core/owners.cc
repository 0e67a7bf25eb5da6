#include "core/owners.h"

#include <utility>

#include "access/bucket_access.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

bool is_access_setting(const std::string& name) {
  return name.starts_with(access::kAccessAttributes);
}

access::BucketState state_of(const meta::DirectoryEntry& entry) {
  access::BucketState state{entry.owner, entry.id, entry.generation, entry.metageneration, false};
  const auto first = entry.attributes.lower_bound(std::string{access::kAccessAttributes});
  state.has_settings = first != entry.attributes.end() && is_access_setting(first->first);
  return state;
}

}  // namespace

Result<std::optional<meta::DirectoryEntry>> TreeOwners::bucket_entry(const Path& path) const {
  if (path.bucket().empty()) return std::nullopt;
  BR_TRY(bucket, Path::parse("/" + std::string{path.bucket()} + "/"));
  BR_TRY(location, tree_.resolve(io::Context{}, bucket));
  if (!location.parent_exists) return std::nullopt;
  return std::move(location.directories.back().entry);
}

std::string TreeOwners::owner_of(const Path& path) const {
  auto entry = bucket_entry(path);
  return entry && *entry ? (*entry)->owner : std::string{};
}

Result<std::optional<access::BucketState>> TreeOwners::bucket_of(const Path& path) const {
  BR_TRY(entry, bucket_entry(path));
  if (!entry) return std::nullopt;
  return state_of(*entry);
}

Result<std::map<std::string, std::string>> TreeOwners::settings_of(
    const Path& path, access::BucketState& state) const {
  BR_TRY(entry, bucket_entry(path));
  std::map<std::string, std::string> settings;
  if (!entry) {
    return std::unexpected(not_found("the bucket of " + path.text() + " is gone"));
  }
  state = state_of(*entry);
  for (const auto& [name, value] : entry->attributes) {
    if (is_access_setting(name)) settings.emplace(name, value);
  }
  return settings;
}

Result<std::optional<access::EntryState>> TreeOwners::entry_of(
    const Path& path, std::optional<uint64_t> generation) const {
  const auto state_of = [](meta::EntryRecord record) {
    return access::EntryState{std::move(record.owner), std::move(record.acl),
                              std::move(record.tags)};
  };
  BR_TRY(location, tree_.resolve(io::Context{}, path));
  if (location.entry && (!generation || is_chosen(*location.entry, *generation))) {
    return state_of(std::move(*location.entry));
  }
  if (!generation) return std::nullopt;
  BR_TRY(row, find_version(io::Context{}, store_, location, *generation));
  if (!row) return std::nullopt;
  return state_of(std::move(row->version.record));
}

}  // namespace beringia::core
