#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/path.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/time.h"
#include "core/found_changes.h"
#include "core/gate.h"
#include "core/placement.h"
#include "io/byte_source.h"
#include "io/context.h"
#include "meta/records.h"
#include "wire/notification.h"

namespace beringia::kv {
class Store;
}

namespace beringia::core {

/// Does a bucket keep what its entries were before they were replaced or removed?
enum class Versioning : uint8_t {
  kOff,        ///< never did
  kOn,         ///< every write makes a version of its own
  kSuspended,  ///< what was kept stays; a write replaces the unversioned generation before it
};
/// Attribute of a bucket's directory: absent, "enabled" or "suspended".
inline constexpr std::string_view kVersioningAttribute = "versioning";
inline constexpr std::string_view kVersioningOn = "enabled";
inline constexpr std::string_view kVersioningSuspended = "suspended";
Versioning versioning_of(const meta::DirectoryEntry& bucket);

/// Versions of the bucket can be locked, and are from the start if there is a default. Such a
/// bucket keeps versions for good. Attribute kLockAttribute of its directory, as encode() makes it.
struct BucketLock {
  meta::Lock::Mode mode = meta::Lock::Mode::kNone;  // of the default; kNone: there is no default
  uint32_t count = 0;                               // of days or years
  bool in_years = false;
  /// False: what is locked cannot be replaced, so that versions need not be kept (GCS).
  bool needs_versions = true;
  bool operator==(const BucketLock&) const = default;
};
inline constexpr std::string_view kLockAttribute = "object-lock";
std::string encode(const BucketLock& lock);
std::optional<BucketLock> lock_of(const meta::DirectoryEntry& bucket);

/// How long what is deleted or replaced for good in the bucket can be restored. Attribute
/// kSoftDeleteAttribute, as encode() makes it.
struct SoftDelete {
  uint64_t seconds = 0;  // 0 = not at all
  Timestamp since;       // when it was set
  bool operator==(const SoftDelete&) const = default;
};
inline constexpr std::string_view kSoftDeleteAttribute = "soft-delete";
std::string encode(const SoftDelete& soft_delete);
/// nullopt: none, or damaged text
std::optional<SoftDelete> parse_soft_delete(std::string_view text);
std::optional<SoftDelete> soft_delete_of(const meta::DirectoryEntry& bucket);

/// How long every generation in the bucket stays at least: from its birth, or from when its
/// event-based hold was taken off. Attribute kRetentionAttribute, as encode() makes it.
struct BucketRetention {
  uint64_t seconds = 0;
  Timestamp since;      // when it was set
  bool locked = false;  // it can only become longer
  bool operator==(const BucketRetention&) const = default;
};
// As access::kRetentionAttribute: front ends have it at hand with the access settings.
inline constexpr std::string_view kRetentionAttribute = "access-retention";
/// "1": new generations are on an event-based hold.
inline constexpr std::string_view kEventHoldAttribute = "event-based-hold";
std::string encode(const BucketRetention& retention);
/// nullopt: none, or damaged text
std::optional<BucketRetention> parse_retention(std::string_view text);
std::optional<BucketRetention> retention_of(const meta::DirectoryEntry& bucket);
/// The time from which the bucket's retention lets the generation go; 0 = not known yet (it is on
/// an event-based hold).
Timestamp retained_until(const BucketRetention& retention, const meta::EntryRecord& record);

/// Name in EntryRecord::http of a time that the writer gives a meaning to (GCS: customTime), RFC
/// 3339 as it was written.
inline constexpr const char* kCustomTime = "x-goog-custom-time";
/// 0 = it has none.
Timestamp custom_time_of(const meta::EntryRecord& record);

/// In place of a generation: the one that was written while its bucket kept no versions.
inline constexpr uint64_t kUnversioned = 0;

/// What callers see of an entry: the catalog's record and its path.
struct Entry {
  Path path;
  meta::EntryRecord record;
  Versioning versioning = Versioning::kOff;  // of its bucket
  bool is_current = true;
  Timestamp became_noncurrent;  // unless it is current
  bool has_lock = false;        // its bucket
  Timestamp hard_delete = {};   // it was deleted softly, when it became noncurrent, until then
};

/// Preconditions, free of any protocol. All that are set must hold, else kConflict with tag
/// "precondition"; for reads a failed *_not_match / modified_since has tag "not_modified".
/// Checked against one committed state, atomically with the change.
struct Conditions {
  std::optional<uint64_t> generation_match;  // 0 = the entry must be absent
  std::optional<uint64_t> generation_not_match;
  std::optional<uint64_t> metageneration_match;
  std::optional<uint64_t> metageneration_not_match;
  std::vector<std::string> etag_match;       // without quotes; "*" = any existing
  std::vector<std::string> etag_none_match;  // "*" = must be absent
  std::optional<Timestamp> modified_since;   // second resolution
  std::optional<Timestamp> unmodified_since;
  bool empty() const;
};
/// @error kConflict (tags "precondition", "not_modified"); kNotFound for etag_match on nothing
[[nodiscard]] Result<void> check_conditions(const Conditions& conditions,
                                            const std::optional<meta::EntryRecord>& entry,
                                            bool is_read);

/// How the bytes shall be encrypted in the backends (core/encryption.h).
struct EncryptionChoice {
  using Method = meta::Encryption::Method;
  Method method = Method::kNone;  // kNone: as the bucket says, if it says anything
  std::string key_id;             // kNamed: "" = the default key
  std::string context;            // kNamed: what the key is bound to
  bool reuses_key = false;        // kNamed
  Secret customer_key;            // kCustomer: 32 bytes
};

/// Attributes a writer may set.
struct WriteAttributes {
  std::string content_type;
  std::string storage_class;
  meta::StringMap http;
  meta::StringMap metadata;
  meta::StringMap tags;
  std::string acl;  // as access::encode(Acl); "" = private
  EncryptionChoice encryption = {};
  /// Only in buckets with a lock (kInvalid, tag "no_lock"). Without a mode: the bucket's default.
  meta::Lock lock = {};
};

/// What the body must turn out to be; a difference aborts the write with kInvalid, tag
/// "checksum_mismatch" (or "size_mismatch"), nothing stored.
struct ExpectedBody {
  std::optional<uint64_t> size;
  std::optional<uint32_t> crc32c;
  std::optional<std::string> md5;  // 16 raw bytes
};

struct WriteRequest {
  io::ByteSource* body = nullptr;
  WriteAttributes attributes;
  ExpectedBody expected;
  Conditions conditions;
  /// Runs after the body's end, before anything is visible: further checks (trailers), and what to
  /// keep in EntryRecord::checksums. An error aborts the write.
  std::function<Result<meta::StringMap>()> at_end;
  /// Copies only: the body is the stored form of this record, whose encryption is kept.
  const meta::EntryRecord* as_stored = nullptr;
  /// What those hear whom the bucket's notifications name.
  wire::EventKind event = wire::EventKind::kWritten;
};

struct ReadRequest {
  Conditions conditions;
  /// Resolves the range once the size is known; nullopt = whole entry. An error ends the read.
  std::function<Result<std::optional<io::ByteRange>>(const Entry&)> range;
  std::optional<uint64_t> generation;  // this one, current or not; kUnversioned likewise
  /// Of entries that are encrypted under their customer's key, and only of these.
  /// @error kInvalid (tags "customer_key_needed", "customer_key_unneeded"); kDenied (tag
  ///        "customer_key_wrong")
  std::optional<Secret> customer_key;
  /// Copies only: all bytes as they lie in the backend. Without range and key.
  bool as_stored = false;
  bool soft_deleted = false;  // `generation`, which is set, was deleted softly
};

/// One open read: the entry and the bytes of exactly one generation.
struct OpenRead {
  Entry entry;
  io::ByteRange range;
  std::unique_ptr<io::ByteSource> body;  // yields range.length bytes or breaks off with an error
};

struct RemoveRequest {
  Conditions conditions;
  /// For good: this generation, current or not, or mark of a deletion; kUnversioned likewise.
  /// Absent: the entry; a bucket that keeps versions keeps it as one, and a mark of the deletion.
  std::optional<uint64_t> generation;
  /// With `generation`: what was before the generation that goes becomes current (again), if
  /// nothing newer is left. Else the name stays deleted.
  bool brings_back = false;
  /// With `generation`: though its lock is one that may be bypassed.
  bool bypasses_governance = false;
  /// Without `generation`: a bucket that keeps versions marks names as deleted that are not there,
  /// and one that does so no more ends the unversioned generation, wherever it is.
  bool marks_absent = false;
  /// The bucket's lifecycle wants it: notifications say so.
  bool by_lifecycle = false;
};

/// What a removal did.
struct Removed {
  std::optional<Entry> entry;   // what was removed, or is not current any more
  std::optional<Entry> marker;  // the mark that was set, or the one that was removed
};

struct ListVersionsRequest {
  std::string prefix;  // of the relative name below grant.path() (directory form)
  std::string delimiter;
  std::string start_after;  // names > this; with after_generation: >= this
  /// Of `start_after`, only what is older than this generation (kUnversioned: than that one).
  std::optional<uint64_t> after_generation;
  std::string start_offset;  // names >= this
  std::string end_offset;    // names < this; "" = no end
  size_t limit = 1000;       // items + prefixes
  bool include_trailing_delimiter = false;
  bool soft_deleted = false;  // only what was deleted softly
};

struct VersionPage {
  struct Item {
    std::string name;  // relative to grant.path()
    meta::VersionRecord version;
    bool is_current = false;  // of a name that is deleted: its newest mark
  };
  std::vector<Item> items;            // by name, of one name the newest first
  std::vector<std::string> prefixes;  // in byte order, end with the delimiter
  bool truncated = false;
  std::string last;  // resume with start_after = last and after_generation = last_generation
  std::optional<uint64_t> last_generation;  // absent: `last` is a prefix, or all of it was shown
};

struct ListRequest {
  std::string prefix;        // of the relative name below grant.path() (directory form)
  std::string delimiter;     // "" = none; any string
  std::string start_after;   // names > this
  std::string start_offset;  // names >= this
  std::string end_offset;    // names < this; "" = no end
  size_t limit = 1000;       // items + prefixes
  bool include_trailing_delimiter = false;
};

struct ListPage {
  struct Item {
    std::string name;  // relative to grant.path()
    meta::EntryRecord record;
  };
  std::vector<Item> items;            // in byte order
  std::vector<std::string> prefixes;  // in byte order, end with the delimiter
  bool truncated = false;
  std::string last;  // resume with start_after = last (a prefix resumes behind all it stands for)
};

struct DirectoryInfo {
  Path path;
  meta::DirectoryEntry record;
  Timestamp deleted = {};      // softly
  Timestamp hard_delete = {};  // then: until then it can come back
};

struct ListFoldersRequest {
  std::string prefix;        // of the name relative to grant.path(), which ends in '/'
  bool one_level = false;    // nothing below the first '/' behind the prefix
  std::string after;         // names > this
  std::string start_offset;  // names >= this
  std::string end_offset;    // names < this; "" = no end
  size_t limit = 1000;
};

struct FolderPage {
  std::vector<DirectoryInfo> items;  // in byte order of their names
  bool truncated = false;
};

struct AttributePatch {
  std::optional<std::string> content_type;
  std::optional<std::string> storage_class;
  meta::StringMap http;  // merged: key -> value; "" removes
  meta::StringMap metadata;
  bool replace_metadata = false;  // start from empty
  std::optional<meta::StringMap> tags;
  std::optional<std::string> acl;
  Conditions conditions;
  std::optional<uint64_t> generation;  // as ReadRequest::generation
  /// Mode and time of the lock; kNone takes it off. kDenied, tag "locked": the lock forbids it.
  /// kInvalid, tag "no_lock": the bucket has none.
  std::optional<std::pair<meta::Lock::Mode, Timestamp>> retention;
  std::optional<bool> hold;
  std::optional<bool> event_hold;
  bool holds_any_bucket = false;  // see meta::Lock::any_bucket
  bool bypasses_governance = false;
  bool by_lifecycle = false;  // as RemoveRequest::by_lifecycle
};

struct CopyRequest {
  Conditions source_conditions;
  std::optional<uint64_t> source_generation;
  bool source_soft_deleted = false;  // as ReadRequest::soft_deleted
  bool keeps_acl = false;            // without `attributes`: the source's list, too
  Conditions conditions;             // of the target
  /// Absent: the source's attributes are kept, and the target's bucket says how it is encrypted.
  std::optional<WriteAttributes> attributes;
  std::optional<Secret> source_key;  // as ReadRequest::customer_key
  /// EntryRecord::checksums of the copy; absent: the source's.
  std::optional<meta::StringMap> checksums;
};

struct ComposeSource {
  std::string name;  // entry path text
  std::optional<uint64_t> generation;
};

struct BeginUpload {
  std::string protocol;  // "s3", "gcs"
  WriteAttributes attributes;
  meta::StringMap options;
};

struct PutPart {
  std::string upload_id;
  uint32_t number = 1;
  io::ByteSource* body = nullptr;
  ExpectedBody expected;
  std::function<Result<meta::StringMap>()> at_end;
  std::optional<Secret> customer_key;  // the one the upload was begun with
};

struct CompleteUpload {
  std::string upload_id;
  /// Parts in order with the MD5 or checksum the client names; empty = all parts as they are.
  struct Part {
    uint32_t number = 0;
    std::string etag;  // "" = not checked
  };
  std::vector<Part> parts;
  Conditions conditions;
  std::string etag;  // "" = derived from the parts ("<md5 of md5s>-N" is the caller's word)
  meta::StringMap checksums;  // to keep
  ExpectedBody expected;
  std::optional<std::string> md5;             // of all the bytes, where the caller has computed it
  std::optional<WriteAttributes> attributes;  // replaces those of BeginUpload
  bool keep_part_sizes = true;
};

struct ScanRequest {
  std::string after;             ///< ScanReport::next of the call before; "" = from the beginning
  size_t max_directories = 256;  ///< it pauses after so many, or after `patience`
  Duration patience = std::chrono::seconds{20};
};

struct ScanReport {
  FoundChanges found;
  uint64_t directories = 0;
  std::string next;  ///< where to go on; "" = it is done
};

/// Answers of `explain`.
struct Explanation {
  Entry entry;
  struct CopyLine {
    std::string backend, native_name, storage_class, state, version;
  };
  std::vector<CopyLine> copies;
  std::string mount;
  std::string why;  // "written here", "moved by run R under policy P"
};

/// The namespace: one file per verb (src/core/*.cc). Every call needs a Grant of the right action
/// on the path it works on. Thread-safe. All calls may park.
class Namespace {
 public:
  struct Parts;  // built by app: store, tree, mounts, clocks; see core/parts.h
  explicit Namespace(Parts& parts) : parts_{parts} {}

  /// The path that an object protocol's bucket name stands for: its alias, else "/name/".
  /// @error kInvalid: not a possible name
  [[nodiscard]] Result<Path> bucket_path(std::string_view bucket) const;

  /// `generation` as ReadRequest::generation.
  /// @error kNotFound (tag "no_version": there is no such generation; find_marker() tells
  ///        about deletions). Revalidates as the mount says.
  [[nodiscard]] Result<Entry> stat(const io::Context& context, const Grant& grant,
                                   std::optional<uint64_t> generation = {});
  /// The mark that `generation` is; without one: the mark that a deleted name has. nullopt: none.
  [[nodiscard]] Result<std::optional<Entry>> find_marker(const io::Context& context,
                                                         const Grant& grant,
                                                         std::optional<uint64_t> generation);
  /// @error as stat
  [[nodiscard]] Result<OpenRead> read(const io::Context& context, const Grant& grant,
                                      const ReadRequest& request);
  /// Acknowledged = durable in the backend and in the catalog.
  /// @error kConflict (tag "precondition" or "race"), kInvalid (checksum_mismatch), kUnavailable,
  ///        kNotFound tag "no_bucket": the top-level directory does not exist
  [[nodiscard]] Result<Entry> write(const io::Context& context, const Grant& grant,
                                    const WriteRequest& request);
  /// @error kNotFound (tag "no_version": there is no such generation), kConflict; kDenied (tag
  ///        "locked")
  [[nodiscard]] Result<Removed> remove(const io::Context& context, const Grant& grant,
                                       const RemoveRequest& request);
  /// grant: kList on a path in directory form.
  [[nodiscard]] Result<ListPage> list(const io::Context& context, const Grant& grant,
                                      const ListRequest& request);
  /// Likewise, with all generations that are kept, and marks of deletions.
  [[nodiscard]] Result<VersionPage> list_versions(const io::Context& context, const Grant& grant,
                                                  const ListVersionsRequest& request);
  /// What was deleted softly and can still be restored, by copy() onto its name.
  /// @error kNotFound, tag "no_version"
  [[nodiscard]] Result<Entry> find_soft_deleted(const io::Context& context, const Grant& grant,
                                                uint64_t generation);
  [[nodiscard]] Result<Entry> set_attributes(const io::Context& context, const Grant& grant,
                                             const AttributePatch& patch);
  /// from: kRead on the source; to: kWrite on the target. Server side: no bytes leave.
  [[nodiscard]] Result<Entry> copy(const io::Context& context, const Grant& from, const Grant& to,
                                   const CopyRequest& request);
  /// One entry (a marker object "a/" is one, too), in one transaction. Replaces what is at `to`.
  /// @error kNotFound, kConflict (tag "precondition"; "race": the source changed meanwhile)
  [[nodiscard]] Result<void> rename(const io::Context& context, const Grant& from, const Grant& to,
                                    const Conditions& from_conditions,
                                    const Conditions& to_conditions);
  /// A directory with all that is below it: one transaction of constant size. Both in directory
  /// form, in one mount. @error kNotFound, kAlreadyExists, kInvalid: into itself; kUnsupported
  [[nodiscard]] Result<void> rename_directory(const io::Context& context, const Grant& from,
                                              const Grant& to);
  /// Concatenates entries of the same bucket. `sources` are grants (kRead) in order.
  [[nodiscard]] Result<Entry> compose(const io::Context& context, const Grant& grant,
                                      const std::vector<const Grant*>& sources,
                                      const std::vector<std::optional<uint64_t>>& generations,
                                      const WriteAttributes& attributes,
                                      const Conditions& conditions);

  // Directories (buckets are the top-level ones).
  [[nodiscard]] Result<DirectoryInfo> stat_directory(const io::Context& context,
                                                     const Grant& grant);
  /// @error kAlreadyExists
  [[nodiscard]] Result<DirectoryInfo> make_directory(const io::Context& context, const Grant& grant,
                                                     const meta::StringMap& attributes);
  /// @error kNotFound, kAlreadyExists tag "not_empty"
  [[nodiscard]] Result<void> remove_directory(const io::Context& context, const Grant& grant);
  /// Buckets that were deleted softly: those of one name, or "" all, behind `after` (as the token
  /// of the page before says). @return with the token of the next page, "" = that was all
  struct DeletedBuckets {
    std::vector<DirectoryInfo> items;
    std::string next;
  };
  [[nodiscard]] Result<DeletedBuckets> list_deleted_buckets(const io::Context& context,
                                                            const Grant& grant,
                                                            const std::string& name,
                                                            const std::string& after, size_t limit);
  /// The bucket comes back as it was, without its entries: they are restored one by one.
  /// @error kNotFound; kAlreadyExists: there is one of that name
  [[nodiscard]] Result<DirectoryInfo> restore_bucket(const io::Context& context, const Grant& grant,
                                                     uint64_t generation);
  [[nodiscard]] Result<DirectoryInfo> set_directory_attributes(const io::Context& context,
                                                               const Grant& grant,
                                                               const meta::StringMap& merged);
  /// Changes one attribute by what it is at the commit; "" = absent, before and after. `edit` may
  /// be called more than once.
  /// @param event  what the bucket's notifications say of it, as they are then
  using AttributeEdit = std::function<Result<std::string>(const std::string& before)>;
  [[nodiscard]] Result<DirectoryInfo> edit_directory_attribute(
      const io::Context& context, const Grant& grant, const std::string& name,
      const AttributeEdit& edit, wire::EventKind event = wire::EventKind::kNone);
  /// The declared target that takes notifications of this name: the one of that name, else the one
  /// that takes all other names. nullopt: the estate declares none.
  std::optional<std::string> notification_target_of(std::string_view name) const;
  /// Direct subdirectories of grant.path(); buckets with path "/".
  [[nodiscard]] Result<std::vector<DirectoryInfo>> list_directories(const io::Context& context,
                                                                    const Grant& grant,
                                                                    const std::string& after,
                                                                    size_t limit);

  /// All directories below grant.path(), at any depth.
  [[nodiscard]] Result<FolderPage> list_folders(const io::Context& context, const Grant& grant,
                                                const ListFoldersRequest& request);

  // Uploads (multipart, resumable). grant: kWrite on the final path.
  [[nodiscard]] Result<meta::UploadRecord> begin_upload(const io::Context& context,
                                                        const Grant& grant,
                                                        const BeginUpload& request);
  /// @error kNotFound tag "no_upload"
  [[nodiscard]] Result<meta::PartRecord> put_part(const io::Context& context, const Grant& grant,
                                                  const PutPart& request);
  [[nodiscard]] Result<meta::UploadRecord> find_upload(const io::Context& context,
                                                       const Grant& grant,
                                                       const std::string& upload_id);
  [[nodiscard]] Result<std::vector<meta::PartRecord>> list_parts(const io::Context& context,
                                                                 const Grant& grant,
                                                                 const std::string& upload_id);
  [[nodiscard]] Result<std::vector<meta::UploadRecord>> list_uploads(const io::Context& context,
                                                                     const Grant& grant,
                                                                     const std::string& protocol);
  /// @error kInvalid tag "bad_part"; kNotFound tag "no_upload". Idempotent: repeated after success
  ///        it answers the entry again as long as the outcome is kept (24 h).
  [[nodiscard]] Result<Entry> complete_upload(const io::Context& context, const Grant& grant,
                                              const CompleteUpload& request);
  [[nodiscard]] Result<void> abort_upload(const io::Context& context, const Grant& grant,
                                          const std::string& upload_id);

  /// Could something be encrypted so? @error kInvalid (tag "no_key"), kUnsupported
  [[nodiscard]] Result<void> check_encryption(const io::Context& context,
                                              const EncryptionChoice& choice);

  [[nodiscard]] Result<Explanation> explain(const io::Context& context, const Grant& grant);
  /// Compares what lies below the grant's directory with the backends: scan.h.
  [[nodiscard]] Result<ScanReport> scan(const io::Context& context, const Grant& grant,
                                        const ScanRequest& request);

 private:
  Parts& parts_;
};

}  // namespace beringia::core
