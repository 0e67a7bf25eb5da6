#pragma once

#include <map>
#include <string>

#include "access/access.h"
#include "meta/tree.h"

namespace beringia::core {

/// Owners, access settings and lists as the tree has them. Thread-safe; `tree` and `store`
/// outlive it.
class TreeOwners final : public access::OwnerLookup {
 public:
  TreeOwners(meta::Tree& tree, kv::Store& store) : tree_{tree}, store_{store} {}
  std::string owner_of(const Path& path) const override;
  [[nodiscard]] Result<std::optional<access::BucketState>> bucket_of(
      const Path& path) const override;
  [[nodiscard]] Result<std::map<std::string, std::string>> settings_of(
      const Path& path, access::BucketState& state) const override;
  [[nodiscard]] Result<std::optional<access::EntryState>> entry_of(
      const Path& path, std::optional<uint64_t> generation) const override;

 private:
  Result<std::optional<meta::DirectoryEntry>> bucket_entry(const Path& path) const;

  meta::Tree& tree_;
  kv::Store& store_;
};

}  // namespace beringia::core
