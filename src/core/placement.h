#pragma once

#include <string>

#include "base/path.h"
#include "meta/estate.h"

namespace beringia::core {

/// Where a new write goes. Declared here, implemented in policy/, joined in app/.
class PlacementChooser {
 public:
  virtual ~PlacementChooser() = default;
  struct Choice {
    size_t location = 0;        // index into mount.locations
    std::string storage_class;  // "" = what the client asked for
  };
  virtual Choice choose(const Path& path, const meta::MountDeclaration& mount,
                        const std::string& owner) const = 0;
};

/// The first location of the mount: the default when no policy speaks at write time.
class FirstLocation final : public PlacementChooser {
 public:
  Choice choose(const Path&, const meta::MountDeclaration&, const std::string&) const override {
    return {};
  }
};

}  // namespace beringia::core
