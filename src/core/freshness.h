#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
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

/// Mutable state of revalidation; see reconcile.h.
struct FreshnessState {
  SeenTable entries;
  SeenTable directories;
  PathLocks syncs;  ///< one sync of a directory at a time (single flight)
};

}  // namespace beringia::core
