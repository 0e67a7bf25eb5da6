#pragma once

#include <cstdint>

#include "core/parts.h"

namespace beringia::core {

/// Settles the intents that crashed or unreachable writes left: the native object decides. Ours
/// (same write id) is committed, the old version means nothing happened, anything else is adopted.
/// At start, before any front end listens; later for those of this run that could not be told.
/// @return how many remain because their backend cannot be reached
[[nodiscard]] Result<uint64_t> recover_intents(const io::Context& context, Namespace::Parts& parts);

/// Settles the intent that an earlier write of `path` left, if any. Before each change: what is
/// there natively may be that write's, and the catalog does not know it yet. The caller holds the
/// path's lock. @error kUnavailable: its backend cannot be asked
[[nodiscard]] Result<void> settle_left_intent(const io::Context& context, Namespace::Parts& parts,
                                              const Mounts& mounts, const Path& path);

}  // namespace beringia::core
