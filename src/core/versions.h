#pragma once

#include <cstdint>
#include <optional>

#include "core/mounts.h"
#include "core/namespace.h"
#include "core/parts.h"
#include "meta/tree.h"
#include "meta/versions.h"

namespace beringia::core {

// Versions: docs/semantics.md, docs/adr/0009-versions.md. Whether a bucket keeps them is told by
// the attribute kVersioningAttribute of its directory.

/// kOff where the bucket does not exist.
Versioning versioning_of(const meta::Location& location);

/// The key inside its bucket, which must exist.
meta::VersionedKey versioned_key(const meta::Location& location);

/// The generation that is current is the one that is asked for.
bool is_chosen(const meta::EntryRecord& current, uint64_t generation);

/// A generation that is not current, or a mark. kUnversioned: the one that was written while no
/// versions were kept.
[[nodiscard]] Result<std::optional<meta::StoredVersionRow>> find_version(
    const io::Context& context, kv::Store& store, const meta::Location& location,
    uint64_t generation);
/// The newest row; the entry itself is not among them.
[[nodiscard]] Result<std::optional<meta::StoredVersionRow>> newest_version(
    const io::Context& context, Namespace::Parts& parts, const meta::Location& location);

/// What `location` leads to when `generation` is asked for (absent: the current one): its entry is
/// that generation's record, or absent. `noncurrent`, if not null: the row it comes from.
[[nodiscard]] Result<meta::Location> choose_generation(
    const io::Context& context, Namespace::Parts& parts, meta::Location location,
    std::optional<uint64_t> generation,
    std::optional<meta::StoredVersionRow>* noncurrent = nullptr);

/// The answer of a verb about the entry that `location` leads to.
Entry entry_of(const meta::Location& location, meta::EntryRecord record);
/// Likewise about a generation that is not current.
Entry entry_of(const meta::Location& location, meta::VersionRecord version);

/// Why `location` leads to nothing when `generation` (absent: the current one) is asked for: tag
/// "no_version" where versions are kept, else as no_entry().
Error no_generation(const meta::Location& location, std::optional<uint64_t> generation);

}  // namespace beringia::core
