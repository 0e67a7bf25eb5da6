#pragma once

#include <memory>

#include "core/keeping.h"
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

/// A removal that must keep the bytes says so before it touches them. The caller holds the path's
/// lock, removes the intent with its commit, and gives up when there is none.
[[nodiscard]] Result<void> keep_removed(const io::Context& context, Namespace::Parts& parts,
                                        const Mounts& mounts, const meta::Location& location,
                                        Keeping& keeping);
/// The removal will not be: its intent is settled now or, if nobody can tell, later.
void give_up_removal(Namespace::Parts& parts, const Mounts& mounts, const Path& path);

/// The half of remove() that takes one generation (or mark of a deletion) away for good.
[[nodiscard]] Result<Removed> remove_generation(const io::Context& context, Namespace::Parts& parts,
                                                const Grant& grant, const RemoveRequest& request,
                                                LockedEntry entry);

}  // namespace beringia::core
