#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/context.h"
#include "kv/store.h"
#include "meta/keys.h"
#include "meta/records.h"

namespace beringia::meta {

// The 'v' rows: generations of a key that are not current, and marks of deletions. They belong to
// the bucket and the whole key, not to a directory, which may be gone with the last entry in it.
// Written under the lock of the entry's path only.

/// A key inside a bucket.
struct VersionedKey {
  DirectoryId bucket = 0;
  std::string key;
  VersionTable table = VersionTable::kNoncurrent;
};

/// One row, as read.
struct StoredVersionRow {
  std::string key;  // inside the bucket
  VersionRecord version;
  std::string row_key;
  std::string row_value;
};

[[nodiscard]] Result<std::optional<StoredVersionRow>> find_version(const io::Context& context,
                                                                   kv::Store& store,
                                                                   const VersionedKey& key,
                                                                   uint64_t generation);
/// The one that was written while its bucket kept no versions; there is at most one. Looks at all
/// rows of the key, page by page.
[[nodiscard]] Result<std::optional<StoredVersionRow>> find_unversioned(const io::Context& context,
                                                                       kv::Store& store,
                                                                       const VersionedKey& key);
/// Rows of one key, the newest first: those with generation < `before` (0: all).
[[nodiscard]] Result<std::vector<StoredVersionRow>> versions_of(const io::Context& context,
                                                                kv::Store& store,
                                                                const VersionedKey& key,
                                                                uint64_t before, size_t limit);
/// Rows of a bucket with first <= row key < last (keys.h), in order.
[[nodiscard]] Result<std::vector<StoredVersionRow>> versions_between(const io::Context& context,
                                                                     kv::Store& store,
                                                                     std::string_view first,
                                                                     std::string_view last,
                                                                     size_t limit);

/// Adds the row; the batch conflicts if there is one of that generation already.
void put_version(kv::Batch& batch, const VersionedKey& key, const VersionRecord& version);
/// Adds: the check that the row is as it was read, and its removal.
void remove_version(kv::Batch& batch, const StoredVersionRow& row);

/// Adds a 'w' row and the row that ends it. `version.hard_delete` is set. The batch conflicts as
/// that of put_version() does.
void put_soft_deleted(kv::Batch& batch, VersionedKey key, const VersionRecord& version);

/// A bucket that was deleted softly, as read.
struct StoredDeletedBucketRow {
  std::string name;
  DeletedBucketRecord record;
  std::string row_key;
  std::string row_value;
};
void put_deleted_bucket(kv::Batch& batch, std::string_view name, const DeletedBucketRecord& record);
void remove_deleted_bucket(kv::Batch& batch, const StoredDeletedBucketRow& row);
/// By name, of one name the newest first. `name` "" = of all names. `after`: a row key, "" = none.
[[nodiscard]] Result<std::vector<StoredDeletedBucketRow>> deleted_buckets(
    const io::Context& context, kv::Store& store, std::string_view name, std::string_view after,
    size_t limit);

/// 'w' and 'y' rows whose time has come.
struct DueRow {
  std::string expiry_key;
  std::string row_key;
};
[[nodiscard]] Result<std::vector<DueRow>> rows_due(const io::Context& context, kv::Store& store,
                                                   Timestamp now, size_t limit);
/// The 'w' row of that key. nullopt: it is gone
[[nodiscard]] Result<std::optional<StoredVersionRow>> version_at(const io::Context& context,
                                                                 kv::Store& store,
                                                                 const std::string& row_key);

}  // namespace beringia::meta
