#pragma once

#include <string>

#include "access/access.h"
#include "meta/tree.h"

namespace beringia::core {

/// Owners of buckets as the tree has them. Thread-safe; `tree` outlives it.
class TreeOwners final : public access::OwnerLookup {
 public:
  explicit TreeOwners(meta::Tree& tree) : tree_{tree} {}
  std::string owner_of(const Path& path) const override;

 private:
  meta::Tree& tree_;
};

}  // namespace beringia::core
