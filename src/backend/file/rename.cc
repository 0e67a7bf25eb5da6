#include "backend/file/file_backend.h"
#include "io/runtime.h"

namespace beringia::backend::file {

Result<CopyInfo> FileBackend::rename(const io::Context& context, const RenameRequest& request) {
  if (request.keep_source) return share(context, request);
  const bool directory = request.from.ends_with('/');
  if (directory && request.to.ends_with('/')) return rename_directory(request);
  if (directory) {
    return std::unexpected(
        invalid("cannot rename " + request.from + " to " + request.to, "one is a directory"));
  }
  CopyInfo info;
  std::string from;
  std::string to;
  {
    BR_TRY(guards, locks_.lock_both(context, request.from, request.to));
    BR_TRY(moved, io::blocking([&] { return move_into_place(request, from, to); }));
    info = std::move(moved);
  }
  forget(request.from);
  info.name = request.to;
  // The new name first: after a power loss there may be two names, never none.
  BR_TRY(tree_.make_durable(to));
  BR_TRY(tree_.make_removal_durable(from));
  io::blocking([&] { tree_.prune(from); });
  return info;
}

/// Looks again when the source has stepped aside for a directory meanwhile. Blocks; both names are
/// locked. @return what was moved, and the paths `from` and `to`
Result<CopyInfo> FileBackend::move_into_place(const RenameRequest& request, std::string& from,
                                              std::string& to) {
  for (int race = 1;; ++race) {
    BR_TRY(there, tree_.locate(request.from));
    BR_TRY(check_version(request.from, there, request.version));
    BR_TRY(info, info_of(request.from, there));
    from = there.path;
    if (request.from == request.to) {
      to = from;
      BR_TRY(check_expectation(request.to, there, request.expectation));
      return std::move(info);
    }
    // Into a directory of its own name: it steps aside for that first.
    BR_TRY(target, tree_.locate(request.to));
    if (target.path.starts_with(from + "/")) {
      BR_TRY(check_expectation(request.to, target, request.expectation));
      BR_TRY(tree_.make_parents(target.path));
      if (race < kMaxRaces) continue;
    }
    Result<std::string> moved;
    {
      auto held = tree_.hold(request.from, there);
      bool replaced = false;
      moved = held ? rename_into_place(request.to, from, request.expectation, replaced,
                                       Parents::kDurable)
                   : std::unexpected(std::move(held).error());
    }
    if (moved) {
      to = std::move(*moved);
      return std::move(info);
    }
    if (moved.error().code() != Code::kNotFound || race == kMaxRaces) {
      return std::unexpected(std::move(moved).error());
    }
  }
}

Result<CopyInfo> FileBackend::rename_directory(const RenameRequest& request) {
  BR_TRY(from, tree_.directory_path(request.from));
  BR_TRY(to, tree_.directory_path(request.to));
  CopyInfo info;
  info.name = request.to;
  if (from == to && from != tree_.root()) {
    // What lies in it directly, too: `name/` is also how the directory's marker object is called.
    BR_TRY(tree_.check_parents(from + "/."));
    BR_TRY(tree_.make_durable(to + "/."));
    return info;
  }
  if (from == tree_.root() || to == tree_.root() || request.to.starts_with(request.from)) {
    return std::unexpected(
        invalid("cannot rename the directory " + request.from + " to " + request.to));
  }
  BR_TRY(io::blocking([&]() -> Result<void> {
    BR_TRY(tree_.check_parents(from + "/"));
    for (int race = 1;; ++race) {
      BR_TRY(tree_.make_room(to));
      auto moved = tree_.make_parents_durable(to);
      if (moved) moved = disk_.rename_exclusive(from, to);
      if (moved) return {};
      const bool pruned = moved.error().code() == Code::kNotFound && disk_.stat(from).has_value();
      // What a crash brought back of directories that had been removed is in nobody's way.
      const bool cleared = moved.error().code() == Code::kAlreadyExists && tree_.remove_empty(to);
      if ((!pruned && !cleared) || race == kMaxRaces) return moved;
    }
  }));
  tree_.forget_durable();
  open_files_.forget_all();
  known_files_.forget_all();
  BR_TRY(tree_.make_durable(to));
  BR_TRY(tree_.make_removal_durable(from));
  io::blocking([&] { tree_.prune(from); });
  return info;
}

}  // namespace beringia::backend::file
