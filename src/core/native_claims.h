#pragma once

#include <string>

#include "core/parts.h"
#include "meta/tree.h"

namespace beringia::core {

// After a directory's rename its files keep their native names where the backend cannot rename
// directories. Those names belong to the renamed directory: they are not found under the old path,
// and nothing is written there for another one.

/// Adds the row that claims all names below `base` (ends in '/') for the directory.
void claim_names(kv::Batch& batch, meta::BackendId backend, const std::string& base,
                 meta::DirectoryId directory);

/// `native_name` belongs to a directory that does not lie on the way to `location`.
[[nodiscard]] Result<bool> is_claimed_elsewhere(const io::Context& context, Namespace::Parts& parts,
                                                meta::BackendId backend,
                                                const std::string& native_name,
                                                const meta::Location& location);

}  // namespace beringia::core
