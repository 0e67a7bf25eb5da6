#include "backend/file/file_backend.h"
#include "io/runtime.h"

namespace beringia::backend::file {

Result<void> FileBackend::make_directory(const io::Context& context, const std::string& name) {
  BR_TRY(context.check(io::now()));
  BR_TRY(path, tree_.directory_path(name));
  if (path == tree_.root()) return tree_.check_root();
  for (int race = 1;; ++race) {
    auto made = io::blocking([&]() -> Result<void> {
      BR_TRY(tree_.make_parents(path + "/"));
      return attributes_.mark_directory(path);
    });
    if (made) break;
    // An empty one may have been pruned before the mark.
    if (made.error().code() != Code::kNotFound || race == kMaxRaces) return made;
  }
  // The mark belongs to the directory's inode, its name to the parent.
  BR_TRY(disk_.sync_directory(path));
  return tree_.make_durable(path);
}

Result<void> FileBackend::remove_directory(const io::Context& context, const std::string& name) {
  BR_TRY(context.check(io::now()));
  BR_TRY(path, tree_.directory_path(name));
  if (path == tree_.root()) {
    return std::unexpected(invalid("cannot remove the root directory " + path));
  }
  BR_TRY(io::blocking([&]() -> Result<void> {
    BR_TRY(tree_.check_parents(path + "/"));
    tree_.forget_durable();
    return disk_.remove_directory(path);
  }));
  BR_TRY(tree_.make_removal_durable(path));
  io::blocking([&] { tree_.prune(path); });
  return {};
}

}  // namespace beringia::backend::file
