#include "meta/versions.h"

namespace beringia::meta {
namespace {

constexpr size_t kPage = 256;

Result<StoredVersionRow> decode_row(std::string row_key, std::string value) {
  const auto name = name_of_version_key(row_key);
  if (!name) {
    return std::unexpected(corrupt("cannot read a version of the catalog", "its key is malformed",
                                   "restore the data directory from a backup"));
  }
  BR_TRY(version, decode_version(value));
  std::string key{name->key};
  return StoredVersionRow{std::move(key), std::move(version), std::move(row_key), std::move(value)};
}

}  // namespace

Result<std::optional<StoredVersionRow>> find_version(const io::Context& context, kv::Store& store,
                                                     const VersionedKey& key, uint64_t generation) {
  return version_at(context, store, version_key(key.bucket, key.key, generation, key.table));
}

Result<std::optional<StoredVersionRow>> version_at(const io::Context& context, kv::Store& store,
                                                   const std::string& row_key) {
  BR_TRY(value, store.get(context, row_key));
  if (!value) return std::nullopt;
  BR_TRY(row, decode_row(row_key, std::move(*value)));
  return row;
}

Result<std::optional<StoredVersionRow>> find_unversioned(const io::Context& context,
                                                         kv::Store& store,
                                                         const VersionedKey& key) {
  for (uint64_t before = 0;;) {
    BR_TRY(rows, versions_of(context, store, key, before, kPage));
    for (auto& row : rows) {
      if (!row.version.record.versioned) return std::move(row);
    }
    if (rows.size() < kPage) return std::nullopt;
    before = rows.back().version.record.generation;
  }
}

Result<std::vector<StoredVersionRow>> versions_of(const io::Context& context, kv::Store& store,
                                                  const VersionedKey& key, uint64_t before,
                                                  size_t limit) {
  const std::string prefix = versions_prefix(key.bucket, key.key, key.table);
  const std::string first =
      before == 0 ? prefix : version_key(key.bucket, key.key, before - 1, key.table);
  return versions_between(context, store, first, behind(prefix), limit);
}

Result<std::vector<StoredVersionRow>> versions_between(const io::Context& context, kv::Store& store,
                                                       std::string_view first,
                                                       std::string_view last, size_t limit) {
  BR_TRY(rows, store.scan(context, first, last, limit));
  std::vector<StoredVersionRow> found;
  found.reserve(rows.size());
  for (auto& row : rows) {
    BR_TRY(version, decode_row(std::move(row.key), std::move(row.value)));
    found.push_back(std::move(version));
  }
  return found;
}

void put_version(kv::Batch& batch, const VersionedKey& key, const VersionRecord& version) {
  std::string row_key = version_key(key.bucket, key.key, version.record.generation, key.table);
  batch.check(row_key, std::nullopt);
  batch.put(std::move(row_key), encode(version));
}

void remove_version(kv::Batch& batch, const StoredVersionRow& row) {
  batch.check(row.row_key, row.row_value);
  batch.remove(row.row_key);
  if (row.version.hard_delete.micros != 0) {
    batch.remove(expiry_key(row.version.hard_delete, row.row_key));
  }
}

void put_soft_deleted(kv::Batch& batch, VersionedKey key, const VersionRecord& version) {
  key.table = VersionTable::kSoftDeleted;
  put_version(batch, key, version);
  batch.put(expiry_key(version.hard_delete,
                       version_key(key.bucket, key.key, version.record.generation, key.table)),
            "1");
}

void put_deleted_bucket(kv::Batch& batch, std::string_view name,
                        const DeletedBucketRecord& record) {
  std::string row_key = deleted_bucket_key(name, record.bucket.generation);
  batch.put(expiry_key(record.hard_delete, row_key), "1");
  batch.put(std::move(row_key), encode(record));
}

void remove_deleted_bucket(kv::Batch& batch, const StoredDeletedBucketRow& row) {
  batch.check(row.row_key, row.row_value);
  batch.remove(row.row_key);
  batch.remove(expiry_key(row.record.hard_delete, row.row_key));
}

Result<std::vector<StoredDeletedBucketRow>> deleted_buckets(const io::Context& context,
                                                            kv::Store& store, std::string_view name,
                                                            std::string_view after, size_t limit) {
  constexpr size_t kSuffix = 1 + 8;
  const std::string prefix = deleted_buckets_prefix(name);
  const std::string first = after.empty() ? prefix : std::string{after} + '\0';
  BR_TRY(rows, store.scan(context, first, behind(prefix), limit));
  std::vector<StoredDeletedBucketRow> found;
  for (auto& row : rows) {
    if (row.key.size() <= 1 + kSuffix) continue;
    BR_TRY(record, decode_deleted_bucket(row.value));
    found.push_back({row.key.substr(1, row.key.size() - 1 - kSuffix), std::move(record),
                     std::move(row.key), std::move(row.value)});
  }
  return found;
}

Result<std::vector<DueRow>> rows_due(const io::Context& context, kv::Store& store, Timestamp now,
                                     size_t limit) {
  BR_TRY(rows, store.scan(context, "x", expiry_key({now.micros + 1}, ""), limit));
  std::vector<DueRow> due;
  for (auto& row : rows) {
    const auto of = row_of_expiry_key(row.key);
    if (of) due.push_back({row.key, std::string{*of}});
  }
  return due;
}

}  // namespace beringia::meta
