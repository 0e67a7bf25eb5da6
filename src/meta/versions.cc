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
  std::string row_key = version_key(key.bucket, key.key, generation);
  BR_TRY(value, store.get(context, row_key));
  if (!value) return std::nullopt;
  BR_TRY(row, decode_row(std::move(row_key), std::move(*value)));
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
  const std::string prefix = versions_prefix(key.bucket, key.key);
  const std::string first = before == 0 ? prefix : version_key(key.bucket, key.key, before - 1);
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
  std::string row_key = version_key(key.bucket, key.key, version.record.generation);
  batch.check(row_key, std::nullopt);
  batch.put(std::move(row_key), encode(version));
}

void remove_version(kv::Batch& batch, const StoredVersionRow& row) {
  batch.check(row.row_key, row.row_value);
  batch.remove(row.row_key);
}

}  // namespace beringia::meta
