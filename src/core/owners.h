#pragma once

#include <map>
#include <string>

#include "access/access.h"
#include "meta/tree.h"

namespace beringia::core {

/// Owners, access settings and lists as the tree has them. Thread-safe; `tree` outlives it.
class TreeOwners final : public access::OwnerLookup {
 public:
  explicit TreeOwners(meta::Tree& tree) : tree_{tree} {}
  std::string owner_of(const Path& path) const override;
  [[nodiscard]] Result<std::optional<access::BucketState>> bucket_of(
      const Path& path) const override;
  [[nodiscard]] Result<std::map<std::string, std::string>> settings_of(
      const Path& path, access::BucketState& state) const override;
  [[nodiscard]] Result<std::optional<access::EntryState>> entry_of(const Path& path) const override;

 private:
  Result<std::optional<meta::DirectoryEntry>> bucket_entry(const Path& path) const;

  meta::Tree& tree_;
};

}  // namespace beringia::core
