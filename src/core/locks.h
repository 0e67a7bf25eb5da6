#pragma once

#include "base/time.h"
#include "core/namespace.h"
#include "meta/tree.h"

namespace beringia::core {

// Locks of versions (S3: object lock, GCS: object retention): governance, which who has the right
// may bypass; compliance, which nobody may; holds; and the retention of whole buckets.

/// The lock of the bucket that `location` lies in.
std::optional<BucketLock> lock_of(const meta::Location& location);

/// The lock that a new version gets. @error kInvalid, tag "no_lock": one is asked for and the
/// bucket has none
[[nodiscard]] Result<meta::Lock> lock_of_new(const meta::Location& location, meta::Lock asked,
                                             Timestamp now);

/// May the version be removed for good? @error kDenied, tag "locked"
[[nodiscard]] Result<void> check_removable(const meta::Location& location,
                                           const meta::EntryRecord& record, Timestamp now,
                                           bool bypasses_governance);

/// May what is current be replaced or removed? Where versions are kept it stays as one.
/// @error as check_removable
[[nodiscard]] Result<void> check_replaceable(const meta::Location& location, Timestamp now);

/// The lock as `patch` leaves it. @error kDenied (tag "locked"), kInvalid (tag "no_lock")
[[nodiscard]] Result<meta::Lock> changed_lock(const meta::Location& location,
                                              const meta::Lock& before, const AttributePatch& patch,
                                              Timestamp now);

/// A bucket whose versions can be locked keeps versions; a locked retention only becomes longer.
/// @error kConflict, tag "locked_bucket"; kDenied, tag "locked"
[[nodiscard]] Result<void> check_bucket_lock(const meta::DirectoryEntry& before,
                                             const meta::DirectoryEntry& bucket);

}  // namespace beringia::core
