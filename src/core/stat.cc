#include "core/parts.h"
#include "core/reconcile.h"

namespace beringia::core {

Error no_entry(const meta::Location& location) {
  const bool has_bucket = location.directories.size() >= 2;
  return not_found("there is no " + location.path.text()).with_tag(has_bucket ? "" : "no_bucket");
}

Result<Path> Namespace::bucket_path(std::string_view bucket) const {
  return parts_.mounts.get()->resolve_bucket(bucket);
}

Result<Entry> Namespace::stat(const io::Context& context, const Grant& grant) {
  const auto mounts = parts_.mounts.get();
  BR_TRY(location, locate(context, parts_, *mounts, grant.path(), Need::kRead));
  if (!location.entry) return std::unexpected(no_entry(location));
  grant.note_generation(location.entry->generation);
  return Entry{grant.path(), std::move(*location.entry)};
}

}  // namespace beringia::core
