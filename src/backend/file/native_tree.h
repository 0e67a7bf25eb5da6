#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "backend/file/attribute_store.h"
#include "backend/file/native_names.h"
#include "io/disk.h"
#include "io/sync.h"

namespace beringia::backend::file {

/// Where an object is, or where it would be put.
struct Located {
  std::string path;                  ///< absolute
  std::optional<io::FileStat> stat;  ///< absent: no such object
  bool exists() const { return stat.has_value(); }
};

/// Tag of kNotFound: a directory of the path is a link, so that looking again is of no use.
inline constexpr std::string_view kBehindLink = "behind_link";

/// The directories below one root: finds, makes, makes durable and prunes them. Nothing here
/// follows a symbolic link below the root. Thread-safe. Calls block: make them from the blocking
/// pool (or let them park, call by call).
class NativeTree {
 public:
  NativeTree(io::Disk& disk, std::string root, AttributeStore& attributes)
      : disk_{disk}, root_{std::move(root)}, attributes_{attributes} {}

  const std::string& root() const { return root_; }
  std::string absolute(const std::string& native) const {
    return native.empty() ? root_ : root_ + "/" + native;
  }

  /// The object's file: its own name if a regular file is there, else the one aside.
  /// @error kInvalid: the name is too long for the system; kUnavailable: the root is gone
  /// `warm`: its own file was looked at a moment ago (io::Disk::stat_again).
  [[nodiscard]] Result<Located> locate(const std::string& name, bool warm = false);
  /// Who moves a file aside and who moves or removes the object of that name take turns, name by
  /// name: else the directory that takes its place could be taken for it.
  class AsideClaim {
   public:
    AsideClaim(NativeTree* tree, std::string aside) : tree_{tree}, aside_{std::move(aside)} {}
    AsideClaim(AsideClaim&& other) noexcept
        : tree_{std::exchange(other.tree_, nullptr)}, aside_{std::move(other.aside_)} {}
    AsideClaim& operator=(AsideClaim&&) = delete;
    ~AsideClaim();

   private:
    NativeTree* tree_;  // null: nothing is claimed
    std::string aside_;
  };
  /// The object that was located is about to go: it does not step aside while the claim is held,
  /// and an older file aside that it shadows goes first, lest it come back to light.
  /// @error kNotFound: the object has stepped aside meanwhile; kBusy
  [[nodiscard]] Result<AsideClaim> hold(const std::string& name, const Located& there);
  /// Native path of directory `name` ("" or ending in '/'). @error kInvalid
  [[nodiscard]] Result<std::string> directory_path(const std::string& name) const;

  /// All directories above `path` are directories, not links. @error kNotFound, kDenied (a link)
  [[nodiscard]] Result<void> check_parents(const std::string& path);
  /// Makes the directories above `path`; an object whose file is in the way steps aside.
  [[nodiscard]] Result<void> make_parents(const std::string& path);
  /// As make_parents, and a file under the very name of the directory `path` steps aside.
  [[nodiscard]] Result<void> make_room(const std::string& path);
  /// The entries that lead to `path` are on disk when it returns. The file or directory must
  /// exist, so that no directory above it can be pruned meanwhile.
  [[nodiscard]] Result<void> make_durable(const std::string& path);

  /// Likewise of the directory that holds `path`: so that what is renamed to `path`, and is durable
  /// under its old name, cannot be lost with a new directory.
  [[nodiscard]] Result<void> make_parents_durable(const std::string& path);

  /// Removes the directories above `path` that are empty and were not made explicitly.
  void prune(const std::string& path);
  /// Removes the directory `path` if nothing but directories lies in it. @return removed
  bool remove_empty(const std::string& path);
  /// Directories were renamed or removed: what was known of them is forgotten.
  void forget_durable();
  /// The removal of `path` is on disk when it returns, even if its directory was pruned meanwhile.
  [[nodiscard]] Result<void> make_removal_durable(const std::string& path);

  /// @error kUnavailable: the root is no directory, or another one than at first (unmounted)
  [[nodiscard]] Result<void> check_root();

 private:
  Result<void> check_length(const std::string& path) const;
  Result<void> make_directory_here(const std::string& path);
  Result<void> step_aside(const std::string& path);
  Result<AsideClaim> claim_aside(const std::string& aside);
  std::string parent_of(const std::string& path) const;
  bool may_prune(const std::string& directory) const;

  io::Disk& disk_;
  const std::string root_;
  AttributeStore& attributes_;
  std::mutex mutex_;
  std::optional<uint64_t> root_inode_;
  /// Directories whose own entry this process has synced since they were made. Cleared when full;
  /// then the next publications sync once more.
  std::unordered_set<std::string> durable_;
  std::unordered_set<std::string> claimed_asides_;
  uint64_t removals_ = 0;
};

/// Publications of one object take turns between the last look and the rename. Striped.
class NameLocks {
 public:
  [[nodiscard]] Result<io::MutexGuard> lock(const io::Context& context, const std::string& name);
  struct Pair {
    io::MutexGuard first;
    std::optional<io::MutexGuard> second;  // absent: both names share a stripe
  };
  [[nodiscard]] Result<Pair> lock_both(const io::Context& context, const std::string& a,
                                       const std::string& b);

 private:
  static constexpr size_t kStripes = 1024;
  size_t stripe_of(const std::string& name) const;
  std::array<io::Mutex, kStripes> stripes_;
};

}  // namespace beringia::backend::file
