#pragma once

#include <optional>

#include "core/namespace.h"
#include "core/parts.h"
#include "kv/store.h"
#include "meta/tree.h"
#include "meta/versions.h"

namespace beringia::core {

// Soft delete: what is deleted or replaced for good becomes a 'w' row for as long as the bucket
// says, with its bytes under a second name as those of versions (keeping.h). docs/semantics.md.

/// The policy of the bucket that `location` lies in, if it keeps anything.
std::optional<SoftDelete> soft_delete_of(const meta::Location& location);

/// Adds the row of a generation that is gone for others from now on. Its copies have names that are
/// ours alone.
void add_soft_deleted(kv::Batch& batch, const meta::Location& location, const SoftDelete& policy,
                      meta::VersionRecord version, Timestamp now);

/// The row, unless its time has come.
[[nodiscard]] Result<std::optional<meta::StoredVersionRow>> find_soft_deleted(
    const io::Context& context, Namespace::Parts& parts, const meta::Location& location,
    uint64_t generation);
/// As choose_generation() does it. @error kNotFound, tag "no_version"
[[nodiscard]] Result<meta::Location> choose_soft_deleted(
    const io::Context& context, Namespace::Parts& parts, meta::Location location,
    std::optional<uint64_t> generation, std::optional<meta::StoredVersionRow>* row = nullptr);

/// Ends what is due: rows go, and their bytes are doomed, each with an audit record of its own.
/// @return how many were looked at
[[nodiscard]] Result<uint64_t> expire_soft_deleted(const io::Context& context,
                                                   Namespace::Parts& parts, size_t limit);

}  // namespace beringia::core
