#include "meta/codec.h"
#include "meta/records.h"

// Records of the tree: entry, directory, sync.

namespace beringia::meta {
// Static, not in an unnamed namespace: the codec finds them by argument-dependent lookup.

// `T` is const when encoding.

template <class F, class T>
static void describe_copy(F& f, T& copy, int64_t base) {
  f.number(1, copy.backend);
  f.choice_or_first(2, copy.state, CopyState::kValid, CopyState::kRetiring);
  f.text(3, copy.native_name);
  f.text(4, copy.version);
  f.text(5, copy.storage_class);
  f.time(6, copy.checked, base);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, EntryRecord>
static void describe(F& f, T& record) {
  f.number(1, record.generation);
  f.number(2, record.metageneration, uint64_t{1});
  f.number(3, record.size);
  // A generation is the time of its write in microseconds, or near it: the difference is short.
  const auto base = static_cast<int64_t>(record.generation);
  f.time(4, record.created, base);
  f.time_after(5, record.modified, record.created);
  f.optional_be32(6, record.crc32c);
  f.optional_text(7, record.md5);
  f.text(8, record.etag);
  f.text(9, record.content_type);
  f.text(10, record.owner);
  f.id(11, 12, record.write_id);
  f.map(13, record.http);
  f.map(14, record.metadata);
  f.map(15, record.tags);
  f.map(16, record.checksums);
  f.numbers(17, record.part_sizes);
  f.list(18, record.copies, [base](auto& inner, auto& copy) { describe_copy(inner, copy, base); });
  f.id(19, 20, record.placed_by);
  f.text(21, record.storage_class);
  f.text(22, record.acl);
  describe_encryption(f, record.encryption);
  f.number(30, record.versioned);
  describe_lock(f, record.lock);
}

namespace {

/// A VersionRecord as it is stored.
struct StoredVersion {
  std::string entry;  // encoded EntryRecord
  bool delete_marker = false;
  Timestamp became_noncurrent;
  Timestamp hard_delete;
};

/// A DeletedBucketRecord as it is stored.
struct StoredDeletedBucket {
  std::string bucket;  // encoded DirectoryEntry
  Timestamp deleted;
  Timestamp hard_delete;
};

}  // namespace

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, StoredDeletedBucket>
static void describe(F& f, T& record) {
  f.text(1, record.bucket);
  f.time(2, record.deleted);
  f.time(3, record.hard_delete);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, StoredVersion>
static void describe(F& f, T& record) {
  f.text(1, record.entry);
  f.number(2, record.delete_marker);
  f.time(3, record.became_noncurrent);
  f.time(4, record.hard_delete);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, DirectoryEntry>
static void describe(F& f, T& record) {
  f.number(1, record.id);
  f.number(2, record.explicit_directory);
  f.time(3, record.created);
  f.text(4, record.owner);
  f.number(5, record.generation);
  f.number(6, record.metageneration, uint64_t{1});
  f.map(7, record.attributes);
  f.time(8, record.modified);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, DirectoryRecord>
static void describe(F& f, T& record) {
  f.number(1, record.parent);
  f.text(2, record.name);
  f.bases(3, record.native_base);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, SyncRecord>
static void describe(F& f, T& record) {
  f.time(1, record.synced_at);
  f.number(2, record.epoch);
  f.text(3, record.token);
}

std::string EntryRecord::effective_etag() const {
  if (!etag.empty()) return etag;
  if (md5) return to_hex(*md5);
  std::string bytes;
  append_be64(bytes, generation);
  return to_hex(bytes);
}

std::string encode(const EntryRecord& record) {
  return encode_record(record, version_with(record.encryption));
}
Result<EntryRecord> decode_entry(std::string_view bytes) {
  return decode_record<EntryRecord>(bytes, "an entry record");
}
std::string encode(const VersionRecord& record) {
  return encode_record(StoredVersion{encode(record.record), record.delete_marker,
                                     record.became_noncurrent, record.hard_delete});
}
Result<VersionRecord> decode_version(std::string_view bytes) {
  BR_TRY(stored, decode_record<StoredVersion>(bytes, "a version"));
  BR_TRY(entry, decode_entry(stored.entry));
  return VersionRecord{std::move(entry), stored.delete_marker, stored.became_noncurrent,
                       stored.hard_delete};
}
std::string encode(const DeletedBucketRecord& record) {
  return encode_record(
      StoredDeletedBucket{encode(record.bucket), record.deleted, record.hard_delete});
}
Result<DeletedBucketRecord> decode_deleted_bucket(std::string_view bytes) {
  BR_TRY(stored, decode_record<StoredDeletedBucket>(bytes, "a deleted bucket"));
  BR_TRY(bucket, decode_directory_entry(stored.bucket));
  return DeletedBucketRecord{std::move(bucket), stored.deleted, stored.hard_delete};
}
std::string encode(const DirectoryEntry& record) {
  // A beringia that knows nothing of versions or soft deletes must not write over them.
  const bool keeps =
      record.attributes.contains("versioning") || record.attributes.contains("soft-delete");
  return encode_record(record, keeps ? kEncryptedVersion : kRecordVersion);
}
Result<DirectoryEntry> decode_directory_entry(std::string_view bytes) {
  return decode_record<DirectoryEntry>(bytes, "a directory's entry");
}
std::string encode(const DirectoryRecord& record) { return encode_record(record); }
Result<DirectoryRecord> decode_directory(std::string_view bytes) {
  return decode_record<DirectoryRecord>(bytes, "a directory record");
}
std::string encode(const SyncRecord& record) { return encode_record(record); }
Result<SyncRecord> decode_sync(std::string_view bytes) {
  return decode_record<SyncRecord>(bytes, "a sync record");
}

}  // namespace beringia::meta
