#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kv/engine.h"

namespace beringia::kv {

/// Rows in memory, each with the versions that open snapshots still need. Thread-safe.
class MemoryRows {
 public:
  using Value = std::optional<std::string>;  // nullopt: absent

  /// All changes become visible at once.
  void apply(const Changes& changes);
  Value get(std::string_view key, uint64_t at) const;
  Value get(std::string_view key) const { return get(key, kNewest); }
  void scan(std::string_view first, std::string_view last, uint64_t at,
            const Snapshot::Visit& visit) const;
  /// Keeps what is visible now until close(). @return its time for get() and scan()
  uint64_t open_snapshot();
  void close_snapshot(uint64_t at);
  uint64_t bytes() const;

  static constexpr uint64_t kNewest = UINT64_MAX;

 private:
  struct Version {
    uint64_t time = 0;
    Value value;
  };
  using Versions = std::vector<Version>;  // oldest first, never empty
  static const Value& visible(const Versions& versions, uint64_t at);
  void forget_unneeded(const std::string& key);

  mutable std::shared_mutex mutex_;
  uint64_t time_ = 0;
  std::map<std::string, Versions, std::less<>> rows_;
  std::multiset<uint64_t> snapshots_;
  std::set<std::string> versioned_;  // keys with versions that only snapshots need
  uint64_t bytes_ = 0;               // of newest values and keys
};

}  // namespace beringia::kv
