#pragma once

#include <cstdint>
#include <string>

#include "core/mounts.h"
#include "core/parts.h"
#include "kv/store.h"
#include "meta/journal.h"

namespace beringia::core {

// Delayed deletes. The commit that makes a copy unneeded writes a doomed row with the copy's native
// version; the native delete follows, conditional on that version. While the row stands, the native
// object is not adopted again, so an acknowledged delete cannot return.

/// Adds the rows to `batch`.
void doom_copy(kv::Batch& batch, const meta::DoomedCopy& copy);

/// The version that is doomed at this native name, if any.
[[nodiscard]] Result<std::optional<std::string>> doomed_version(const io::Context& context,
                                                                kv::Store& store,
                                                                meta::BackendId backend,
                                                                const std::string& native_name);

/// Deletes the native object now (conditional on the version) and drops the rows. A backend that
/// cannot be reached leaves them for the reaper: not an error of the caller.
void execute_doomed(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                    const meta::DoomedCopy& copy);

}  // namespace beringia::core
