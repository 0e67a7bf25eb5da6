#include "core/parts.h"
#include "core/reconcile.h"
#include "core/versions.h"

namespace beringia::core {

Error no_entry(const meta::Location& location) {
  const bool has_bucket = location.directories.size() >= 2;
  return not_found("there is no " + location.path.text()).with_tag(has_bucket ? "" : "no_bucket");
}

Result<Path> Namespace::bucket_path(std::string_view bucket) const {
  return parts_.mounts.get()->resolve_bucket(bucket);
}

Result<Entry> Namespace::stat(const io::Context& context, const Grant& grant,
                              std::optional<uint64_t> generation) {
  const auto mounts = parts_.mounts.get();
  BR_TRY(found, locate(context, parts_, *mounts, grant.path(), Need::kRead));
  std::optional<meta::StoredVersionRow> noncurrent;
  BR_TRY(location, choose_generation(context, parts_, std::move(found), generation, &noncurrent));
  if (!location.entry) return std::unexpected(no_generation(location, generation));
  grant.note_generation(location.entry->generation);
  if (noncurrent) return entry_of(location, std::move(noncurrent->version));
  return entry_of(location, std::move(*location.entry));
}

Result<std::optional<Entry>> Namespace::find_marker(const io::Context& context, const Grant& grant,
                                                    std::optional<uint64_t> generation) {
  BR_TRY(location, parts_.tree.resolve(context, grant.path()));
  if (!generation && location.entry) return std::nullopt;
  BR_TRY(row, generation ? find_version(context, parts_.store, location, *generation)
                         : newest_version(context, parts_, location));
  if (!row || !row->version.delete_marker) return std::nullopt;
  return entry_of(location, std::move(row->version));
}

}  // namespace beringia::core
