#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "meta/records.h"

namespace beringia::meta {

// Key shapes of every table (docs/formats/catalog.md). Integers big-endian, names raw bytes.

/// 'e' | parent_id 8 B | name            (a directory's name ends in '/')
std::string entry_key(DirectoryId parent, std::string_view name);
/// [first, last) of all children of a directory.
std::string children_first(DirectoryId parent);
std::string children_last(DirectoryId parent);
/// The name part of an entry key.
std::string_view name_of_entry_key(std::string_view key);
/// 'v' | directory id of the bucket 8 B | key inside the bucket | 0x00 | ~generation 8 B: in the
/// order of keys (which hold no NUL), of one key the newest first.
/// 'w' | ... likewise: what was deleted or replaced softly, and can be restored until its time.
enum class VersionTable : char { kNoncurrent = 'v', kSoftDeleted = 'w' };
std::string version_key(DirectoryId bucket, std::string_view key, uint64_t generation,
                        VersionTable table = VersionTable::kNoncurrent);
/// What all versions of a key begin with; of a bucket, when `key` is not given.
std::string versions_prefix(DirectoryId bucket, std::string_view key,
                            VersionTable table = VersionTable::kNoncurrent);
std::string versions_prefix(DirectoryId bucket, VersionTable table = VersionTable::kNoncurrent);
/// The first key behind all that begin with `prefix`.
std::string behind(std::string prefix);
/// Key and generation of a version's key. nullopt: it is none.
struct VersionName {
  std::string_view key;
  uint64_t generation = 0;
  DirectoryId bucket = 0;
};
std::optional<VersionName> name_of_version_key(std::string_view row_key);
/// 'x' | when the row goes for good 8 B | key of a 'w' or 'y' row
std::string expiry_key(Timestamp due, std::string_view row_key);
/// The row that it is of. nullopt: it is none
std::optional<std::string_view> row_of_expiry_key(std::string_view key);
/// 'y' | name of a bucket that was deleted softly | 0x00 | ~generation 8 B: the newest first.
std::string deleted_bucket_key(std::string_view bucket, uint64_t generation);
/// What all of one name begin with; "" = of all names.
std::string deleted_buckets_prefix(std::string_view bucket);
std::string directory_key(DirectoryId id);                   // 'd' | id
std::string sync_key(DirectoryId id);                        // 's' | id
std::string intent_key(std::string_view path);               // 'i' | path of the entry
std::string outcome_key(std::string_view id);                // 'o' | id
std::string upload_key(std::string_view id);                 // 'u' | id
std::string part_key(std::string_view id, uint32_t number);  // 'u' | id | 0x00 | number 4 B
std::string run_key(std::string_view run);                   // 'r' | run id
std::string move_key(std::string_view run, uint64_t seq);    // 'j' | run id | 0x00 | seq 8 B
std::string doomed_key(Timestamp due, BackendId backend,
                       std::string_view native_name);  // 'g' | ...
std::string system_key(std::string_view name);         // 'z' | name
/// 'z' | "events/" | name of a notification target: the last feed row that it was told of, decimal.
std::string event_cursor_key(std::string_view target);
/// 'z' | "changes/" | name of a backend: the time of the newest foreign change that was followed,
/// in microseconds, decimal.
std::string change_cursor_key(std::string_view backend);
/// 'z' | "scan/" | path of a mount: how far its scan is, and what it has found (JSON).
std::string scan_key(std::string_view mount);
inline constexpr std::string_view kFeedStream = "f";  // 'f' | number 8 B

}  // namespace beringia::meta
