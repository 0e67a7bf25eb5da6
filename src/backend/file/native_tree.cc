#include "backend/file/native_tree.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "io/runtime.h"

namespace beringia::backend::file {
namespace {

constexpr size_t kMaxPathBytes = 4095;     // PATH_MAX without the NUL
constexpr size_t kMaxDurable = 64 << 10;   // directories remembered
constexpr size_t kMaxEmpty = 4096;         // directories removed at once
constexpr int kMaxAttempts = 16;           // of making a directory that others prune
constexpr int kMaxClaimAttempts = 10'000;  // of others that hold one file for a few system calls

}  // namespace

Result<void> NativeTree::check_length(const std::string& path) const {
  if (path.size() <= kMaxPathBytes) return {};
  return std::unexpected(invalid("cannot use the name " + path.substr(root_.size()),
                                 "its native path would have " + std::to_string(path.size()) +
                                     " bytes, the system allows 4095")
                             .with_tag("too_long"));
}

Result<std::string> NativeTree::directory_path(const std::string& name) const {
  if (is_reserved(name)) BR_TRY(check_reserved(name));
  std::string path = absolute(encode_directory(name));
  BR_TRY(check_length(path));
  return path;
}

Result<Located> NativeTree::locate(const std::string& name, bool warm) {
  if (name.empty()) return std::unexpected(invalid("cannot use an empty object name"));
  if (is_reserved(name)) BR_TRY(check_reserved(name));
  Located own{absolute(encode_object(name)), {}};
  BR_TRY(check_length(own.path));
  auto stat = warm ? disk_.stat_again(own.path) : disk_.stat(own.path);
  if (stat && stat->is_regular) {
    own.stat = *stat;
    return own;
  }
  const bool in_the_way = stat.has_value();
  if (!stat && stat.error().code() != Code::kNotFound) {
    return std::unexpected(std::move(stat).error());
  }
  if (!is_reserved(name)) {
    Located aside{absolute(encode_object(name, Place::kAside)), {}};
    auto aside_stat = disk_.stat(aside.path);
    if (aside_stat && aside_stat->is_regular) {
      aside.stat = *aside_stat;
      return aside;
    }
    if (!aside_stat && aside_stat.error().code() != Code::kNotFound &&
        aside_stat.error().code() != Code::kInvalid) {  // kInvalid: such a long name cannot exist
      return std::unexpected(std::move(aside_stat).error());
    }
    if (in_the_way) {
      BR_TRY(check_length(aside.path));
      return aside;
    }
  }
  BR_TRY(check_root());
  return own;
}

NativeTree::AsideClaim::~AsideClaim() {
  if (tree_ == nullptr) return;
  std::lock_guard lock{tree_->mutex_};
  tree_->claimed_asides_.erase(aside_);
}

Result<NativeTree::AsideClaim> NativeTree::claim_aside(const std::string& aside) {
  for (int attempt = 0; attempt < kMaxClaimAttempts; ++attempt) {
    {
      std::lock_guard lock{mutex_};
      if (claimed_asides_.insert(aside).second) return AsideClaim{this, aside};
    }
    (void)disk_.stat(aside);  // takes about as long as what it waits for
  }
  return std::unexpected(busy("cannot use the file " + aside, "others move it again and again"));
}

Result<NativeTree::AsideClaim> NativeTree::hold(const std::string& name, const Located& there) {
  if (is_reserved(name)) return AsideClaim{nullptr, {}};
  const std::string aside = absolute(encode_object(name, Place::kAside));
  if (aside == there.path) return AsideClaim{nullptr, {}};
  BR_TRY(claim, claim_aside(aside));
  BR_TRY(own, disk_.stat(there.path));
  if (!own.is_regular || own.inode != there.stat->inode) {
    return std::unexpected(not_found("the file " + name + " has stepped aside"));
  }
  auto shadowed = disk_.stat(aside);
  if (shadowed && shadowed->is_regular) BR_TRY(disk_.unlink(aside));
  return std::move(claim);
}

Result<void> NativeTree::check_root() {
  auto stat = disk_.stat(root_);
  if (!stat && stat.error().code() == Code::kCancelled) {
    return std::unexpected(std::move(stat).error());  // nobody has looked
  }
  if (!stat || !stat->is_directory) {
    return std::unexpected(
        Error{Code::kUnavailable, Retry::kSafe, "cannot use the directory " + root_,
              stat ? "it is no directory" : stat.error().why(), "mount or create it"});
  }
  std::lock_guard lock{mutex_};
  if (!root_inode_) root_inode_ = stat->inode;
  if (*root_inode_ == stat->inode) return {};
  return std::unexpected(unavailable("cannot use the directory " + root_,
                                     "another directory is there now: is it unmounted?",
                                     "mount it again, or restart to take the new one"));
}

std::string NativeTree::parent_of(const std::string& path) const {
  return path.substr(0, path.rfind('/'));
}

Result<void> NativeTree::check_parents(const std::string& path) {
  // One look for all of them; name by name only to say what is wrong.
  if (disk_.leads_through_directories(root_, path)) return {};
  for (size_t slash = path.find('/', root_.size() + 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string directory = path.substr(0, slash);
    BR_TRY(stat, disk_.stat(directory));
    if (stat.is_directory) continue;
    if (stat.is_regular) {
      return std::unexpected(not_found("there is no " + path, directory + " is a file"));
    }
    // Links are not followed: what lies behind one is no object of this tree.
    return std::unexpected(not_found("there is no " + path, directory + " is a link")
                               .with_tag(std::string{kBehindLink}));
  }
  return {};
}

Result<void> NativeTree::make_parents(const std::string& path) {
  for (int attempt = 1;; ++attempt) {
    bool again = false;
    for (size_t slash = path.find('/', root_.size() + 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      auto made = make_directory_here(path.substr(0, slash));
      if (made) continue;
      // Its parent was pruned a moment ago.
      again = made.error().code() == Code::kNotFound && attempt < kMaxAttempts;
      if (!again) return made;
      BR_TRY(check_root());
      break;
    }
    if (!again) return {};
  }
}

Result<void> NativeTree::make_directory_here(const std::string& path) {
  for (int attempt = 1;; ++attempt) {
    auto stat = disk_.stat(path);
    if (stat && stat->is_directory) return {};
    if (stat && stat->is_regular) {
      BR_TRY(step_aside(path));
    } else if (stat) {
      return std::unexpected(denied("cannot make the directory " + path,
                                    "a link or special file has this name", "remove it"));
    } else if (stat.error().code() != Code::kNotFound) {
      return std::unexpected(std::move(stat).error());
    }
    auto made = disk_.make_directory(path);
    if (made) return {};
    if (made.error().code() != Code::kAlreadyExists || attempt == kMaxAttempts) return made;
  }
}

/// The file of object `a` makes room for the directory of `a/...`. A plain rename: an older file
/// aside is shadowed by this one anyway. The version (inode, mtime, size) stays.
Result<void> NativeTree::step_aside(const std::string& path) {
  const size_t slash = path.rfind('/');
  const DecodedItem item = decode_item(std::string_view{path}.substr(slash + 1));
  if (item.kind != DecodedItem::Kind::kWhole) {
    return std::unexpected(conflict("cannot make the directory " + path, "a file has this name"));
  }
  // A component that is itself the end of a long one keeps its chunks: only the last step changes.
  const std::string aside = path.substr(0, slash + 1) + encode_object(item.text, Place::kAside);
  const std::string chunk = parent_of(aside);
  if (chunk.size() > slash) {  // too long to be marked in one component
    BR_TRY(make_directory_here(chunk));
  }
  BR_TRY(claim, claim_aside(aside));
  auto moved = disk_.rename(path, aside);
  if (!moved && moved.error().code() == Code::kNotFound) return {};  // somebody else moved it
  if (!moved) return moved;
  // Before the directory takes the name: else a power loss could leave that and not this.
  BR_TRY(disk_.sync_directory(parent_of(aside)));
  return chunk.size() > slash ? disk_.sync_directory(parent_of(path)) : Result<void>{};
}

Result<void> NativeTree::make_room(const std::string& path) {
  BR_TRY(make_parents(path));
  auto stat = disk_.stat(path);
  if (stat && stat->is_regular) return step_aside(path);
  return {};
}

Result<void> NativeTree::make_durable(const std::string& path) {
  BR_TRY(disk_.sync_directory(parent_of(path)));
  return make_parents_durable(path);
}

Result<void> NativeTree::make_parents_durable(const std::string& path) {
  uint64_t removals = 0;
  std::vector<std::string> unknown;
  {
    std::lock_guard lock{mutex_};
    removals = removals_;
    for (std::string directory = parent_of(path); directory.size() > root_.size();
         directory = parent_of(directory)) {
      if (!durable_.contains(directory)) unknown.push_back(directory);
    }
  }
  for (const auto& directory : unknown) BR_TRY(disk_.sync_directory(parent_of(directory)));
  std::lock_guard lock{mutex_};
  if (removals != removals_) return {};
  if (durable_.size() + unknown.size() > kMaxDurable) durable_.clear();
  durable_.insert(unknown.begin(), unknown.end());
  return {};
}

bool NativeTree::may_prune(const std::string& directory) const {
  if (directory.size() <= root_.size()) return false;
  const std::string reserved = root_ + "/.beringia";
  if (directory == reserved) return false;
  return parent_of(directory) != reserved;  // .beringia/tmp and its like stay
}

void NativeTree::prune(const std::string& path) {
  for (std::string directory = parent_of(path); may_prune(directory);
       directory = parent_of(directory)) {
    bool empty = true;
    auto looked = disk_.list(directory, [&](const io::DirectoryItem&) {
      empty = false;
      return false;
    });
    if (!looked || !empty || attributes_.is_marked(directory)) return;
    {
      std::lock_guard lock{mutex_};
      ++removals_;
      durable_.erase(directory);
    }
    if (!disk_.remove_directory(directory)) return;
  }
}

bool NativeTree::remove_empty(const std::string& path) {
  std::vector<std::string> found{path};
  for (size_t next = 0; next < found.size(); ++next) {
    bool only_directories = true;
    const std::string directory = found[next];
    auto listed = disk_.list(directory, [&](const io::DirectoryItem& item) {
      only_directories = item.is_directory && found.size() < kMaxEmpty;
      if (only_directories) found.push_back(directory + "/" + item.name);
      return only_directories;
    });
    if (!listed || !only_directories) return false;
  }
  forget_durable();
  // The deepest first; one that is used again meanwhile stays, and so do those above it.
  for (auto directory = found.rbegin(); directory != found.rend(); ++directory) {
    if (!disk_.remove_directory(*directory)) return false;
  }
  return true;
}

void NativeTree::forget_durable() {
  std::lock_guard lock{mutex_};
  ++removals_;
  durable_.clear();
}

Result<void> NativeTree::make_removal_durable(const std::string& path) {
  for (std::string directory = parent_of(path);; directory = parent_of(directory)) {
    auto synced = disk_.sync_directory(directory);
    if (synced || synced.error().code() != Code::kNotFound || directory == root_) return synced;
  }
}

size_t NameLocks::stripe_of(const std::string& name) const {
  return std::hash<std::string>{}(name) % kStripes;
}

Result<io::MutexGuard> NameLocks::lock(const io::Context& context, const std::string& name) {
  BR_TRY(context.check(io::now()));
  return io::MutexGuard::lock(context, stripes_[stripe_of(name)]);
}

Result<NameLocks::Pair> NameLocks::lock_both(const io::Context& context, const std::string& a,
                                             const std::string& b) {
  BR_TRY(context.check(io::now()));
  const size_t first = std::min(stripe_of(a), stripe_of(b));
  const size_t second = std::max(stripe_of(a), stripe_of(b));
  BR_TRY(one, io::MutexGuard::lock(context, stripes_[first]));
  if (first == second) return Pair{std::move(one), std::nullopt};
  BR_TRY(two, io::MutexGuard::lock(context, stripes_[second]));
  return Pair{std::move(one), std::move(two)};
}

}  // namespace beringia::backend::file
