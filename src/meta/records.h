#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "meta/encryption.h"
#include "wire/notification.h"

namespace beringia::meta {

/// Identity of a directory; kRootDirectory is "/". Random otherwise (no hot tail in any engine).
using DirectoryId = uint64_t;
inline constexpr DirectoryId kRootDirectory = 1;

/// Small number of a backend, given when it is declared, never reused.
using BackendId = uint32_t;

/// Short ordered string map: user metadata, tags, HTTP attributes.
using StringMap = std::map<std::string, std::string>;

enum class CopyState : uint8_t {
  kValid = 0,     ///< holds the entry's generation, may be read
  kRetiring = 1,  ///< still holds it, a move will remove it; read only if nothing else is left
};

/// The bytes of the entry's current generation in one backend.
struct Copy {
  BackendId backend = 0;
  CopyState state = CopyState::kValid;
  std::string native_name;    ///< empty: the default name (mount prefix + path below the mount)
  std::string version;        ///< backend::Version of these bytes
  std::string storage_class;  ///< "" = backend default
  Timestamp checked;          ///< last time the native object was seen to be this version
  bool operator==(const Copy&) const = default;
};

/// What keeps a version from being removed for good.
struct Lock {
  enum class Mode : uint8_t { kNone = 0, kGovernance = 1, kCompliance = 2 };
  Mode mode = Mode::kNone;
  Timestamp until;          ///< of the mode
  bool hold = false;        ///< besides, until it is taken off
  bool event_hold = false;  ///< likewise; the bucket's retention counts from when it was taken off
  bool any_bucket = false;  ///< `hold` was set by a door whose holds need no lock of the bucket
  Timestamp counts_from;    ///< what the bucket's retention counts from; 0 = the generation's birth
  bool operator==(const Lock&) const = default;
};

/// A file (object) in the namespace. Encoded compactly: versioned, absent fields take no bytes.
struct EntryRecord {
  uint64_t generation = 0;      ///< strictly increasing per entry, never reused
  uint64_t metageneration = 1;  ///< attribute changes of this generation, from 1
  uint64_t size = 0;
  Timestamp created;   ///< of this generation
  Timestamp modified;  ///< last change, attributes included
  std::optional<uint32_t> crc32c;
  std::optional<std::string> md5;  ///< 16 raw bytes; absent for composed / adopted without it
  std::string etag;  ///< without quotes; empty: derived (md5 hex, else from generation)
  std::string content_type;
  std::string owner;     ///< principal name
  std::string write_id;  ///< id of the write that made it (also in native attributes)
  StringMap http;  ///< cache-control, content-disposition, content-encoding, content-language ...
  StringMap metadata;  ///< user metadata, keys as given (lower case from S3)
  StringMap tags;
  StringMap
      checksums;  ///< further checksums as served: "crc64nvme" -> base64, "type" -> FULL_OBJECT
  std::vector<uint64_t> part_sizes;  ///< multipart: bytes of each part, in order
  std::vector<Copy> copies;          ///< in order of preference as written; at least one
  std::string placed_by;  ///< run id and policy number of the move that placed it, "" = the write
  std::string storage_class;  ///< class asked for by the client, "" = STANDARD
  std::string acl;            ///< as access::encode(Acl), "" = private; only where lists hold
  Encryption encryption;   ///< size, crc32c, md5, checksums and part_sizes are of the plain bytes
  bool versioned = false;  ///< written while its bucket kept versions
  Lock lock;
  bool operator==(const EntryRecord&) const = default;

  std::string effective_etag() const;
  // Of the bytes as they lie in the backends: what native objects are compared with.
  uint64_t stored_size() const;
  std::optional<uint32_t> stored_crc32c() const;
  std::optional<std::string> stored_md5() const;
};

std::string encode(const EntryRecord& record);
[[nodiscard]] Result<EntryRecord> decode_entry(std::string_view bytes);

/// The 'v' row: a generation that is not current any more, or the mark of a deletion.
struct VersionRecord {
  EntryRecord record;  ///< of a mark: generation, time, owner, `versioned`; the rest is empty
  bool delete_marker = false;
  Timestamp became_noncurrent;  ///< of a mark: when it was set; of a 'w' row: when it was deleted
  Timestamp hard_delete;        ///< of a 'w' row: when it goes for good
  bool operator==(const VersionRecord&) const = default;
};
std::string encode(const VersionRecord& record);
[[nodiscard]] Result<VersionRecord> decode_version(std::string_view bytes);

/// The row of a directory in its parent ('e' row whose name ends in '/').
struct DirectoryEntry {
  DirectoryId id = 0;
  bool explicit_directory = false;  ///< made on purpose (bucket, mkdir): stays when empty
  Timestamp created;
  std::string owner;
  uint64_t generation = 0;
  uint64_t metageneration = 1;
  Timestamp modified;    ///< of its attributes; 0 = never
  StringMap attributes;  ///< bucket attributes (location, storage class, labels ...)
  bool operator==(const DirectoryEntry&) const = default;
};
/// Attribute of a bucket whose directories all stay when they are empty, also those that were made
/// on the way to an entry: "true".
inline constexpr const char* kHierarchyAttribute = "hierarchical";
std::string encode(const DirectoryEntry& record);
/// The 'y' row: a bucket that was deleted softly. Its 'w' rows are there, under its id.
struct DeletedBucketRecord {
  DirectoryEntry bucket;
  Timestamp deleted;
  Timestamp hard_delete;
};
std::string encode(const DeletedBucketRecord& record);
[[nodiscard]] Result<DeletedBucketRecord> decode_deleted_bucket(std::string_view bytes);
[[nodiscard]] Result<DirectoryEntry> decode_directory_entry(std::string_view bytes);

/// The 'd' row: how to get from an id to a path, and where its files are natively.
struct DirectoryRecord {
  DirectoryId parent = 0;
  std::string name;  ///< without '/'
  /// After a rename that is not settled natively: per backend the native prefix (ends in '/')
  /// under which children of this directory are still found. Inherited by its subdirectories.
  std::map<BackendId, std::string> native_base;
  bool operator==(const DirectoryRecord&) const = default;
};
std::string encode(const DirectoryRecord& record);
[[nodiscard]] Result<DirectoryRecord> decode_directory(std::string_view bytes);

/// The 's' row: how fresh the catalog's view of a directory is (shared mounts, first import).
struct SyncRecord {
  Timestamp synced_at;  ///< 0 = never
  uint64_t epoch = 0;   ///< estate epoch under which it was synced; another epoch = never
  std::string token;    ///< backend hint (file: mtime of the directory)
};
std::string encode(const SyncRecord& record);
[[nodiscard]] Result<SyncRecord> decode_sync(std::string_view bytes);

/// A second native name, ours alone and never used twice.
struct KeptName {
  BackendId backend = 0;
  std::string native_name;
  bool operator==(const KeptName&) const = default;
};

/// A write in flight: one per entry key, also its write lease.
struct IntentRecord {
  enum class Kind : uint8_t { kWrite = 1, kDelete = 2, kRename = 3, kMove = 4, kUpdate = 5 };
  std::string id;  ///< write id: also stored natively as attribute "beringia-write-id"
  Kind kind = Kind::kWrite;
  std::string path;        ///< the entry
  std::string other_path;  ///< rename target
  BackendId backend = 0;
  std::string native_name;
  std::string expected_version;  ///< native version seen before, "" = absent
  uint64_t generation = 0;       ///< generation this write will have
  Timestamp started;
  uint64_t boot = 0;  ///< which process run owns it; another run's intents are to be recovered
  std::string
      entry;  ///< encoded EntryRecord to commit when rolling forward (checksums filled then)
  /// What is kept of the generation that this change replaces: its record, encoded, and second
  /// names for its bytes, in the order in which they were tried; the first that exists counts.
  std::string replaced;
  std::vector<KeptName> kept;
  /// Likewise for the source of a rename, whose record its own row tells.
  std::vector<KeptName> other_kept;
  /// An older generation comes back (`kept` is empty): this one, current until then, goes for good.
  uint64_t drops_generation = 0;
  bool brings_back = false;  ///< `entry` is a generation that was not current
};
std::string encode(const IntentRecord& record);
[[nodiscard]] Result<IntentRecord> decode_intent(std::string_view bytes);

/// The 'o' row: what became of an intent; kept 24 h so that slow owners and retries find out.
struct OutcomeRecord {
  enum class Result : uint8_t { kCommitted = 1, kAborted = 2 };
  Result result = Result::kAborted;
  uint64_t generation = 0;
  Timestamp time;
};
std::string encode(const OutcomeRecord& record);
[[nodiscard]] beringia::Result<OutcomeRecord> decode_outcome(std::string_view bytes);

/// A multipart or resumable upload.
struct UploadRecord {
  std::string id;
  std::string path;
  std::string owner;
  Timestamp started;
  std::string protocol;  ///< "s3" or "gcs": only listed by the protocol that began it
  std::string content_type;
  std::string storage_class;
  StringMap http;
  StringMap metadata;
  StringMap tags;
  StringMap options;  ///< protocol's own: checksum algorithm and type, preconditions, total size
  BackendId backend = 0;  ///< where the parts are staged
  uint64_t boot = 0;
  std::string acl;        ///< of the entry to be
  Encryption encryption;  ///< its parts are streams under one data key
  Lock lock;
};
std::string encode(const UploadRecord& record);
[[nodiscard]] Result<UploadRecord> decode_upload(std::string_view bytes);

struct PartRecord {
  uint32_t number = 0;
  uint64_t size = 0;
  std::string native_name;
  std::string version;  ///< "" = a piece of a file that other parts share
  uint32_t crc32c = 0;
  std::string md5;  ///< 16 raw bytes
  StringMap checksums;
  Timestamp modified;
  std::optional<uint32_t> stored_crc32c;  ///< encrypted parts: of the stored bytes
  uint64_t offset = 0;                    ///< of a piece, in that file
};
std::string encode(const PartRecord& record);
[[nodiscard]] Result<PartRecord> decode_part(std::string_view bytes);

/// One step row of a move: planned -> copying -> verifying -> switching -> cleaning -> done.
struct MoveRecord {
  enum class State : uint8_t {
    kPlanned = 1,
    kCopying,
    kVerifying,
    kSwitching,
    kCleaning,
    kDone,
    kSkipped,
    kFailed,
  };
  State state = State::kPlanned;
  std::string path;
  uint64_t generation = 0;  ///< the generation that is moved; another one = skipped
  uint64_t size = 0;
  BackendId from = 0;
  std::string from_name;
  std::string from_version;
  BackendId to = 0;
  std::string to_name;
  std::string to_version;  ///< known after copying
  std::string to_class;
  bool keep_source = false;  ///< replicate instead of move
  bool spare = false;        ///< the target's copy was there before: only the source goes
  uint32_t crc32c = 0;       ///< computed while copying
  Timestamp switched_at;     ///< grace time for the source's removal starts
  std::string rule;          ///< policy name
  std::string note;          ///< why skipped or failed
  uint32_t attempts = 0;
};
std::string_view to_string(MoveRecord::State state);
std::string encode(const MoveRecord& record);
[[nodiscard]] Result<MoveRecord> decode_move(std::string_view bytes);

/// A run of a policy plan.
struct RunRecord {
  enum class State : uint8_t { kRunning = 1, kDone, kFailed, kCancelled };
  std::string id;
  std::string plan_id;
  State state = State::kRunning;
  std::string principal;
  Timestamp started, ended;
  uint64_t objects = 0, bytes = 0;
  uint64_t objects_done = 0, bytes_done = 0, objects_skipped = 0, objects_failed = 0;
  uint64_t bandwidth_bytes_per_s = 0;  ///< 0 = no limit
  /// Sent to stores that bill by call, and what that cost.
  uint64_t class_a_calls = 0, class_b_calls = 0, free_calls = 0, calls_nano_usd = 0;
  std::vector<std::string> policies;
  /// Why entries were skipped or failed, when the run ended.
  struct Problem {
    std::string reason;
    uint64_t objects = 0;
    std::vector<std::string> examples;
  };
  std::vector<Problem> problems;
};
std::string_view to_string(RunRecord::State state);

/// EntryRecord::placed_by: the run's id (kRunIdBytes hex digits) and, as two more, the number of
/// the policy in RunRecord::policies.
inline constexpr size_t kRunIdBytes = 16;
inline std::string_view run_of(std::string_view placed_by) {
  return placed_by.substr(0, kRunIdBytes);
}
std::string encode(const RunRecord& record);
[[nodiscard]] Result<RunRecord> decode_run(std::string_view bytes);

/// What notifications tell of a change. Only in rows that somebody is to be told of: what the
/// bucket's rules said when the change was committed holds.
struct EventRecord {
  wire::EventKind kind = wire::EventKind::kNone;  ///< kNone: nobody is told
  std::string principal;
  std::string source_address;
  std::string request_id;
  std::string bucket_owner;
  std::string entry;  ///< EntryRecord of the generation it is about, encoded; "" = none
  /// The one that took its place, or whose place it took; kMarked: the mark's.
  uint64_t other_generation = 0;
  struct Delivery {
    std::string target;  ///< name in the estate
    std::string rule;    ///< id
    bool google = false;
    bool payload = true;
    StringMap attributes;
    bool operator==(const Delivery&) const = default;
  };
  std::vector<Delivery> deliveries;
  bool operator==(const EventRecord&) const = default;
};

/// One row of the feed: what changed (cache invalidation, notifications, sync cursors).
struct FeedRecord {
  enum class Kind : uint8_t {
    kPut = 1,
    kRemove = 2,
    kAttributes = 3,
    kRename = 4,
    kPlacement = 5,
    kReplaced = 6,  ///< told of with the kPut behind it: the generation that was there before
  };
  Kind kind = Kind::kPut;
  std::string path;
  std::string other_path;  // rename: the new path
  uint64_t generation = 0;
  Timestamp time;
  EventRecord event = {};
};
std::string encode(const FeedRecord& record);
[[nodiscard]] Result<FeedRecord> decode_feed(std::string_view bytes);

}  // namespace beringia::meta
