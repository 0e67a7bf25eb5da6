#include "meta/tree.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "meta/directory_cache.h"

namespace beringia::meta {
namespace {

constexpr uint64_t kFormat = 1;  // of the whole catalog
constexpr std::string_view kFormatRow = "format";
/// A path of Path::kMaxBytes has at most half as many directories; more is a damaged chain.
constexpr size_t kMaxDepth = Path::kMaxBytes;

std::string directory_name(std::string_view name) { return std::string{name} + "/"; }

/// Every directory of the chain still is where it was, hence so is the path.
void check_chain(kv::Batch& batch, const Location& location) {
  for (size_t k = 1; k < location.directories.size(); ++k) {
    const auto& directory = location.directories[k];
    batch.check(directory_key(directory.id), directory.record_bytes);
  }
}

/// Row of the k-th directory (k >= 1) of a chain in its parent.
std::string row_of(const Location& location, size_t k) {
  return entry_key(location.directories[k - 1].id, directory_name(location.directories[k].name));
}

Error no_directory(const Path& path) { return not_found("there is no directory " + path.text()); }

}  // namespace

namespace {

DirectoryChain::Directory make_root() {
  DirectoryOnPath root;
  root.id = kRootDirectory;
  return std::make_shared<const DirectoryOnPath>(std::move(root));
}

}  // namespace

Tree::Tree(kv::Store& store, Rng& rng)
    : store_{store}, rng_{rng}, root_{make_root()}, cache_{std::make_unique<Cache>()} {}

Tree::~Tree() = default;

Result<void> Tree::initialize(const io::Context& context, Timestamp /*now*/) {
  const std::string key = system_key(kFormatRow);
  BR_TRY(stored, store_.get(context, key));
  if (stored) {
    std::string_view bytes = *stored;
    const auto format = read_varint(bytes);
    if (!format || *format == 0) {
      return std::unexpected(corrupt("cannot open the catalog", "its format row is damaged",
                                     "restore the data directory from a backup"));
    }
    if (*format > kFormat) {
      return std::unexpected(
          unsupported("cannot open the catalog",
                      "it has format " + std::to_string(*format) + ", this beringia knows up to " +
                          std::to_string(kFormat),
                      "start the newer beringia that wrote it, or restore a backup"));
    }
    return {};
  }
  kv::Batch batch;
  std::string format;
  append_varint(format, kFormat);
  batch.check(key, std::nullopt);
  batch.put(key, format);
  batch.put(directory_key(kRootDirectory), encode(DirectoryRecord{}));
  BR_TRY(store_.commit(context, std::move(batch), kv::Durability::kSync));
  return {};
}

/// The directory `name` of `parent`; null when there is none.
Result<std::shared_ptr<const DirectoryOnPath>> Tree::step(const io::Context& context,
                                                          DirectoryId parent,
                                                          std::string_view name) {
  const std::string row = entry_key(parent, directory_name(name));
  if (auto cached = cache_->find(row)) return cached;
  const uint64_t entry_ticket = cache_->ticket(row);
  BR_TRY(entry_bytes, store_.get(context, row));
  if (!entry_bytes) return nullptr;
  BR_TRY(entry, decode_directory_entry(*entry_bytes));
  const std::string record_row = directory_key(entry.id);
  const uint64_t record_ticket = cache_->ticket(record_row);
  BR_TRY(record_bytes, store_.get(context, record_row));
  // Removed between the two reads: as if it had been before the first.
  if (!record_bytes) return nullptr;
  BR_TRY(record, decode_directory(*record_bytes));
  auto directory = std::make_shared<DirectoryOnPath>();
  directory->id = entry.id;
  directory->name = name;
  directory->entry = std::move(entry);
  directory->record = std::move(record);
  directory->record_bytes = std::move(*record_bytes);
  directory->entry_bytes = std::move(*entry_bytes);
  cache_->insert(row, directory, entry_ticket, record_ticket);
  return directory;
}

Result<Location> Tree::resolve(const io::Context& context, const Path& path) {
  Location location;
  location.path = path;
  location.name = path.name();
  const auto components = path.directories();
  location.directories.reserve(components.size() + 1);
  location.directories.push_back(root_);
  for (const auto component : components) {
    BR_TRY(next, step(context, location.parent_id(), component));
    if (!next) return location;
    location.directories.push_back(std::move(next));
  }
  location.parent_exists = true;
  BR_TRY(bytes, store_.get(context, entry_key(location.parent_id(), location.name)));
  if (!bytes) return location;
  auto entry = decode_entry(*bytes);
  if (!entry) return std::unexpected(std::move(entry).error().during(path.text()));
  location.entry = std::move(*entry);
  location.entry_bytes = std::move(*bytes);
  return location;
}

Result<Path> Tree::path_of(const io::Context& context, DirectoryId id) {
  std::vector<std::string> names;
  for (DirectoryId at = id; at != kRootDirectory;) {
    BR_TRY(bytes, store_.get(context, directory_key(at)));
    if (!bytes) {
      return std::unexpected(not_found("there is no directory with id " + std::to_string(id)));
    }
    BR_TRY(record, decode_directory(*bytes));
    if (names.size() == kMaxDepth || record.parent == 0) {
      return std::unexpected(
          corrupt("cannot follow directory " + std::to_string(id), "its chain has no end"));
    }
    names.push_back(std::move(record.name));
    at = record.parent;
  }
  std::string text = "/";
  for (auto name = names.rbegin(); name != names.rend(); ++name) text += *name + "/";
  return Path::parse(text);
}

Result<std::vector<Child>> Tree::children(const io::Context& context, DirectoryId id,
                                          std::string_view prefix, std::string_view after,
                                          size_t limit) {
  std::string first = entry_key(id, prefix);
  if (!after.empty()) first = std::max(first, entry_key(id, after) + '\0');
  const std::string last = prefix.empty() ? children_last(id) : behind(entry_key(id, prefix));
  BR_TRY(rows, store_.scan(context, first, last, limit));
  std::vector<Child> found;
  found.reserve(rows.size());
  for (const auto& row : rows) {
    Child child;
    child.name = name_of_entry_key(row.key);
    child.is_directory = child.name.ends_with('/');
    if (child.is_directory) {
      child.name.pop_back();
      BR_TRY(directory, decode_directory_entry(row.value));
      child.directory_id = directory.id;
      child.directory = std::move(directory);
    } else {
      BR_TRY(entry, decode_entry(row.value));
      child.entry = std::move(entry);
    }
    found.push_back(std::move(child));
  }
  return found;
}

DirectoryId Tree::new_id() {
  for (;;) {
    const DirectoryId id = rng_.next();
    if (id > kRootDirectory && id != UINT64_MAX) return id;
  }
}

void Tree::add_directory(kv::Batch& batch, DirectoryId parent, std::string_view name,
                         const DirectoryEntry& entry) {
  const std::string row = entry_key(parent, directory_name(name));
  cache_->doubt(row, entry.id);
  batch.check(row, std::nullopt);
  batch.put(row, encode(entry));
  batch.check(directory_key(entry.id), std::nullopt);
  batch.put(directory_key(entry.id), encode(DirectoryRecord{parent, std::string{name}, {}}));
}

bool keeps_directories(const Location& location) {
  if (location.directories.size() < 2 || !location.directories[1].entry) return false;
  const auto& attributes = location.directories[1].entry->attributes;
  const auto hierarchy = attributes.find(kHierarchyAttribute);
  return hierarchy != attributes.end() && hierarchy->second == "true";
}

/// Adds implicit directories until the chain covers the first `depth` components.
/// @return the last one's id
DirectoryId Tree::add_missing(kv::Batch& batch, const Location& location, size_t depth,
                              Timestamp now) {
  const auto components = location.path.directories();
  DirectoryId parent = location.parent_id();
  const bool stays = keeps_directories(location);
  for (size_t k = location.directories.size() - 1; k < depth; ++k) {
    DirectoryEntry entry;
    entry.id = new_id();
    entry.explicit_directory = stays;
    entry.created = now;
    add_directory(batch, parent, components[k], entry);
    parent = entry.id;
  }
  return parent;
}

/// The implicit directories from the `deepest` of the chain upwards go when they become empty.
void Tree::drop_implicit(kv::Batch& batch, const Location& location, size_t deepest) {
  for (size_t k = deepest; k >= 1; --k) {
    const auto& directory = location.directories[k];
    if (!directory.entry || directory.entry->explicit_directory) return;
    const std::string row = row_of(location, k);
    cache_->doubt(row, directory.id);
    batch.check(row, directory.entry_bytes);  // still implicit, still here
    const std::string first = children_first(directory.id);
    const std::string last = children_last(directory.id);
    batch.remove_if_empty(row, first, last);
    batch.remove_if_empty(directory_key(directory.id), first, last);
    batch.remove_if_empty(sync_key(directory.id), first, last);
  }
}

void Tree::put_entry(kv::Batch& batch, const Location& location, const EntryRecord& record,
                     Timestamp now) {
  check_chain(batch, location);
  const size_t depth = location.path.directories().size();
  const DirectoryId parent = add_missing(batch, location, depth, now);
  std::string key = entry_key(parent, location.name);
  batch.check(key, location.entry_bytes);
  batch.put(std::move(key), encode(record));
}

void Tree::remove_entry(kv::Batch& batch, const Location& location) {
  std::string key = entry_key(location.parent_id(), location.name);
  batch.check(key, location.entry_bytes);
  batch.remove(std::move(key));
  drop_implicit(batch, location, location.directories.size() - 1);
}

void Tree::put_directory(kv::Batch& batch, const Location& location,
                         const DirectoryEntry& attributes, Timestamp now) {
  const auto components = location.path.directories();
  if (components.empty()) return;
  check_chain(batch, location);
  DirectoryEntry entry = attributes;
  if (location.parent_exists) {
    const size_t k = location.directories.size() - 1;
    const auto& existing = location.directories[k];
    entry.id = existing.id;
    entry.explicit_directory = true;
    if (entry.created.micros == 0) entry.created = existing.entry->created;
    std::string row = row_of(location, k);
    cache_->doubt(row, entry.id);
    batch.check(row, existing.entry_bytes);
    batch.put(std::move(row), encode(entry));
    return;
  }
  const DirectoryId parent = add_missing(batch, location, components.size() - 1, now);
  if (entry.id == 0) entry.id = new_id();  // else it comes back
  if (entry.created.micros == 0) entry.created = now;
  add_directory(batch, parent, components.back(), entry);
}

void Tree::remove_directory(kv::Batch& batch, const Location& location) {
  const size_t k = location.directories.size() - 1;
  if (!location.parent_exists || k == 0) return;
  const auto& directory = location.directories[k];
  std::string row = row_of(location, k);
  cache_->doubt(row, directory.id);
  batch.check_empty(children_first(directory.id), children_last(directory.id));
  if (k == 1) {  // a bucket: versions belong to it, whichever directory they were in
    const std::string versions = versions_prefix(directory.id);
    batch.check_empty(versions, behind(versions));
  }
  batch.check(row, directory.entry_bytes);
  batch.check(directory_key(directory.id), directory.record_bytes);
  batch.remove(std::move(row));
  batch.remove(directory_key(directory.id));
  batch.remove(sync_key(directory.id));
  drop_implicit(batch, location, k - 1);
}

void Tree::rename_entry(kv::Batch& batch, const Location& from, const Location& to,
                        const EntryRecord& record, Timestamp now) {
  put_entry(batch, to, record, now);
  remove_entry(batch, from);
}

Result<void> Tree::rename_directory(kv::Batch& batch, const Location& from, const Location& to,
                                    std::map<BackendId, std::string> native_base, Timestamp now) {
  const size_t k = from.directories.size() - 1;
  const std::string what = "cannot rename " + from.path.text() + " to " + to.path.text();
  if (k == 0 && from.parent_exists) {
    return std::unexpected(invalid(what, "the root has no other name"));
  }
  if (!from.parent_exists) return std::unexpected(no_directory(from.path));
  const auto& directory = from.directories[k];
  for (const auto& ancestor : to.directories) {
    if (ancestor.id == directory.id && !to.parent_exists) {
      return std::unexpected(invalid(what, "a directory cannot move into itself"));
    }
  }
  if (to.parent_exists) {
    return std::unexpected(already_exists(what, "there is a directory of that name"));
  }
  // Both chains as they were read: no rename elsewhere can close a cycle behind our back.
  check_chain(batch, from);
  check_chain(batch, to);
  std::string old_row = row_of(from, k);
  cache_->doubt(old_row, directory.id);
  batch.check(old_row, directory.entry_bytes);
  batch.remove(std::move(old_row));

  const auto components = to.path.directories();
  const DirectoryId parent = add_missing(batch, to, components.size() - 1, now);
  std::string new_row = entry_key(parent, directory_name(components.back()));
  cache_->doubt(new_row, directory.id);
  batch.check(new_row, std::nullopt);
  batch.put(std::move(new_row), directory.entry_bytes);
  batch.put(
      directory_key(directory.id),
      encode(DirectoryRecord{parent, std::string{components.back()}, std::move(native_base)}));
  drop_implicit(batch, from, k - 1);
  return {};
}

void Tree::committed(const kv::Batch& batch) { cache_->settle(batch); }

}  // namespace beringia::meta
