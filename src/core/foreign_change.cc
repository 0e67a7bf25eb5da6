#include "core/foreign_change.h"

#include <algorithm>
#include <optional>

#include "base/encoding.h"
#include "core/reconcile.h"

namespace beringia::core {
namespace {

/// Where one mount shows the object; nullopt: not at all.
std::optional<Path> path_in(const Mounts& mounts, const LiveMount& mount,
                            const std::shared_ptr<const LiveBackend>& live,
                            const std::string& native_name) {
  const LiveLocation place = mount.location_of(live);
  if (!place.backend || !native_name.starts_with(place.prefix)) return std::nullopt;
  auto path = mount.declaration.path.join(native_name.substr(place.prefix.size()));
  if (!path || path->is_directory_form() || mounts.find(*path) != &mount) return std::nullopt;
  return std::move(*path);
}

/// The catalog's copy in this backend under its default name.
const meta::Copy* copy_in(const meta::Location& location, meta::BackendId backend) {
  if (!location.entry) return nullptr;
  for (const auto& copy : location.entry->copies) {
    if (copy.backend == backend && copy.native_name.empty()) return &copy;
  }
  return nullptr;
}

/// A version that both sides count in numbers which only grow is at least as new as another one.
bool is_at_least(const std::string& version, const std::string& other) {
  const auto number = parse_u64(version);
  const auto other_number = parse_u64(other);
  return number && other_number && *number >= *other_number;
}

bool is_known(const meta::Location& location, const ForeignChange& change) {
  const meta::Copy* copy = copy_in(location, change.backend);
  // What was removed is not shown, or what is shown is newer.
  if (change.removed) {
    if (copy == nullptr) return true;
    return copy->version != change.version && is_at_least(copy->version, change.version);
  }
  return copy != nullptr && is_at_least(copy->version, change.version);
}

/// Does the catalog say something else than before?
bool is_other(const meta::Location& before, const meta::Location& after) {
  if (before.entry.has_value() != after.entry.has_value()) return true;
  if (!before.entry) return false;
  return before.entry->generation != after.entry->generation ||
         before.entry->copies.size() != after.entry->copies.size();
}

Result<Followed> follow_at(const io::Context& context, Namespace::Parts& parts,
                           const Mounts& mounts, const Path& path, const ForeignChange& change) {
  BR_TRY(guard, parts.locks.lock(context, path));
  BR_TRY(before, parts.tree.resolve(context, path));
  if (is_known(before, change)) return Followed::kKnown;
  BR_TRY(after, reconcile_entry(context, parts, mounts, path, Need::kRead));
  return is_other(before, after) ? Followed::kChanged : Followed::kUnchanged;
}

}  // namespace

Result<Followed> follow_foreign_change(const io::Context& context, Namespace::Parts& parts,
                                       const ForeignChange& change) {
  const auto mounts = parts.mounts.get();
  const auto live = mounts->backend(change.backend);
  if (!live || change.native_name.empty() ||
      change.native_name.starts_with(backend::kReservedPrefix)) {
    return Followed::kElsewhere;
  }
  Followed followed = Followed::kElsewhere;
  for (const auto& mount : mounts->all()) {
    const auto path = path_in(*mounts, mount, live, change.native_name);
    if (!path) continue;
    BR_TRY(here, follow_at(context, parts, *mounts, *path, change));
    if (followed == Followed::kElsewhere || here == Followed::kChanged) followed = here;
  }
  return followed;
}

}  // namespace beringia::core
