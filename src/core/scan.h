#pragma once

#include <cstdint>
#include <string>

#include "core/found_changes.h"
#include "core/namespace.h"
#include "core/parts.h"

namespace beringia::core {

/// Compares a part of the tree with what the backends have, whatever was looked at before, and
/// makes the catalog agree. Directories come in the order of their paths, each before those below
/// it; one backend listing per 1,000 names, without blocking writers. A listing that fails ends the
/// scan, and publishes nothing. Each change has its audit record (sync.*).
/// @param root  a directory
/// @error kNotFound: no mount shows it; kUnavailable, kBusy, kCancelled
[[nodiscard]] Result<ScanReport> scan_tree(const io::Context& context, Namespace::Parts& parts,
                                           const Path& root, const ScanRequest& request);

}  // namespace beringia::core
