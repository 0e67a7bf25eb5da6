#include "core/native_claims.h"

#include <algorithm>

#include "base/encoding.h"

namespace beringia::core {
namespace {

constexpr std::string_view kPrefix = "claim/";

// key: 'z' | "claim/" | backend 4 B | native prefix  ->  directory id 8 B
std::string claim_key(meta::BackendId backend, std::string_view base) {
  std::string name{kPrefix};
  append_be32(name, backend);
  return meta::system_key(name += base);
}

/// The claim still holds: the directory exists and its files still are there.
Result<bool> holds(const io::Context& context, Namespace::Parts& parts, meta::BackendId backend,
                   const std::string& base, meta::DirectoryId id) {
  BR_TRY(row, parts.store.get(context, meta::directory_key(id)));
  if (!row) return false;
  BR_TRY(record, meta::decode_directory(*row));
  const auto found = record.native_base.find(backend);
  return found != record.native_base.end() && found->second == base;
}

}  // namespace

void claim_names(kv::Batch& batch, meta::BackendId backend, const std::string& base,
                 meta::DirectoryId directory) {
  std::string id;
  append_be64(id, directory);
  batch.put(claim_key(backend, base), std::move(id));
}

Result<bool> is_claimed_elsewhere(const io::Context& context, Namespace::Parts& parts,
                                  meta::BackendId backend, const std::string& native_name,
                                  const meta::Location& location) {
  // Renames on flat backends are rare: one look tells that there are none.
  const uint64_t changes = parts.claim_changes;
  if (parts.no_claims_at == changes) return false;
  const std::string first = meta::system_key(kPrefix);
  std::string last = first;
  last.back() = static_cast<char>(last.back() + 1);
  BR_TRY(any, parts.store.scan(context, first, last, 1));
  if (any.empty()) {
    parts.no_claims_at = changes;
    return false;
  }
  for (size_t slash = native_name.find('/'); slash != std::string::npos;
       slash = native_name.find('/', slash + 1)) {
    const std::string base = native_name.substr(0, slash + 1);
    BR_TRY(row, parts.store.get(context, claim_key(backend, base)));
    if (!row || row->size() != 8) continue;
    const meta::DirectoryId id = read_be64(*row);
    const bool ours = std::any_of(location.directories.begin(), location.directories.end(),
                                  [&](const auto& directory) { return directory.id == id; });
    if (ours) continue;
    BR_TRY(claimed, holds(context, parts, backend, base, id));
    if (claimed) return true;
  }
  return false;
}

}  // namespace beringia::core
