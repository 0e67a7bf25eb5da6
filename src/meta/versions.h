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

}  // namespace beringia::meta
