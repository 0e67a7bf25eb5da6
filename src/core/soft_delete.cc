#include "core/soft_delete.h"

#include "base/encoding.h"
#include "core/doom.h"
#include "core/keeping.h"
#include "core/publication.h"
#include "core/versions.h"
#include "observe/metrics.h"

namespace beringia::core {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

const observe::Counter kExpired{"beringia_core_soft_deleted_expired_total",
                                "What was deleted softly and is gone for good.",
                                {"kind"}};

}  // namespace

/// "SECONDS SINCE"; since in microseconds.
std::string encode(const SoftDelete& soft_delete) {
  return std::to_string(soft_delete.seconds) + " " + std::to_string(soft_delete.since.micros);
}

std::optional<SoftDelete> parse_soft_delete(std::string_view text) {
  const size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto seconds = parse_u64(text.substr(0, blank));
  const auto since = parse_u64(text.substr(blank + 1));
  if (!seconds || !since) return std::nullopt;
  return SoftDelete{*seconds, Timestamp{static_cast<int64_t>(*since)}};
}

std::optional<SoftDelete> soft_delete_of(const meta::DirectoryEntry& bucket) {
  const auto found = bucket.attributes.find(std::string{kSoftDeleteAttribute});
  return found == bucket.attributes.end() ? std::nullopt : parse_soft_delete(found->second);
}

std::optional<SoftDelete> soft_delete_of(const meta::Location& location) {
  if (location.directories.size() < 2 || !location.directories[1].entry) return std::nullopt;
  const auto policy = soft_delete_of(*location.directories[1].entry);
  return policy && policy->seconds > 0 ? policy : std::nullopt;
}

void add_soft_deleted(kv::Batch& batch, const meta::Location& location, const SoftDelete& policy,
                      meta::VersionRecord version, Timestamp now) {
  version.became_noncurrent = now;
  version.hard_delete =
      Timestamp{now.micros + static_cast<int64_t>(policy.seconds) * kMicrosPerSecond};
  meta::put_soft_deleted(batch, versioned_key(location), version);
}

Result<std::optional<meta::StoredVersionRow>> find_soft_deleted(const io::Context& context,
                                                                Namespace::Parts& parts,
                                                                const meta::Location& location,
                                                                uint64_t generation) {
  if (location.directories.size() < 2) return std::nullopt;
  auto key = versioned_key(location);
  key.table = meta::VersionTable::kSoftDeleted;
  BR_TRY(row, meta::find_version(context, parts.store, key, generation));
  if (row && row->version.hard_delete <= parts.clock.wall()) return std::nullopt;
  return std::move(row);
}

Result<meta::Location> choose_soft_deleted(const io::Context& context, Namespace::Parts& parts,
                                           meta::Location location,
                                           std::optional<uint64_t> generation,
                                           std::optional<meta::StoredVersionRow>* row) {
  BR_TRY(found, find_soft_deleted(context, parts, location, generation.value_or(0)));
  if (!found) {
    return std::unexpected(not_found("there is no soft-deleted generation " +
                                     std::to_string(generation.value_or(0)) + " of " +
                                     location.path.text())
                               .with_tag("no_version"));
  }
  location.entry = found->version.record;
  if (row != nullptr) *row = std::move(found);
  return location;
}

Result<Entry> Namespace::find_soft_deleted(const io::Context& context, const Grant& grant,
                                           uint64_t generation) {
  BR_TRY(location, parts_.tree.resolve(context, grant.path()));
  std::optional<meta::StoredVersionRow> row;
  BR_TRY(chosen, choose_soft_deleted(context, parts_, std::move(location), generation, &row));
  grant.note_generation(generation);
  return entry_of(chosen, std::move(row->version));
}

namespace {

audit::Record expiry_record(const std::string& path, uint64_t generation, Timestamp now) {
  audit::Record record;
  record.time = now;
  record.principal = "system:soft-delete";
  record.credential = "internal";
  record.door = "system";
  record.operation = "soft-delete.expired";
  record.path = path;
  record.generation = generation;
  record.allowed = true;
  record.rule = "the bucket's soft delete policy";
  return record;
}

/// "" where the bucket is gone, too.
std::string path_of(const io::Context& context, Namespace::Parts& parts, std::string_view row_key) {
  const auto name = meta::name_of_version_key(row_key);
  if (!name) return {};
  auto bucket = parts.tree.path_of(context, name->bucket);
  return bucket ? bucket->text() + std::string{name->key} : std::string{};
}

Result<void> expire_object(const io::Context& context, Namespace::Parts& parts,
                           const Mounts& mounts, const meta::DueRow& due) {
  const Timestamp now = parts.clock.wall();
  const std::string text = path_of(context, parts, due.row_key);
  PathLocks::Guard guard;
  if (!text.empty()) {
    BR_TRY(path, Path::parse(text));
    BR_TRY(locked, parts.locks.lock(context, path));
    guard = std::move(locked);
  }
  BR_TRY(row, meta::version_at(context, parts.store, due.row_key));
  kv::Batch batch;
  batch.remove(due.expiry_key);
  std::vector<meta::DoomedCopy> doomed;
  if (row) {
    meta::remove_version(batch, *row);
    doom_version(batch, row->version, now, doomed);
    batch.append(std::string{audit::kStream},
                 audit::to_canonical_json(expiry_record(text.empty() ? "/" : text,
                                                        row->version.record.generation, now)));
  }
  BR_TRY(parts.store.commit(context, std::move(batch), kv::Durability::kSync));
  kExpired.add(1, {"object"});
  for (const auto& copy : doomed) {
    // Whoever restores it just now reads to the end; the reaper comes again.
    if (parts.open_reads.any(copy.backend, copy.native_name, copy.version)) continue;
    execute_doomed(context, parts, mounts, copy);
  }
  return {};
}

Result<void> expire_bucket(const io::Context& context, Namespace::Parts& parts,
                           const meta::DueRow& due) {
  kv::Batch batch;
  batch.remove(due.expiry_key);
  batch.remove(due.row_key);
  BR_TRY(parts.store.commit(context, std::move(batch), kv::Durability::kSync));
  kExpired.add(1, {"bucket"});
  return {};
}

}  // namespace

Result<uint64_t> expire_soft_deleted(const io::Context& context, Namespace::Parts& parts,
                                     size_t limit) {
  const auto mounts = parts.mounts.get();
  BR_TRY(due, meta::rows_due(context, parts.store, parts.clock.wall(), limit));
  for (const auto& row : due) {
    BR_TRY(context.check(parts.clock.monotonic()));
    const bool is_bucket = row.row_key.starts_with('y');
    auto done = is_bucket ? expire_bucket(context, parts, row)
                          : expire_object(context, parts, *mounts, row);
    // Somebody restored or changed it meanwhile: the next round looks again.
    if (!done && done.error().code() != Code::kConflict) {
      return std::unexpected(std::move(done).error());
    }
  }
  return due.size();
}

}  // namespace beringia::core
