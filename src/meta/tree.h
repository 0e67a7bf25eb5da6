#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/path.h"
#include "base/random.h"
#include "base/time.h"
#include "io/context.h"
#include "kv/store.h"
#include "meta/keys.h"
#include "meta/records.h"

namespace beringia::meta {

/// One directory on the way to an entry, as read.
struct DirectoryOnPath {
  DirectoryId id = 0;
  std::string name;                     // without '/'; "" for the root
  std::optional<DirectoryEntry> entry;  // absent for the root
  DirectoryRecord record;
  std::string record_bytes;  // 'd' row as stored, for Batch::check
  std::string entry_bytes;   // row in the parent as stored; empty for the root
};

/// The directories on the way to an entry, root first, each as read. Copies share them: keys of
/// 1,024 bytes have up to 512, and every look at a path goes through all of them.
class DirectoryChain {
 public:
  using Directory = std::shared_ptr<const DirectoryOnPath>;  // owners: chains and Tree's cache
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = DirectoryOnPath;
    using difference_type = std::ptrdiff_t;
    using pointer = const DirectoryOnPath*;
    using reference = const DirectoryOnPath&;
    explicit Iterator(std::vector<Directory>::const_iterator at) : at_{at} {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator{at_++}; }
    bool operator==(const Iterator&) const = default;

   private:
    std::vector<Directory>::const_iterator at_;
  };

  size_t size() const { return chain_.size(); }
  const DirectoryOnPath& operator[](size_t k) const { return *chain_[k]; }
  const DirectoryOnPath& back() const { return *chain_.back(); }
  Iterator begin() const { return Iterator{chain_.begin()}; }
  Iterator end() const { return Iterator{chain_.end()}; }
  void reserve(size_t count) { chain_.reserve(count); }
  void push_back(Directory directory) { chain_.push_back(std::move(directory)); }
  void replace_back(DirectoryOnPath directory) {
    chain_.back() = std::make_shared<const DirectoryOnPath>(std::move(directory));
  }

 private:
  std::vector<Directory> chain_;
};

/// Where a path leads. `directories` holds the existing part of the chain, root first.
struct Location {
  Path path;
  DirectoryChain directories;
  bool parent_exists = false;  // directories covers all of path.directories()
  std::string name;            // last component ("" = marker object of the directory)
  std::optional<EntryRecord> entry;
  std::optional<std::string> entry_bytes;  // as stored, for Batch::check
  DirectoryId parent_id() const { return directories.back().id; }
};

/// One child of a directory.
struct Child {
  std::string name;  // a directory's without '/'
  bool is_directory = false;
  DirectoryId directory_id = 0;  // directories
  std::optional<DirectoryEntry> directory;
  std::optional<EntryRecord> entry;
  /// The name as its row has it: a directory's with '/'.
  std::string stored_name() const { return is_directory ? name + "/" : name; }
};

/// Directories of this bucket stay when they are empty (kHierarchyAttribute).
bool keeps_directories(const Location& location);

/// Reads and builds changes of the tree over kv. Holds no state but a bounded directory cache that
/// every batch made by this class keeps right. Thread-safe. Nothing here commits: callers add to
/// the Batch, commit, and on kConflict resolve again (bounded retries).
class Tree {
 public:
  Tree(kv::Store& store, Rng& rng);
  ~Tree();

  /// Makes the root and the format row at first use. @error kUnsupported: newer catalog format
  [[nodiscard]] Result<void> initialize(const io::Context& context, Timestamp now);

  /// Follows `path`. Missing directories or entries are not errors.
  [[nodiscard]] Result<Location> resolve(const io::Context& context, const Path& path);
  /// Path of a directory by its id (for feed and events). @error kNotFound
  [[nodiscard]] Result<Path> path_of(const io::Context& context, DirectoryId id);

  /// Children with name > `after` (byte order in which a directory counts with its '/'), up to
  /// `limit`, names starting with `prefix`. `after` is compared in stored form ("x/" for
  /// directories); "" starts at the beginning, where the directory's marker object (name "") is.
  [[nodiscard]] Result<std::vector<Child>> children(const io::Context& context, DirectoryId id,
                                                    std::string_view prefix, std::string_view after,
                                                    size_t limit);

  /// Adds: the checks that the whole chain is unchanged, missing directories (implicit), the
  /// entry's check (as read in `location`) and put.
  void put_entry(kv::Batch& batch, const Location& location, const EntryRecord& record,
                 Timestamp now);
  /// Adds: check, removal, and removal of implicit parents that become empty.
  void remove_entry(kv::Batch& batch, const Location& location);
  /// Makes the directory `location.path` (directory form) as `attributes` say; an existing one
  /// keeps its id and becomes explicit. Does nothing for the root.
  void put_directory(kv::Batch& batch, const Location& location, const DirectoryEntry& attributes,
                     Timestamp now);
  /// Removes an empty directory (check_empty). `location.path` in directory form.
  void remove_directory(kv::Batch& batch, const Location& location);
  /// Moves an entry to `to` (put + remove in one batch).
  void rename_entry(kv::Batch& batch, const Location& from, const Location& to,
                    const EntryRecord& record, Timestamp now);
  /// Moves a directory with everything below: O(1). Both in directory form; `to` must not exist.
  /// `native_base` records where its files still are natively. @error kInvalid: into itself
  [[nodiscard]] Result<void> rename_directory(kv::Batch& batch, const Location& from,
                                              const Location& to,
                                              std::map<BackendId, std::string> native_base,
                                              Timestamp now);
  /// Forgets cached directories that `batch` touched; call after every commit (also failed ones).
  /// Directories that a batch of this class changes are read from the store until then.
  void committed(const kv::Batch& batch);

 private:
  struct Cache;
  Result<std::shared_ptr<const DirectoryOnPath>> step(const io::Context& context,
                                                      DirectoryId parent, std::string_view name);
  DirectoryId new_id();
  DirectoryId add_missing(kv::Batch& batch, const Location& location, size_t depth, Timestamp now);
  void add_directory(kv::Batch& batch, DirectoryId parent, std::string_view name,
                     const DirectoryEntry& entry);
  void drop_implicit(kv::Batch& batch, const Location& location, size_t deepest);

  kv::Store& store_;
  Rng& rng_;
  const DirectoryChain::Directory root_;
  std::unique_ptr<Cache> cache_;
};

/// Generations: strictly increasing over restarts, near the wall clock in microseconds (as GCS
/// has them). A high-water mark is persisted ahead of use. Thread-safe.
class GenerationClock {
 public:
  GenerationClock(kv::Store& store, const Clock& clock);
  [[nodiscard]] Result<void> open(const io::Context& context);
  [[nodiscard]] Result<uint64_t> next(const io::Context& context);
  /// Never gives out a value <= `seen` again (adopted native generations).
  void observe(uint64_t seen);

 private:
  struct State;
  kv::Store& store_;
  const Clock& clock_;
  std::shared_ptr<State> state_;  // owner: this clock and a running reservation
};

}  // namespace beringia::meta
