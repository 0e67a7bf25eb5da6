#pragma once

#include <string>

#include "core/mounts.h"
#include "core/parts.h"

namespace beringia::core {

/// key: 'z' | "settle/" | directory id 8 B  ->  path at the time of the rename (for people)
std::string settle_key(meta::DirectoryId id);

/// After a directory rename: moves the native directory to its new default name where the backend
/// has native directories, then drops the native_base of that backend in one commit. Repeatable at
/// any point: a crash between both is seen by looking where the directory is. Failures leave the
/// row for the janitor; the copy records tell the truth meanwhile.
void settle_directory(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                      meta::DirectoryId id);

/// All directories that wait for it (at start and by the janitor).
void settle_all(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts);

}  // namespace beringia::core
