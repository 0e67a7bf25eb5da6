#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backend/backend.h"
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

/// A native name that a move is about to write: until the row goes, an object there that carries
/// `mark` as its attribute kMoveMark is not adopted, and a write of the entry may replace it.
struct ReservedName {
  meta::BackendId backend = 0;
  std::string native_name;
  std::string mark;
};
inline constexpr std::string_view kMoveMark = "beringia-move";

/// Adds the row; the batch conflicts if the name is doomed or reserved already.
void reserve_name(kv::Batch& batch, const ReservedName& name);
/// Adds the row's removal; the batch conflicts if it is not (any more) this reservation.
void release_name(kv::Batch& batch, const ReservedName& name);
/// The row of this very reservation stands.
[[nodiscard]] Result<bool> is_reserved(const io::Context& context, kv::Store& store,
                                       const ReservedName& name);

/// Is what was seen there about to be deleted, or a move's own unfinished work? Either is left
/// alone. `info` must carry attributes (a stat).
[[nodiscard]] Result<bool> is_doomed(const io::Context& context, kv::Store& store,
                                     meta::BackendId backend, const backend::CopyInfo& info);
/// Is it a move's own unfinished work? Only under the entry's lock may it be replaced or removed.
[[nodiscard]] Result<bool> is_unfinished_move(const io::Context& context, kv::Store& store,
                                              meta::BackendId backend,
                                              const backend::CopyInfo& info);
/// The name is doomed or reserved, whatever lies there.
[[nodiscard]] Result<bool> has_doomed_row(const io::Context& context, kv::Store& store,
                                          meta::BackendId backend, const std::string& native_name);

/// Something below `native_prefix` is doomed or reserved.
[[nodiscard]] Result<bool> has_doomed_below(const io::Context& context, kv::Store& store,
                                            meta::BackendId backend,
                                            const std::string& native_prefix);

/// Deletes all that is doomed below a native directory now, whether or not its backend failed a
/// moment ago: its names are about to change. @return true: nothing is doomed or reserved there any
/// more
[[nodiscard]] Result<bool> execute_doomed_below(const io::Context& context, Namespace::Parts& parts,
                                                const LiveBackend& live,
                                                const std::string& native_prefix);

/// Deletes the native object now (conditional on the version) and drops the rows. A backend that
/// cannot be reached leaves them for the reaper: not an error of the caller.
/// @return why it stays although the backend answers (no right, a hold, a retention)
std::optional<Error> execute_doomed(const io::Context& context, Namespace::Parts& parts,
                                    const Mounts& mounts, const meta::DoomedCopy& copy);

}  // namespace beringia::core
