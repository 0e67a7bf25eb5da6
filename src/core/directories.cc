#include <algorithm>

#include "core/events.h"
#include "core/locks.h"
#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/soft_delete.h"
#include "meta/journal.h"
#include "meta/keys.h"

namespace beringia::core {
namespace {

/// A change of one directory row with feed and audit, retried while siblings get in the way.
/// @param event  what notifications say of it
template <class Build>
Result<meta::Location> change(const io::Context& context, Namespace::Parts& parts,
                              const Grant& grant, const Build& build,
                              wire::EventKind event = wire::EventKind::kNone) {
  const Timestamp now = parts.clock.wall();
  for (int attempt = 1;; ++attempt) {
    BR_TRY(location, parts.tree.resolve(context, grant.path()));
    kv::Batch batch;
    BR_TRY(build(batch, location, now));
    append_change(parts.event_rules, batch, location,
                  {meta::FeedRecord::Kind::kAttributes, event, 0, now}, actor_of(grant));
    batch.append(std::string{audit::kStream}, grant.record_for_commit());
    auto committed = parts.store.commit(context, batch, kv::Durability::kSync);
    parts.tree.committed(batch);
    if (committed) {
      grant.committed();
      return parts.tree.resolve(context, grant.path());
    }
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
  }
}

Error no_directory(const Path& path) {
  return not_found("there is no directory " + path.text())
      .with_tag(path.directories().size() == 1 ? "no_bucket" : "");
}

/// As make_found_directory leaves it: nobody made it here. A look at its parent may find a
/// directory between its making natively and its commit.
bool is_as_found(const meta::DirectoryEntry& entry) {
  return entry.generation == 0 && entry.created.micros == 0 && entry.attributes.empty();
}

}  // namespace

Result<bool> find_bucket(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                         const Path& path) {
  BR_TRY(known, parts.tree.resolve(context, path));
  if (known.parent_exists) return true;
  // A directory that someone made natively shows up when its parent is looked at.
  BR_TRY(parent,
         Path::parse(path.text().substr(0, path.text().rfind('/', path.text().size() - 2) + 1)));
  BR_TRY(sync_children(context, parts, mounts, parent, "", SIZE_MAX));
  BR_TRY(again, parts.tree.resolve(context, path));
  return again.parent_exists;
}

Result<void> make_found_directory(const io::Context& context, Namespace::Parts& parts,
                                  const Path& path) {
  for (int attempt = 1;; ++attempt) {
    BR_TRY(location, parts.tree.resolve(context, path));
    if (location.parent_exists) return {};
    meta::DirectoryEntry entry;
    const bool is_bucket = path.directories().size() == 1;
    entry.explicit_directory = is_bucket || meta::keeps_directories(location);  // stays when empty
    entry.owner = is_bucket ? "root" : "";
    kv::Batch batch;
    parts.tree.put_directory(batch, location, entry, Timestamp{});
    auto committed = parts.store.commit(context, batch, kv::Durability::kBuffered);
    parts.tree.committed(batch);
    if (committed) return {};
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
  }
}

Result<DirectoryInfo> Namespace::stat_directory(const io::Context& context, const Grant& grant) {
  const auto mounts = parts_.mounts.get();
  BR_TRY(found, find_bucket(context, parts_, *mounts, grant.path()));
  BR_TRY(location, parts_.tree.resolve(context, grant.path()));
  if (!found || !location.parent_exists || !location.directories.back().entry) {
    return std::unexpected(no_directory(grant.path()));
  }
  return DirectoryInfo{grant.path(), *location.directories.back().entry};
}

Result<DirectoryInfo> Namespace::make_directory(const io::Context& context, const Grant& grant,
                                                const meta::StringMap& attributes) {
  const auto mounts = parts_.mounts.get();
  const LiveMount* mount = mounts->find(grant.path());
  if (mount == nullptr || mount->locations.empty()) {
    return std::unexpected(not_found("cannot make " + grant.path().text(),
                                     "no mount holds this path",
                                     "declare one: --mount /PATH=URL or [[mount]] in the estate"));
  }
  if (mount->declaration.read_only) {
    return std::unexpected(denied("cannot make " + grant.path().text(), "its mount is read-only"));
  }
  BR_TRY(exists, find_bucket(context, parts_, *mounts, grant.path()));
  if (exists) {
    BR_TRY(location, parts_.tree.resolve(context, grant.path()));
    const auto& entry = location.directories.back().entry;
    if (entry && entry->explicit_directory) {
      return std::unexpected(
          already_exists("there is a directory " + grant.path().text())
              .with_tag(entry->owner == grant.principal().name() ? "owned" : "foreign"));
    }
  }
  BR_TRY(before, parts_.tree.resolve(context, grant.path()));
  for (const auto& place : mount->locations) {
    if (!place.backend->client->capabilities().native_directories) continue;
    BR_TRY(
        place.backend->client->make_directory(context, default_native_name(*mount, place, before)));
  }
  BR_TRY(generation, parts_.generations.next(context));
  BR_TRY(location,
         change(context, parts_, grant,
                [&](kv::Batch& batch, const meta::Location& at, Timestamp now) -> Result<void> {
                  if (at.parent_exists && at.directories.back().entry &&
                      at.directories.back().entry->explicit_directory &&
                      !is_as_found(*at.directories.back().entry)) {
                    return std::unexpected(
                        already_exists("there is a directory " + grant.path().text())
                            .with_tag(at.directories.back().entry->owner == grant.principal().name()
                                          ? "owned"
                                          : "foreign"));
                  }
                  meta::DirectoryEntry entry;
                  entry.explicit_directory = true;
                  // An existing one keeps its time of creation, and whether it is known with it.
                  if (!at.parent_exists) entry.created = now;
                  entry.owner = grant.principal().name();
                  entry.generation = generation;
                  entry.attributes = attributes;
                  parts_.tree.put_directory(batch, at, entry, now);
                  return {};
                }));
  return DirectoryInfo{grant.path(), *location.directories.back().entry};
}

namespace {

/// Foreign files that nobody has looked at yet count as content of a directory: looks until some
/// are found or all is known.
Result<void> look_for_content(const io::Context& context, Namespace::Parts& parts,
                              const Mounts& mounts, const Path& directory) {
  for (std::string after;;) {
    BR_TRY(synced, sync_children(context, parts, mounts, directory, after, 1));
    if (!synced.bound) return {};
    BR_TRY(location, parts.tree.resolve(context, directory));
    if (!location.parent_exists) return {};
    BR_TRY(children, parts.tree.children(context, location.parent_id(), "", "", 1));
    if (!children.empty()) return {};
    after = *synced.bound;
  }
}

}  // namespace

Result<void> Namespace::remove_directory(const io::Context& context, const Grant& grant) {
  const auto mounts = parts_.mounts.get();
  if (mounts->is_mount_point(grant.path())) {
    return std::unexpected(invalid("cannot remove " + grant.path().text(), "it is a mount point",
                                   "remove the mount from the estate"));
  }
  const LiveMount* mount = mounts->find(grant.path());
  BR_TRY(found, find_bucket(context, parts_, *mounts, grant.path()));
  if (!found) return std::unexpected(no_directory(grant.path()));
  BR_TRY(look_for_content(context, parts_, *mounts, grant.path()));
  auto removed = change(
      context, parts_, grant,
      [&](kv::Batch& batch, const meta::Location& at, Timestamp now) -> Result<void> {
        if (!at.parent_exists) return std::unexpected(no_directory(grant.path()));
        BR_TRY(children, parts_.tree.children(context, at.parent_id(), "", "", 1));
        if (!children.empty()) {
          return std::unexpected(already_exists("cannot remove " + grant.path().text(),
                                                "it is not empty", "remove what is in it first")
                                     .with_tag("not_empty"));
        }
        if (at.directories.size() == 2) {
          const std::string versions = meta::versions_prefix(at.parent_id());
          BR_TRY(kept, parts_.store.scan(context, versions, meta::behind(versions), 1));
          if (!kept.empty()) {
            return std::unexpected(already_exists("cannot remove " + grant.path().text(),
                                                  "it still keeps versions or marks of deletions",
                                                  "remove them first")
                                       .with_tag("not_empty"));
          }
        }
        if (const auto policy = soft_delete_of(at); policy && at.directories.size() == 2) {
          const auto due = now.micros + static_cast<int64_t>(policy->seconds) * 1'000'000;
          meta::put_deleted_bucket(batch, grant.path().bucket(),
                                   {*at.directories[1].entry, now, Timestamp{due}});
        }
        parts_.tree.remove_directory(batch, at);
        return {};
      });
  if (!removed) return std::unexpected(std::move(removed).error());
  if (mount == nullptr) return {};
  for (const auto& place : mount->locations) {
    if (!place.backend->client->capabilities().native_directories) continue;
    BR_TRY(native, parts_.tree.resolve(context, grant.path()));
    auto gone = place.backend->client->remove_directory(context,
                                                        default_native_name(*mount, place, native));
    if (!gone && gone.error().code() != Code::kNotFound &&
        gone.error().code() != Code::kAlreadyExists) {
      return std::unexpected(std::move(gone).error());
    }
  }
  return {};
}

namespace {

/// Replaces the attributes of a directory by what `edit` makes of them at the commit.
Result<DirectoryInfo> edit_attributes(
    const io::Context& context, Namespace::Parts& parts, const Grant& grant,
    const std::function<Result<void>(meta::StringMap& attributes)>& edit, wire::EventKind event) {
  BR_TRY(location, change(
                       context, parts, grant,
                       [&](kv::Batch& batch, meta::Location& at, Timestamp now) -> Result<void> {
                         if (!at.parent_exists || !at.directories.back().entry) {
                           return std::unexpected(no_directory(grant.path()));
                         }
                         meta::DirectoryOnPath directory = at.directories.back();
                         directory.entry->metageneration += 1;
                         directory.entry->modified = now;
                         BR_TRY(edit(directory.entry->attributes));
                         BR_TRY(check_bucket_lock(*at.directories.back().entry, *directory.entry));
                         parts.tree.put_directory(batch, at, *directory.entry, now);
                         at.directories.replace_back(
                             std::move(directory));  // events are told by the new ones
                         return {};
                       },
                       event));
  return DirectoryInfo{grant.path(), *location.directories.back().entry};
}

void put_attribute(meta::StringMap& attributes, const std::string& name, std::string value) {
  if (value.empty()) {
    attributes.erase(name);
  } else {
    attributes[name] = std::move(value);
  }
}

}  // namespace

Result<DirectoryInfo> Namespace::set_directory_attributes(const io::Context& context,
                                                          const Grant& grant,
                                                          const meta::StringMap& merged) {
  const auto edit = [&](meta::StringMap& attributes) -> Result<void> {
    for (const auto& [name, value] : merged) put_attribute(attributes, name, value);
    return {};
  };
  return edit_attributes(context, parts_, grant, edit, wire::EventKind::kNone);
}

Result<DirectoryInfo> Namespace::edit_directory_attribute(const io::Context& context,
                                                          const Grant& grant,
                                                          const std::string& name,
                                                          const AttributeEdit& edit,
                                                          wire::EventKind event) {
  const auto edit_one = [&](meta::StringMap& attributes) -> Result<void> {
    const auto found = attributes.find(name);
    BR_TRY(value, edit(found == attributes.end() ? std::string{} : found->second));
    put_attribute(attributes, name, std::move(value));
    return {};
  };
  return edit_attributes(context, parts_, grant, edit_one, event);
}

std::optional<std::string> Namespace::notification_target_of(std::string_view name) const {
  const auto mounts = parts_.mounts.get();
  const auto is_declared = [&](std::string_view wanted) {
    return std::ranges::any_of(mounts->estate().notification_targets,
                               [&](const auto& target) { return target.name == wanted; });
  };
  if (name != meta::kAnyTarget && is_declared(name)) return std::string{name};
  if (is_declared(meta::kAnyTarget)) return std::string{meta::kAnyTarget};
  return std::nullopt;
}

namespace {

/// Collects directories in the order of their names. Stored names end in '/', so that "a-b/" lies
/// before "a/": whatever begins with the name of a directory and goes on with a character before
/// '/' brings that directory in first.
class DirectoryCollector {
 public:
  DirectoryCollector(const io::Context& context, meta::Tree& tree, const Path& parent,
                     std::string after, size_t limit)
      : context_{context}, tree_{tree}, parent_{parent}, last_{std::move(after)}, limit_{limit} {}

  bool full() const { return found_.size() >= limit_; }
  std::vector<DirectoryInfo> take() { return std::move(found_); }

  Result<void> add(const meta::Child& child) {
    if (child.name <= last_) return {};
    for (size_t i = 1; i < child.name.size(); ++i) {
      if (static_cast<unsigned char>(child.name[i]) >= '/') continue;
      const std::string shorter = child.name.substr(0, i);
      if (shorter <= last_) continue;
      BR_TRY(path, parent_.join(shorter + "/"));
      BR_TRY(location, tree_.resolve(context_, path));
      if (location.parent_exists) show(path, shorter, *location.directories.back().entry);
    }
    BR_TRY(path, parent_.join(child.name + "/"));
    show(path, child.name, *child.directory);
    return {};
  }

 private:
  void show(const Path& path, const std::string& name, const meta::DirectoryEntry& entry) {
    if (full()) return;
    found_.push_back({path, entry});
    last_ = name;
  }

  const io::Context& context_;
  meta::Tree& tree_;
  const Path& parent_;
  std::string last_;  // names up to here were shown, now or on an earlier page
  size_t limit_;
  std::vector<DirectoryInfo> found_;
};

}  // namespace

Result<std::vector<DirectoryInfo>> Namespace::list_directories(const io::Context& context,
                                                               const Grant& grant,
                                                               const std::string& after,
                                                               size_t limit) {
  const auto mounts = parts_.mounts.get();
  BR_TRY(sync_children(context, parts_, *mounts, grant.path(), "", SIZE_MAX));
  BR_TRY(location, parts_.tree.resolve(context, grant.path()));
  DirectoryCollector collector{context, parts_.tree, grant.path(), after, limit};
  if (!location.parent_exists) return collector.take();
  constexpr size_t kPage = 1000;
  std::string from = after;  // "after-x/" and "after/" lie behind it
  while (!collector.full()) {
    BR_TRY(children, parts_.tree.children(context, location.parent_id(), "", from, kPage));
    for (const auto& child : children) {
      from = child.stored_name();
      if (child.is_directory) BR_TRY(collector.add(child));
    }
    if (children.size() < kPage) break;
  }
  return collector.take();
}

}  // namespace beringia::core
