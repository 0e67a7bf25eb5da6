#include "core/keeping.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/kill_point.h"
#include "core/doom.h"
#include "core/locks.h"
#include "core/reconcile.h"
#include "core/soft_delete.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

constexpr std::string_view kVersionsBelow = "versions/";

/// ".beringia/versions/<2 hex>/<generation>-<random>": never used twice.
std::string kept_name(uint64_t generation, Rng& rng) {
  std::string bytes;
  append_be64(bytes, generation);
  const std::string unique = random_hex(rng, 8);
  return std::string{backend::kReservedPrefix} + std::string{kVersionsBelow} + unique.substr(0, 2) +
         "/" + to_hex(bytes) + "-" + unique;
}

/// Cheapest first: links before copies, and backends that failed a moment ago last.
int rank_of(const LiveBackend& live, const meta::Copy& copy) {
  return (copy.state == meta::CopyState::kValid ? 0 : 4) + (is_avoided(live) ? 2 : 0) +
         (live.client->capabilities().zero_copy_read ? 0 : 1);
}

}  // namespace

bool stays_as_version(const meta::Location& location, const meta::EntryRecord& replaced) {
  const Versioning versioning = versioning_of(location);
  // Suspended: an unversioned generation takes the place of the one before.
  return versioning == Versioning::kOn ||
         (versioning == Versioning::kSuspended && replaced.versioned);
}

namespace {

/// Adds the row of a generation whose bytes are kept, as the bucket is now. False: it keeps nothing
/// any more.
bool add_kept(kv::Batch& batch, const meta::Location& location, meta::VersionRecord version,
              Timestamp now) {
  if (stays_as_version(location, version.record)) {
    meta::put_version(batch, versioned_key(location), version);
    return true;
  }
  const auto policy = soft_delete_of(location);
  if (!policy) return false;
  add_soft_deleted(batch, location, *policy, std::move(version), now);
  return true;
}

}  // namespace

std::vector<meta::KeptName> Keeping::names() const {
  std::vector<meta::KeptName> names;
  for (const auto& candidate : candidates) names.push_back(candidate.name);
  return names;
}

Keeping plan_keeping(Namespace::Parts& parts, const Mounts& mounts,
                     const meta::Location& location) {
  Keeping keeping;
  if (!location.entry) return keeping;
  if (!stays_as_version(location, *location.entry) && !soft_delete_of(location)) return keeping;
  keeping.replaced = location.entry;
  std::vector<std::pair<int, const meta::Copy*>> ranked;
  for (const auto& copy : location.entry->copies) {
    const auto live = mounts.backend(copy.backend);
    if (live) ranked.emplace_back(rank_of(*live, copy), &copy);
  }
  // Copies lie in one vector: their addresses keep the written order among equals.
  std::sort(ranked.begin(), ranked.end());
  for (const auto& [rank, copy] : ranked) {
    keeping.candidates.push_back(
        {*copy, {copy->backend, kept_name(location.entry->generation, parts.rng)}});
  }
  return keeping;
}

Result<void> keep(const io::Context& context, const Mounts& mounts, const meta::Location& location,
                  Keeping& keeping) {
  if (!keeping.replaced) return {};
  const LiveMount* mount = mounts.find(location.path);
  Error last = unavailable("cannot keep the version of " + location.path.text() + " that was",
                           "no backend has its bytes");
  for (const auto& [copy, name] : keeping.candidates) {
    if (mount == nullptr) break;
    const auto place = mount->location_of(mounts.backend(copy.backend));
    if (!place.backend) continue;
    ++keeping.tried;
    auto info = place.backend->client->rename(
        context, {native_name_of(copy, *mount, place, location), name.native_name, copy.version,
                  backend::Expectation::any(), true, std::nullopt});
    if (info) {
      keeping.kept = copy;
      keeping.kept->state = meta::CopyState::kValid;
      keeping.kept->native_name = name.native_name;
      keeping.kept->version = info->version;
      BR_KILL_POINT("version.kept");
      return {};
    }
    last = std::move(info).error();
    note_backend_failure(*place.backend, last);
    if (last.code() == Code::kConflict || last.code() == Code::kNotFound) {
      return std::unexpected(
          conflict("cannot keep the version of " + location.path.text() + " that was",
                   last.to_string(), "send it again")
              .with_tag("race"));
    }
  }
  return std::unexpected(std::move(last).during("keeping the version that was"));
}

void bury_kept(kv::Batch& batch, const meta::Location& location, const Keeping& keeping,
               std::vector<meta::KeptName> names, Timestamp now,
               std::vector<meta::DoomedCopy>& doomed) {
  if (!keeping.kept) return;
  meta::VersionRecord version{*keeping.replaced, false, now};
  version.record.copies = {*keeping.kept};
  bury_version(batch, location, version, now, doomed);
  std::erase_if(names, [&](const meta::KeptName& name) {
    return name.native_name == keeping.kept->native_name;
  });
  doom_names(batch, names, now, doomed);
}

void doom_names(kv::Batch& batch, const std::vector<meta::KeptName>& names, Timestamp now,
                std::vector<meta::DoomedCopy>& doomed) {
  for (const auto& name : names) {
    doomed.push_back({now, name.backend, name.native_name, {}});
    doom_copy(batch, doomed.back());
  }
}

void doom_version(kv::Batch& batch, const meta::VersionRecord& version, Timestamp now,
                  std::vector<meta::DoomedCopy>& doomed) {
  for (const auto& copy : version.record.copies) {
    doomed.push_back({now, copy.backend, copy.native_name, copy.version});
    doom_copy(batch, doomed.back());
  }
}

void bury_version(kv::Batch& batch, const meta::Location& location,
                  const meta::VersionRecord& version, Timestamp now,
                  std::vector<meta::DoomedCopy>& doomed) {
  const auto policy = soft_delete_of(location);
  if (policy && !version.delete_marker) {
    add_soft_deleted(batch, location, *policy, version, now);
  } else {
    doom_version(batch, version, now, doomed);
  }
}

Result<void> add_history(const io::Context& context, Namespace::Parts& parts, kv::Batch& batch,
                         const meta::Location& location, const HistoryChange& change,
                         std::vector<meta::DoomedCopy>& doomed) {
  const Keeping& keeping = change.keeping;
  if (versioning_of(location) == Versioning::kOff && !keeping.replaced) return {};
  const auto key = versioned_key(location);
  // The bucket is still there: a version may be all that is in it.
  const auto& bucket = location.directories[1];
  batch.check(meta::directory_key(bucket.id), bucket.record_bytes);
  if (change.unversioned && versioning_of(location) != Versioning::kOff) {
    BR_TRY(older, meta::find_unversioned(context, parts.store, key));
    if (older) {
      if (!older->version.delete_marker) {
        BR_TRY(check_removable(location, older->version.record, change.now, false));
      }
      meta::remove_version(batch, *older);
      bury_version(batch, location, older->version, change.now, doomed);
    }
  }
  if (keeping.replaced && keeping.kept) {
    meta::VersionRecord version{*keeping.replaced, false, change.now};
    version.record.copies = {*keeping.kept};
    std::vector<meta::KeptName> unused;
    for (size_t i = 0; i + 1 < keeping.tried; ++i) unused.push_back(keeping.candidates[i].name);
    if (!add_kept(batch, location, std::move(version), change.now)) {
      unused.push_back({keeping.kept->backend, keeping.kept->native_name});
    }
    doom_names(batch, unused, change.now, doomed);
  }
  if (change.marker != nullptr) meta::put_version(batch, key, *change.marker);
  return {};
}

Result<meta::VersionRecord> make_marker(const io::Context& context, Namespace::Parts& parts,
                                        const std::string& owner, bool unversioned) {
  BR_TRY(generation, parts.generations.next(context));
  meta::VersionRecord marker;
  marker.delete_marker = true;
  marker.record.generation = generation;
  marker.record.versioned = !unversioned;
  marker.record.owner = owner;
  marker.record.created = marker.record.modified = parts.clock.wall();
  marker.became_noncurrent = marker.record.created;
  return marker;
}

Result<std::optional<meta::Copy>> find_kept(const io::Context& context, const Mounts& mounts,
                                            const std::vector<meta::KeptName>& names) {
  for (const auto& name : names) {
    const auto live = mounts.backend(name.backend);
    if (!live) continue;
    auto info = live->client->stat(context, {name.native_name});
    if (info) {
      meta::Copy copy;
      copy.backend = name.backend;
      copy.native_name = name.native_name;
      copy.version = info->version;
      copy.storage_class = info->storage_class;
      return copy;
    }
    if (info.error().code() != Code::kNotFound) return std::unexpected(std::move(info).error());
  }
  return std::nullopt;
}

Result<void> settle_kept(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                         kv::Batch& batch, const Path& path, const meta::EntryRecord& replaced,
                         const std::vector<meta::KeptName>& names, Timestamp now,
                         std::vector<meta::DoomedCopy>& doomed) {
  BR_TRY(location, parts.tree.resolve(context, path));
  const bool has_bucket = location.directories.size() >= 2;
  const bool still_current = location.entry && location.entry->generation == replaced.generation;
  std::optional<meta::Copy> copy;
  if (has_bucket && !still_current) {
    BR_TRY(found, find_kept(context, mounts, names));
    copy = std::move(found);
  }
  if (!copy) {
    doom_names(batch, names, now, doomed);
    return {};
  }
  const auto key = versioned_key(location);
  const auto& bucket = location.directories[1];
  batch.check(meta::directory_key(bucket.id), bucket.record_bytes);
  // Whoever took the foreign change over may have made it a version already (Adoption).
  BR_TRY(known, meta::find_version(context, parts.store, key, replaced.generation));
  if (!known) {
    meta::VersionRecord version{replaced, false, now};
    version.record.copies = {*copy};
    const bool is_version = stays_as_version(location, replaced);
    if (!add_kept(batch, location, std::move(version), now)) {
      doom_names(batch, names, now, doomed);
      return {};
    }
    if (!location.entry && is_version) {
      BR_TRY(marker, make_marker(context, parts, replaced.owner));
      meta::put_version(batch, key, marker);
    }
  }
  std::vector<meta::KeptName> unused = names;
  std::erase_if(unused, [&](const meta::KeptName& name) {
    return name.backend == copy->backend && name.native_name == copy->native_name;
  });
  doom_names(batch, unused, now, doomed);
  return {};
}

}  // namespace beringia::core
