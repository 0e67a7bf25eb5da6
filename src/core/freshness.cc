#include "core/freshness.h"

#include <functional>

namespace beringia::core {

void SeenTable::mark(const std::string& name, MonotonicTime when) {
  Shard& shard = shards_[std::hash<std::string>{}(name) % kShards];
  std::lock_guard lock{shard.mutex};
  if (shard.seen.size() >= kMaxNames) shard.seen.clear();
  shard.seen[name] = when;
}

void SeenTable::forget(const std::string& name) {
  Shard& shard = shards_[std::hash<std::string>{}(name) % kShards];
  std::lock_guard lock{shard.mutex};
  shard.seen.erase(name);
}

bool SeenTable::within(const std::string& name, MonotonicTime now, Duration staleness) const {
  if (staleness.count() <= 0) return false;
  const Shard& shard = shards_[std::hash<std::string>{}(name) % kShards];
  std::lock_guard lock{shard.mutex};
  auto found = shard.seen.find(name);
  return found != shard.seen.end() && now - found->second <= staleness;
}

std::optional<SyncProgress::Reached> SyncProgress::of(const std::string& directory) const {
  const std::lock_guard lock{mutex_};
  const auto found = reached_.find(directory);
  if (found == reached_.end()) return std::nullopt;
  return found->second;
}

void SyncProgress::set(const std::string& directory, Reached reached) {
  const std::lock_guard lock{mutex_};
  if (reached_.size() >= kMaxDirectories && !reached_.contains(directory)) reached_.clear();
  reached_[directory] = std::move(reached);
}

void SyncProgress::forget(const std::string& directory) {
  const std::lock_guard lock{mutex_};
  reached_.erase(directory);
}

}  // namespace beringia::core
