#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/time.h"
#include "core/path_locks.h"

namespace beringia::core {

/// When a name was last seen to agree with its backends. Bounded: at kMaxNames per shard the shard
/// is forgotten as a whole, which only costs another look. Thread-safe.
class SeenTable {
 public:
  static constexpr size_t kShards = 16;
  static constexpr size_t kMaxNames = 16384;
  void mark(const std::string& name, MonotonicTime when);
  void forget(const std::string& name);
  bool within(const std::string& name, MonotonicTime now, Duration staleness) const;

 private:
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, MonotonicTime> seen;
  };
  Shard shards_[kShards];
};

/// How far the listing of a directory that is remembered has come. What was listed by then holds,
/// so that nobody lists it again: neither who asks for the next page, nor who comes after one that
/// gave up. Bounded: at kMaxDirectories all are forgotten, which only costs calls. Thread-safe.
class SyncProgress {
 public:
  static constexpr size_t kMaxDirectories = 4096;
  struct Reached {
    MonotonicTime begun;  ///< the first page was listed
    uint64_t epoch = 0;   ///< Mounts::sync_epoch()
    std::string until;    ///< stored names up to here agree with the backends
  };
  std::optional<Reached> of(const std::string& directory) const;
  void set(const std::string& directory, Reached reached);
  void forget(const std::string& directory);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Reached> reached_;
};

/// Mutable state of revalidation; see reconcile.h.
struct FreshnessState {
  SeenTable entries;
  SeenTable directories;
  SyncProgress progress;
  PathLocks syncs;  ///< one sync of a directory at a time (single flight)
};

}  // namespace beringia::core
