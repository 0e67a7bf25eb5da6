#pragma once

#include <memory>

#include "core/mounts.h"
#include "core/namespace.h"
#include "core/path_locks.h"
#include "meta/tree.h"

namespace beringia::core {

/// An entry as it is now, under its lock.
struct LockedEntry {
  std::shared_ptr<const Mounts> mounts;  // owners: the table and requests under way
  PathLocks::Guard guard;
  meta::Location location;
};

/// The half of remove() that takes one generation (or mark of a deletion) away for good.
[[nodiscard]] Result<Removed> remove_generation(const io::Context& context, Namespace::Parts& parts,
                                                const Grant& grant, const RemoveRequest& request,
                                                LockedEntry entry);

}  // namespace beringia::core
