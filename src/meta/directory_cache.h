#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "kv/store.h"
#include "meta/tree.h"

namespace beringia::meta {

/// Directories read lately, by the key of their row in the parent. Never shows a row that a commit
/// has replaced: from the making of a batch that changes a directory until its committed() call the
/// directory is in doubt and read from the store; and what was read before such a change is not
/// taken in after it. Bounded, thread-safe.
struct Tree::Cache {
  using Directory = std::shared_ptr<const DirectoryOnPath>;  // owners: the cache and its readers
  static constexpr size_t kMaxDirectories = 16384;
  static constexpr size_t kMaxDoubts = 4096;

  Directory find(const std::string& entry_row);
  /// The state of a row before it is read; insert() refuses when it has changed since.
  uint64_t ticket(const std::string& row);
  void insert(const std::string& entry_row, Directory directory, uint64_t entry_ticket,
              uint64_t record_ticket);
  /// A batch that changes the directory is being made.
  void doubt(const std::string& entry_row, DirectoryId id);
  /// Whatever `batch` did to directories is done (or has failed).
  void settle(const kv::Batch& batch);

 private:
  using Recency = std::list<std::pair<std::string, Directory>>;  // newest first

  uint64_t& epoch(const std::string& row);
  void forget(const std::string& row);
  void erase(const std::string& entry_row);

  std::mutex mutex_;
  Recency recency_;
  std::unordered_map<std::string, Recency::iterator> by_entry_row_;
  std::unordered_map<std::string, std::string> entry_row_of_;  // 'd' row -> 'e' row
  std::unordered_set<std::string> doubts_;
  std::array<uint64_t, 1024> epochs_{};  // by hash of the row
};

}  // namespace beringia::meta
