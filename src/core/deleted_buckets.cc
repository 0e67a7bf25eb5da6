// Buckets that were deleted softly: remove_directory() leaves a row of them behind.
#include "base/encoding.h"
#include "core/events.h"
#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/soft_delete.h"
#include "meta/versions.h"

namespace beringia::core {
namespace {

constexpr size_t kMaxOfOneName = 1000;  // looked through for a generation

Result<Path> bucket_path_of(const std::string& name) { return Path::parse("/" + name + "/"); }

Result<std::optional<meta::StoredDeletedBucketRow>> find_deleted(const io::Context& context,
                                                                 Namespace::Parts& parts,
                                                                 const Path& path,
                                                                 uint64_t generation) {
  BR_TRY(rows, meta::deleted_buckets(context, parts.store, path.bucket(), "", kMaxOfOneName));
  for (auto& row : rows) {
    if (row.record.bucket.generation != generation) continue;
    if (row.record.hard_delete <= parts.clock.wall()) break;
    return std::move(row);
  }
  return std::nullopt;
}

}  // namespace

Result<Namespace::DeletedBuckets> Namespace::list_deleted_buckets(const io::Context& context,
                                                                  const Grant& /*grant*/,
                                                                  const std::string& name,
                                                                  const std::string& after,
                                                                  size_t limit) {
  std::string position;
  if (!after.empty()) {
    const auto decoded = from_base64url(after);
    if (!decoded || !decoded->starts_with('y')) {
      return std::unexpected(invalid("the page's token is damaged"));
    }
    position = *decoded;
  }
  BR_TRY(rows, meta::deleted_buckets(context, parts_.store, name, position, limit));
  DeletedBuckets found;
  if (rows.size() == limit && !rows.empty()) found.next = to_base64url(rows.back().row_key);
  for (auto& row : rows) {
    if (row.record.hard_delete <= parts_.clock.wall()) continue;
    BR_TRY(path, bucket_path_of(row.name));
    found.items.push_back({std::move(path), std::move(row.record.bucket), row.record.deleted,
                           row.record.hard_delete});
  }
  return found;
}

Result<DirectoryInfo> Namespace::restore_bucket(const io::Context& context, const Grant& grant,
                                                uint64_t generation) {
  const auto mounts = parts_.mounts.get();
  const Path& path = grant.path();
  const LiveMount* mount = mounts->find(path);
  if (mount == nullptr || mount->locations.empty()) {
    return std::unexpected(not_found("cannot restore " + path.text(), "no mount holds this path"));
  }
  if (mount->declaration.read_only) {
    return std::unexpected(denied("cannot restore " + path.text(), "its mount is read-only"));
  }
  BR_TRY(exists, find_bucket(context, parts_, *mounts, path));
  if (exists) {
    return std::unexpected(already_exists("cannot restore " + path.text(),
                                          "there is a bucket of that name", "remove it first"));
  }
  BR_TRY(before, parts_.tree.resolve(context, path));
  for (const auto& place : mount->locations) {
    if (!place.backend->client->capabilities().native_directories) continue;
    BR_TRY(
        place.backend->client->make_directory(context, default_native_name(*mount, place, before)));
  }
  for (int attempt = 1;; ++attempt) {
    BR_TRY(at, parts_.tree.resolve(context, path));
    BR_TRY(row, find_deleted(context, parts_, path, generation));
    if (!row) {
      return std::unexpected(not_found("there is no soft-deleted bucket " +
                                       std::string{path.bucket()} + " of generation " +
                                       std::to_string(generation))
                                 .with_tag("no_bucket"));
    }
    if (at.parent_exists) {
      return std::unexpected(already_exists("cannot restore " + path.text(),
                                            "there is a bucket of that name", "remove it first"));
    }
    meta::DirectoryEntry entry = row->record.bucket;
    entry.metageneration += 1;
    kv::Batch batch;
    parts_.tree.put_directory(batch, at, entry, parts_.clock.wall());
    meta::remove_deleted_bucket(batch, *row);
    append_change(
        parts_.event_rules, batch, at,
        {meta::FeedRecord::Kind::kAttributes, wire::EventKind::kNone, 0, parts_.clock.wall()},
        actor_of(grant));
    batch.append(std::string{audit::kStream}, grant.record_for_commit());
    auto committed = parts_.store.commit(context, batch, kv::Durability::kSync);
    parts_.tree.committed(batch);
    if (committed) {
      grant.committed();
      return DirectoryInfo{path, std::move(entry)};
    }
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
  }
}

}  // namespace beringia::core
