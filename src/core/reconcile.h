#pragma once

#include <map>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "core/found_changes.h"
#include "core/mounts.h"
#include "core/namespace.h"
#include "core/parts.h"
#include "meta/tree.h"

namespace beringia::core {

/// Why a path is looked up: a write may go on while a remote location cannot be asked; a read of a
/// name that nobody knows may not answer "absent" then.
enum class Need { kRead, kWrite };

/// Resolves `path` and revalidates it as its mount says: exclusive mounts trust the catalog for
/// what it has seen, shared ones ask the backend when the last look is older than max_staleness.
/// Foreign writes, overwrites and deletions found on the way are adopted before it returns. The
/// caller must NOT hold the path's lock. @error kUnavailable, kCancelled
[[nodiscard]] Result<meta::Location> locate(const io::Context& context, Namespace::Parts& parts,
                                            const Mounts& mounts, const Path& path, Need need);

/// Same, for callers that hold the path's lock.
[[nodiscard]] Result<meta::Location> locate_locked(const io::Context& context,
                                                   Namespace::Parts& parts, const Mounts& mounts,
                                                   const Path& path, Need need);

/// Asks every location of the path's mount and makes the catalog agree with what is there: the
/// native object is the truth for bytes. Caller holds the path's lock. @return the new state
[[nodiscard]] Result<meta::Location> reconcile_entry(const io::Context& context,
                                                     Namespace::Parts& parts, const Mounts& mounts,
                                                     const Path& path, Need need);

/// Takes the lock, reconciles, resolves again: for readers whose source turned out different.
[[nodiscard]] Result<meta::Location> refresh(const io::Context& context, Namespace::Parts& parts,
                                             const Mounts& mounts, const Path& path);

/// What one listing has seen on its way down, so that the levels below need not find it out again:
/// by backend, a native object that lies somewhere below and will stay.
using SeenBelow = std::map<meta::BackendId, std::string>;

struct Synced {
  /// The last name (stored form) the catalog may be trusted for; nullopt = all of them.
  std::optional<std::string> bound;
  /// The children up to `bound`, if they have been read anyway and nothing had to be changed.
  std::optional<std::vector<meta::Child>> children;
};

/// Before listing: makes the children of `directory` (directory form) with names in
/// (after, Synced::bound] agree with the backends, if their freshness has lapsed. One backend
/// listing per 1,000 names, without blocking writers; a failed listing publishes nothing. What is
/// remembered (staleness > 0) is looked up once for all who wait, page by page; who needs a page
/// only waits for that. `seen`: of the listing that this is part of, if any.
[[nodiscard]] Result<Synced> sync_children(const io::Context& context, Namespace::Parts& parts,
                                           const Mounts& mounts, const Path& directory,
                                           const std::string& after, size_t want,
                                           SeenBelow* seen = nullptr);

/// Makes all children of `directory` (directory form) agree with the backends, however fresh they
/// are, and notes what others have changed. @error as a look on access; kUnavailable also where the
/// catalog's view would stand
[[nodiscard]] Result<void> scan_children(const io::Context& context, Namespace::Parts& parts,
                                         const Mounts& mounts, const Path& directory,
                                         FoundChanges& found);

/// Is there a directory `path` (directory form)? One that was made natively is adopted on the way.
[[nodiscard]] Result<bool> find_bucket(const io::Context& context, Namespace::Parts& parts,
                                       const Mounts& mounts, const Path& path);

/// "There is no such entry"; with tag "no_bucket" when not even its top-level directory exists.
Error no_entry(const meta::Location& location);

/// Adds a directory that was found natively: what lies in it is not known yet.
[[nodiscard]] Result<void> make_found_directory(const io::Context& context, Namespace::Parts& parts,
                                                const Path& path);

/// The catalog knows what lies below the directory that holds `location`: it was synced under this
/// epoch, or made by us later below one that was. docs/semantics.md, "What exclusive means".
[[nodiscard]] Result<bool> parent_is_known(const io::Context& context, Namespace::Parts& parts,
                                           const Mounts& mounts, const LiveMount& mount,
                                           const meta::Location& location);

bool is_copied_to(const meta::EntryRecord& entry, const LiveLocation& place);

/// The record of an object that someone else wrote (attributes with "beringia-" are ours and are
/// taken back, all others are user metadata).
meta::EntryRecord record_of_native(const backend::CopyInfo& info);

/// Native attributes of an entry, so that objects are self-describing (docs/formats).
backend::Attributes native_attributes(const meta::EntryRecord& record);

/// Remembers a backend that was asked and is not available for a few seconds, so that an outage is
/// not paid on every request. Other errors say nothing about the backend as a whole.
void note_backend_failure(const LiveBackend& live, const Error& error);
bool is_avoided(const LiveBackend& live);

}  // namespace beringia::core
