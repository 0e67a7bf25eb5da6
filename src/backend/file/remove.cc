#include "backend/file/file_backend.h"
#include "base/kill_point.h"
#include "io/runtime.h"

namespace beringia::backend::file {

/// Unlinks without syncing. Blocks; the name's lock is held or nobody else can mean this version.
Result<void> FileBackend::remove_now(const std::string& name,
                                     const std::optional<Version>& version) {
  for (int race = 1;; ++race) {
    BR_TRY(there, tree_.locate(name));
    BR_TRY(check_version(name, there, version));
    BR_TRY(tree_.check_parents(there.path));
    Result<void> gone;
    {
      auto held = tree_.hold(name, there);
      gone = held ? disk_.unlink(there.path) : std::unexpected(std::move(held).error());
    }
    if (gone) {
      attributes_.forget(*there.stat);
      forget(name);
      return {};
    }
    // It stepped aside for a directory a moment ago: look again.
    const Code code = gone.error().code();
    const bool again = code == Code::kNotFound || code == Code::kAlreadyExists;
    if (!again || race == kMaxRaces) return gone;
  }
}

Result<void> FileBackend::remove(const io::Context& context, const RemoveRequest& request) {
  std::string path;
  Result<void> gone;
  {
    BR_TRY(guard, locks_.lock(context, request.name));
    gone = io::blocking([&]() -> Result<void> {
      BR_TRY(there, tree_.locate(request.name));
      path = there.path;
      return remove_now(request.name, request.version);
    });
  }
  BR_KILL_POINT("file.unlinked");
  // Also when it was gone already: the one who removed it may have failed to make that durable.
  const bool absent = !gone && gone.error().code() == Code::kNotFound;
  if (!gone && !absent) return gone;
  if (auto durable = tree_.make_removal_durable(path); !durable && !absent) {
    return std::unexpected(Error{durable.error().code(), Retry::kMaybeApplied,
                                 "cannot make the removal of " + request.name + " durable",
                                 durable.error().to_string()});
  }
  if (absent) return gone;
  io::blocking([&] { tree_.prune(path); });
  return {};
}

}  // namespace beringia::backend::file
