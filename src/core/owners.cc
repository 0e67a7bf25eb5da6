#include "core/owners.h"

namespace beringia::core {

std::string TreeOwners::owner_of(const Path& path) const {
  if (path.bucket().empty()) return {};
  auto bucket = Path::parse("/" + std::string{path.bucket()} + "/");
  if (!bucket) return {};
  auto location = tree_.resolve(io::Context{}, *bucket);
  if (!location || !location->parent_exists) return {};
  const auto& entry = location->directories.back().entry;
  return entry ? entry->owner : std::string{};
}

}  // namespace beringia::core
