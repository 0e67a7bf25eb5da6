#include "meta/keys.h"

#include "base/encoding.h"

namespace beringia::meta {
namespace {

std::string numbered(char table, uint64_t id) {
  std::string key(1, table);
  append_be64(key, id);
  return key;
}

std::string named(char table, std::string_view name) {
  std::string key(1, table);
  key += name;
  return key;
}

}  // namespace

std::string entry_key(DirectoryId parent, std::string_view name) {
  std::string key = numbered('e', parent);
  key += name;
  return key;
}

std::string children_first(DirectoryId parent) { return numbered('e', parent); }

std::string children_last(DirectoryId parent) {
  return parent == UINT64_MAX ? std::string{"f"} : numbered('e', parent + 1);
}

std::string_view name_of_entry_key(std::string_view key) {
  constexpr size_t kPrefix = 1 + 8;
  return key.size() < kPrefix ? std::string_view{} : key.substr(kPrefix);
}

std::string versions_prefix(DirectoryId bucket, VersionTable table) {
  return numbered(static_cast<char>(table), bucket);
}

std::string versions_prefix(DirectoryId bucket, std::string_view key, VersionTable table) {
  std::string prefix = versions_prefix(bucket, table);
  prefix += key;
  prefix += '\0';
  return prefix;
}

std::string version_key(DirectoryId bucket, std::string_view key, uint64_t generation,
                        VersionTable table) {
  std::string row = versions_prefix(bucket, key, table);
  append_be64(row, ~generation);
  return row;
}

std::optional<VersionName> name_of_version_key(std::string_view row_key) {
  constexpr size_t kPrefix = 1 + 8;
  constexpr size_t kSuffix = 1 + 8;
  if (row_key.size() < kPrefix + kSuffix) return std::nullopt;
  const auto table = static_cast<VersionTable>(row_key.front());
  if (table != VersionTable::kNoncurrent && table != VersionTable::kSoftDeleted) {
    return std::nullopt;
  }
  const size_t end = row_key.size() - kSuffix;
  if (row_key[end] != '\0') return std::nullopt;
  return VersionName{row_key.substr(kPrefix, end - kPrefix), ~read_be64(row_key.substr(end + 1)),
                     read_be64(row_key.substr(1))};
}

std::string behind(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

std::string expiry_key(Timestamp due, std::string_view row_key) {
  std::string key = numbered('x', static_cast<uint64_t>(due.micros));
  key += row_key;
  return key;
}

std::optional<std::string_view> row_of_expiry_key(std::string_view key) {
  constexpr size_t kPrefix = 1 + 8;
  if (key.size() <= kPrefix || key.front() != 'x') return std::nullopt;
  return key.substr(kPrefix);
}

std::string deleted_buckets_prefix(std::string_view bucket) {
  std::string key = named('y', bucket);
  if (!bucket.empty()) key += '\0';
  return key;
}

std::string deleted_bucket_key(std::string_view bucket, uint64_t generation) {
  std::string key = deleted_buckets_prefix(bucket);
  append_be64(key, ~generation);
  return key;
}

std::string directory_key(DirectoryId id) { return numbered('d', id); }
std::string sync_key(DirectoryId id) { return numbered('s', id); }
std::string intent_key(std::string_view path) { return named('i', path); }
std::string outcome_key(std::string_view id) { return named('o', id); }
std::string upload_key(std::string_view id) { return named('u', id); }

std::string part_key(std::string_view id, uint32_t number) {
  std::string key = named('u', id);
  key += '\0';
  append_be32(key, number);
  return key;
}

std::string run_key(std::string_view run) { return named('r', run); }

std::string move_key(std::string_view run, uint64_t seq) {
  std::string key = named('j', run);
  key += '\0';
  append_be64(key, seq);
  return key;
}

std::string doomed_key(Timestamp due, BackendId backend, std::string_view native_name) {
  // Times are never negative, so their big-endian order is their order.
  std::string key = numbered('g', static_cast<uint64_t>(due.micros));
  append_be32(key, backend);
  key += native_name;
  return key;
}

std::string system_key(std::string_view name) { return named('z', name); }

std::string event_cursor_key(std::string_view target) {
  return system_key("events/" + std::string{target});
}

std::string change_cursor_key(std::string_view backend) {
  return system_key("changes/" + std::string{backend});
}

std::string scan_key(std::string_view mount) { return system_key("scan/" + std::string{mount}); }

}  // namespace beringia::meta
