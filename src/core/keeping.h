#pragma once

#include <optional>
#include <vector>

#include "core/mounts.h"
#include "core/parts.h"
#include "kv/store.h"
#include "meta/journal.h"
#include "meta/tree.h"
#include "meta/versions.h"

namespace beringia::core {

// How a bucket that keeps versions, or deletes softly, keeps the bytes of a generation that is
// replaced or removed: under a second native name in one of the backends that have them
// (docs/life-of-a-put.md). The intent of the change names it before it is made, so that no crash
// leaves it behind, and the commit of the change makes it the copy of a 'v' row (or 'w' row).

/// What a change of one entry must keep.
struct Keeping {
  std::optional<meta::EntryRecord> replaced;  // absent: nothing
  struct Candidate {
    meta::Copy copy;
    meta::KeptName name;
  };
  std::vector<Candidate> candidates;  // in the order in which they are tried
  size_t tried = 0;
  std::optional<meta::Copy> kept;  // once keep() has succeeded

  std::vector<meta::KeptName> names() const;
};

/// What an overwrite or a removal of `location.entry` has to keep as its bucket is now. The caller
/// holds the path's lock.
Keeping plan_keeping(Namespace::Parts& parts, const Mounts& mounts, const meta::Location& location);

/// Whether what takes the entry's place leaves it behind as a version.
bool stays_as_version(const meta::Location& location, const meta::EntryRecord& replaced);

/// Gives the bytes their second name, durably. The intent must be committed (kSync) before.
/// @error kConflict tag "race": they are not what the catalog says; kUnavailable: no backend does
/// it
[[nodiscard]] Result<void> keep(const io::Context& context, const Mounts& mounts,
                                const meta::Location& location, Keeping& keeping);

/// Adds what the commit of a change of `location` does to its versions: the row of what was kept;
/// the end of an older unversioned one, where the new state is unversioned, too; and `marker`, if
/// any. What is to be removed natively is doomed and added to `doomed`.
struct HistoryChange {
  const Keeping& keeping;
  bool unversioned = false;  // the new current generation, or the marker
  const meta::VersionRecord* marker = nullptr;
  Timestamp now;
};
[[nodiscard]] Result<void> add_history(const io::Context& context, Namespace::Parts& parts,
                                       kv::Batch& batch, const meta::Location& location,
                                       const HistoryChange& change,
                                       std::vector<meta::DoomedCopy>& doomed);

/// The mark of a deletion, for a bucket that keeps versions. Only `unversioned` ones take the place
/// of an unversioned generation.
[[nodiscard]] Result<meta::VersionRecord> make_marker(const io::Context& context,
                                                      Namespace::Parts& parts,
                                                      const std::string& owner,
                                                      bool unversioned = false);

/// Dooms the copies of a version's row.
void doom_version(kv::Batch& batch, const meta::VersionRecord& version, Timestamp now,
                  std::vector<meta::DoomedCopy>& doomed);
/// What becomes of a version's copies whose row goes: a bucket that deletes softly keeps it.
void bury_version(kv::Batch& batch, const meta::Location& location,
                  const meta::VersionRecord& version, Timestamp now,
                  std::vector<meta::DoomedCopy>& doomed);
/// The generation that was kept is gone, and no version: a bucket that deletes softly keeps it. Of
/// `names` those that do not hold it are doomed. Nothing if nothing was kept.
void bury_kept(kv::Batch& batch, const meta::Location& location, const Keeping& keeping,
               std::vector<meta::KeptName> names, Timestamp now,
               std::vector<meta::DoomedCopy>& doomed);
/// Dooms second names whatever is there: they are ours alone.
void doom_names(kv::Batch& batch, const std::vector<meta::KeptName>& names, Timestamp now,
                std::vector<meta::DoomedCopy>& doomed);

/// After an intent that kept `replaced` is given up: if the catalog has lost that generation in the
/// meantime (someone else's change was taken over), it becomes a version all the same, else its
/// second names go. The caller holds the path's lock and removes the intent in `batch`.
[[nodiscard]] Result<void> settle_kept(const io::Context& context, Namespace::Parts& parts,
                                       const Mounts& mounts, kv::Batch& batch, const Path& path,
                                       const meta::EntryRecord& replaced,
                                       const std::vector<meta::KeptName>& names, Timestamp now,
                                       std::vector<meta::DoomedCopy>& doomed);

/// The second name that is there, as a copy. nullopt: none is. @error kUnavailable: nobody can tell
[[nodiscard]] Result<std::optional<meta::Copy>> find_kept(const io::Context& context,
                                                          const Mounts& mounts,
                                                          const std::vector<meta::KeptName>& names);

}  // namespace beringia::core
