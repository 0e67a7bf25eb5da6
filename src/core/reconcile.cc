#include "core/reconcile.h"

#include <algorithm>
#include <vector>

#include "core/adopt.h"
#include "core/doom.h"
#include "core/native_claims.h"
#include "io/runtime.h"
#include "observe/log.h"

namespace beringia::core {
namespace {

constexpr int kMaxAttempts = 16;
constexpr Duration kAvoidAfterFailure = std::chrono::seconds{3};
constexpr Duration kWholeProcess = std::chrono::hours{24 * 365};

/// What one place answered about a name.
struct Sighting {
  LiveLocation place;
  std::string native_name;
  std::optional<backend::CopyInfo> info;  // absent and !unknown: nothing there
  bool unknown = false;
  std::optional<Error> error;
};

Sighting look(const io::Context& context, LiveLocation place, std::string native_name) {
  Sighting sighting{std::move(place), std::move(native_name), {}, false, {}};
  const LiveBackend& live = *sighting.place.backend;
  if (is_avoided(live)) {
    sighting.unknown = true;
    sighting.error = unavailable("cannot ask backend \"" + live.declaration.name + "\"",
                                 "it failed a moment ago");
    return sighting;
  }
  auto info = live.client->stat(context, {sighting.native_name});
  if (info) {
    sighting.info = std::move(*info);
  } else if (info.error().code() != Code::kNotFound) {
    sighting.unknown = true;
    note_backend_failure(live, info.error());
    sighting.error = info.error();
  }
  return sighting;
}

bool is_a_copy(const meta::Location& location, const LiveMount& mount, const Sighting& sighting) {
  if (!location.entry) return false;
  return std::any_of(
      location.entry->copies.begin(), location.entry->copies.end(), [&](const meta::Copy& copy) {
        return copy.backend == sighting.place.backend->declaration.id &&
               native_name_of(copy, mount, sighting.place, location) == sighting.native_name;
      });
}

/// A default name that a renamed directory still uses is not this path's.
Result<void> drop_claimed(const io::Context& context, Namespace::Parts& parts,
                          const LiveMount& mount, const meta::Location& location,
                          std::vector<Sighting>& sightings) {
  for (auto& sighting : sightings) {
    if (!sighting.info || is_a_copy(location, mount, sighting)) continue;
    BR_TRY(claimed, is_claimed_elsewhere(context, parts, sighting.place.backend->declaration.id,
                                         sighting.native_name, location));
    if (claimed) sighting.info.reset();
  }
  return {};
}

/// Looks in every place where the name could be: the copies' own, then the mount's locations.
std::vector<Sighting> look_everywhere(const io::Context& context, const Mounts& mounts,
                                      const LiveMount& mount, const meta::Location& location) {
  std::vector<Sighting> sightings;
  auto add = [&](LiveLocation place, std::string name) {
    for (const auto& seen : sightings) {
      if (seen.place.backend == place.backend && seen.native_name == name) return;
    }
    sightings.push_back(look(context, std::move(place), std::move(name)));
  };
  if (location.entry) {
    for (const auto& copy : location.entry->copies) {
      auto place = mount.location_of(mounts.backend(copy.backend));
      if (place.backend) add(place, native_name_of(copy, mount, place, location));
    }
  }
  for (const auto& place : mount.locations) {
    add(place, default_native_name(mount, place, location));
  }
  return sightings;
}

/// A look that was broken off (the caller is gone, its time is over) tells nothing, not even that
/// the place is away: no answer may be built on it. @error kCancelled
Result<void> check_not_cancelled(const Sighting& sighting) {
  if (!sighting.unknown || sighting.error->code() != Code::kCancelled) return {};
  return std::unexpected(*sighting.error);
}

const Sighting* sighting_of(const std::vector<Sighting>& sightings, meta::BackendId backend,
                            const std::string& native_name) {
  for (const auto& sighting : sightings) {
    if (sighting.place.backend->declaration.id == backend && sighting.native_name == native_name) {
      return &sighting;
    }
  }
  return nullptr;
}

}  // namespace

bool is_copied_to(const meta::EntryRecord& entry, const LiveLocation& place) {
  return std::ranges::any_of(entry.copies, [&](const meta::Copy& copy) {
    return copy.backend == place.backend->declaration.id;
  });
}

Result<bool> parent_is_known(const io::Context& context, Namespace::Parts& parts,
                             const Mounts& mounts, const LiveMount& mount,
                             const meta::Location& location) {
  const size_t root = mount.declaration.path.directories().size();
  Timestamp oldest{INT64_MAX};  // of the directories below
  for (size_t k = location.directories.size(); k-- > root;) {
    BR_TRY(row, parts.store.get(context, meta::sync_key(location.directories[k].id)));
    if (row) {
      BR_TRY(sync, meta::decode_sync(*row));
      // What is older was not made by us into emptiness that was looked at under this epoch: a
      // power loss may have left files in it that the catalog has lost.
      if (sync.epoch == mounts.sync_epoch()) return oldest.micros > sync.synced_at.micros;
    }
    // Directories that were found natively carry no creation time of ours.
    if (k == root || !location.directories[k].entry ||
        location.directories[k].entry->created.micros == 0) {
      return false;
    }
    oldest.micros = std::min(oldest.micros, location.directories[k].entry->created.micros);
  }
  return false;
}

namespace {

/// Someone has put an object into a place of the mount before those of the entry's copies.
bool is_put_before(const io::Context& context, const LiveMount& mount,
                   const meta::Location& location) {
  for (const auto& place : mount.locations) {
    if (is_copied_to(*location.entry, place)) return false;
    if (look(context, place, default_native_name(mount, place, location)).info) return true;
  }
  return false;
}

/// One cheap look, without the lock: does the catalog still tell the truth about this name?
Result<bool> still_agrees(const io::Context& context, const Mounts& mounts, const LiveMount& mount,
                          const meta::Location& location) {
  if (!location.entry) {
    for (const auto& place : mount.locations) {
      auto sighting = look(context, place, default_native_name(mount, place, location));
      BR_TRY(check_not_cancelled(sighting));
      if (sighting.info || sighting.unknown) return false;
    }
    return true;
  }
  if (is_put_before(context, mount, location)) return false;
  if (mount.declaration.freshness.exclusive) return true;  // what the catalog knows of is there
  for (const auto& copy : location.entry->copies) {
    if (copy.state != meta::CopyState::kValid) continue;
    auto place = mount.location_of(mounts.backend(copy.backend));
    if (!place.backend) continue;
    auto sighting = look(context, place, native_name_of(copy, mount, place, location));
    BR_TRY(check_not_cancelled(sighting));
    if (sighting.unknown) continue;  // the next copy is asked instead
    return sighting.info && sighting.info->version == copy.version;
  }
  return false;
}

/// Under which name FreshnessState remembers that the path was looked for. On an exclusive mount
/// one look is enough until the estate or the process is another.
std::string seen_name(const Mounts& mounts, const LiveMount& mount, const Path& path) {
  if (!mount.declaration.freshness.exclusive) return path.text();
  return std::to_string(mounts.sync_epoch()) + path.text();
}

/// Does this lookup have to ask a backend? (false: the catalog's answer stands.) On an exclusive
/// mount only where a power loss may have left what the catalog has lost: an entry, or its newer
/// generation in a place before that of the copies that the catalog knows.
Result<bool> must_ask(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                      const LiveMount& mount, const meta::Location& location) {
  const auto& freshness = mount.declaration.freshness;
  if (!freshness.exclusive) {
    return !parts.freshness.entries.within(location.path.text(), parts.clock.monotonic(),
                                           freshness.max_staleness);
  }
  if (location.entry && is_copied_to(*location.entry, mount.locations.front())) return false;
  if (parts.freshness.entries.within(seen_name(mounts, mount, location.path),
                                     parts.clock.monotonic(), kWholeProcess)) {
    return false;
  }
  BR_TRY(known, parent_is_known(context, parts, mounts, mount, location));
  return !known;
}

Result<meta::Location> locate_with(const io::Context& context, Namespace::Parts& parts,
                                   const Mounts& mounts, const Path& path, Need need, bool locked) {
  BR_TRY(location, parts.tree.resolve(context, path));
  const LiveMount* mount = mounts.find(path);
  if (mount == nullptr || mount->locations.empty()) return std::move(location);
  BR_TRY(ask, must_ask(context, parts, mounts, *mount, location));
  if (!ask) return std::move(location);
  BR_TRY(agrees, still_agrees(context, mounts, *mount, location));
  if (agrees) {
    parts.freshness.entries.mark(seen_name(mounts, *mount, path), parts.clock.monotonic());
    return std::move(location);
  }
  if (locked) return reconcile_entry(context, parts, mounts, path, need);
  BR_TRY(guard, parts.locks.lock(context, path));
  return reconcile_entry(context, parts, mounts, path, need);
}

}  // namespace

void note_backend_failure(const LiveBackend& live, const Error& error) {
  // What the backend's own memory of outages refuses was not tried: it must not renew this one.
  if (error.code() != Code::kUnavailable || error.tag() == backend::kAway) return;
  live.avoid_until.store((io::now() + kAvoidAfterFailure).nanos, std::memory_order_relaxed);
}

bool is_avoided(const LiveBackend& live) {
  return io::now().nanos < live.avoid_until.load(std::memory_order_relaxed);
}

Result<meta::Location> locate(const io::Context& context, Namespace::Parts& parts,
                              const Mounts& mounts, const Path& path, Need need) {
  return locate_with(context, parts, mounts, path, need, false);
}

Result<meta::Location> locate_locked(const io::Context& context, Namespace::Parts& parts,
                                     const Mounts& mounts, const Path& path, Need need) {
  return locate_with(context, parts, mounts, path, need, true);
}

Result<meta::Location> refresh(const io::Context& context, Namespace::Parts& parts,
                               const Mounts& mounts, const Path& path) {
  BR_TRY(guard, parts.locks.lock(context, path));
  return reconcile_entry(context, parts, mounts, path, Need::kRead);
}

namespace {

/// The entry's copies checked against what was seen: kept, lost, or written over by someone else.
struct Verdict {
  std::vector<meta::Copy> kept;
  bool changed = false;  // a copy is lost, or is the same bytes under another version
  bool waits = false;    // a copy may be under its directory's old or new native name
  const Sighting* overwritten_by = nullptr;
};

/// The object says that it is this very generation, and its bytes agree: somebody (a move that was
/// cut off, a restore) has rewritten it as it was, for instance in another storage class.
bool is_same_generation(const meta::EntryRecord& record, const backend::CopyInfo& info) {
  const auto says = [&](const char* name) {
    const auto found = info.attributes.find(name);
    return found == info.attributes.end() ? std::string{} : found->second;
  };
  return says("beringia-generation") == std::to_string(record.generation) &&
         says("beringia-write-id") == record.write_id && info.size == record.stored_size() &&
         record.stored_crc32c() && info.crc32c == record.stored_crc32c();
}

/// A directory on the way was renamed and the native one did not follow yet (or nobody knows).
bool is_between_names(const meta::Location& location, const LiveBackend& live) {
  const auto& capabilities = live.client->capabilities();
  if (!capabilities.renames_directories && !capabilities.is_unsure) return false;
  return std::any_of(location.directories.begin(), location.directories.end(),
                     [&](const meta::DirectoryOnPath& directory) {
                       return directory.record.native_base.contains(live.declaration.id);
                     });
}

Verdict judge_copies(const Mounts& mounts, const LiveMount& mount, const meta::Location& location,
                     const std::vector<Sighting>& sightings) {
  Verdict verdict;
  for (const auto& copy : location.entry->copies) {
    auto place = mount.location_of(mounts.backend(copy.backend));
    const Sighting* seen = place.backend ? sighting_of(sightings, copy.backend,
                                                       native_name_of(copy, mount, place, location))
                                         : nullptr;
    if (seen == nullptr || seen->unknown || (seen->info && seen->info->version == copy.version)) {
      verdict.kept.push_back(copy);
    } else if (seen->info && is_same_generation(*location.entry, *seen->info)) {
      meta::Copy rewritten = copy;
      rewritten.version = seen->info->version;
      rewritten.storage_class = seen->info->storage_class;
      verdict.kept.push_back(std::move(rewritten));
      verdict.changed = true;
    } else if (seen->info) {
      if (verdict.overwritten_by == nullptr) verdict.overwritten_by = seen;
    } else if (is_between_names(location, *place.backend)) {
      verdict.kept.push_back(copy);
      verdict.waits = true;
    } else {
      verdict.changed = true;
    }
  }
  return verdict;
}

Result<const Sighting*> first_adoptable(const io::Context& context, Namespace::Parts& parts,
                                        const std::vector<Sighting>& sightings) {
  for (const auto& sighting : sightings) {
    if (!sighting.info) continue;
    BR_TRY(doomed,
           is_doomed(context, parts.store, sighting.place.backend->declaration.id, *sighting.info));
    if (doomed) continue;
    return &sighting;
  }
  return nullptr;
}

/// A name found in several places belongs to the first: is there something that someone put into a
/// place before those of the entry's copies?
Result<const Sighting*> put_before(const io::Context& context, Namespace::Parts& parts,
                                   const LiveMount& mount, const meta::EntryRecord& entry,
                                   const std::vector<Sighting>& sightings) {
  for (const auto& place : mount.locations) {
    if (is_copied_to(entry, place)) return nullptr;
    for (const auto& sighting : sightings) {
      if (!sighting.info || sighting.place.backend != place.backend) continue;
      BR_TRY(doomed,
             is_doomed(context, parts.store, place.backend->declaration.id, *sighting.info));
      if (!doomed) return &sighting;
    }
  }
  return nullptr;
}

/// Nobody has seen the name. Is it absent, although not every place has answered? Only an outage
/// lets what the catalog has learnt before stand. @error why nobody can tell
Result<void> check_absence(const io::Context& context, Namespace::Parts& parts,
                           const Mounts& mounts, const LiveMount& mount,
                           const meta::Location& location, const std::vector<Sighting>& sightings) {
  for (const auto& sighting : sightings) {
    if (!sighting.unknown) continue;
    bool known = false;
    if (sighting.error->code() == Code::kUnavailable) {
      BR_TRY(learnt, parent_is_known(context, parts, mounts, mount, location));
      known = learnt;
    }
    if (known) continue;
    return std::unexpected(Error{*sighting.error}.during("looking for " + location.path.text()));
  }
  return {};
}

Result<void> reconcile_once(const io::Context& context, Namespace::Parts& parts,
                            const Mounts& mounts, const LiveMount& mount, const Path& path,
                            Need need) {
  BR_TRY(location, parts.tree.resolve(context, path));
  auto sightings = look_everywhere(context, mounts, mount, location);
  for (const auto& sighting : sightings) BR_TRY(check_not_cancelled(sighting));
  BR_TRY(drop_claimed(context, parts, mount, location, sightings));
  Adoption adoption{context, parts, mounts, mount, location};
  if (location.entry) {
    Verdict verdict = judge_copies(mounts, mount, location, sightings);
    BR_TRY(before, put_before(context, parts, mount, *location.entry, sightings));
    if (before != nullptr) return adoption.overwrite(before->place, *before->info);
    if (verdict.overwritten_by != nullptr) {
      return adoption.overwrite(verdict.overwritten_by->place, *verdict.overwritten_by->info);
    }
    if (verdict.waits) {
      return std::unexpected(unavailable("cannot look for " + path.text(),
                                         "the rename of its directory is not finished natively"));
    }
    if (!verdict.kept.empty()) {
      if (!verdict.changed) return {};
      return adoption.keep_only(std::move(verdict.kept));
    }
    BR_TRY(moved, first_adoptable(context, parts, sightings));
    return moved != nullptr ? adoption.overwrite(moved->place, *moved->info) : adoption.forget();
  }
  BR_TRY(found, first_adoptable(context, parts, sightings));
  if (found != nullptr) {
    if (location.directories.size() < 2) {
      // Buckets stay when they are empty: an entry must not make one on the way.
      BR_TRY(bucket, Path::parse("/" + std::string{path.bucket()} + "/"));
      BR_TRY(make_found_directory(context, parts, bucket));
      BR_TRY(again, parts.tree.resolve(context, path));
      location = std::move(again);
    }
    return adoption.insert(found->place, *found->info);
  }
  if (need == Need::kWrite) return {};
  return check_absence(context, parts, mounts, mount, location, sightings);
}

}  // namespace

Result<meta::Location> reconcile_entry(const io::Context& context, Namespace::Parts& parts,
                                       const Mounts& mounts, const Path& path, Need need) {
  const LiveMount* mount = mounts.find(path);
  if (mount == nullptr) return parts.tree.resolve(context, path);
  // A sibling may make or drop the parent directory at the same time: look again.
  for (int attempt = 1;; ++attempt) {
    auto done = reconcile_once(context, parts, mounts, *mount, path, need);
    if (done) break;
    if (done.error().code() != Code::kConflict || attempt == kMaxAttempts) {
      return std::unexpected(std::move(done).error());
    }
  }
  parts.freshness.entries.mark(seen_name(mounts, *mount, path), parts.clock.monotonic());
  return parts.tree.resolve(context, path);
}

}  // namespace beringia::core
