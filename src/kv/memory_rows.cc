#include "kv/memory_rows.h"

#include <mutex>
#include <utility>

namespace beringia::kv {

void MemoryRows::apply(const Changes& changes) {
  std::lock_guard lock{mutex_};
  ++time_;
  for (const auto& [key, value] : changes) {
    auto& versions = rows_[key];
    if (!versions.empty() && versions.back().value) {
      bytes_ -= key.size() + versions.back().value->size();
    }
    if (value) bytes_ += key.size() + value->size();
    if (snapshots_.empty()) versions.clear();
    versions.push_back({time_, value});
    if (!snapshots_.empty()) {
      versioned_.insert(key);
    } else if (!value) {
      rows_.erase(key);
    }
  }
}

const MemoryRows::Value& MemoryRows::visible(const Versions& versions, uint64_t at) {
  static const Value kAbsent;
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->time <= at) return version->value;
  }
  return kAbsent;
}

MemoryRows::Value MemoryRows::get(std::string_view key, uint64_t at) const {
  std::shared_lock lock{mutex_};
  const auto found = rows_.find(key);
  return found == rows_.end() ? Value{} : visible(found->second, at);
}

void MemoryRows::scan(std::string_view first, std::string_view last, uint64_t at,
                      const Snapshot::Visit& visit) const {
  // Rows are handed out without the lock, in chunks: `visit` may read the store.
  constexpr size_t kChunk = 256;
  std::string from{first};
  for (;;) {
    std::vector<KeyValue> chunk;
    {
      std::shared_lock lock{mutex_};
      for (auto row = rows_.lower_bound(from); row != rows_.end() && row->first < last; ++row) {
        if (const auto& value = visible(row->second, at)) chunk.push_back({row->first, *value});
        if (chunk.size() == kChunk) break;
      }
    }
    for (const auto& row : chunk) {
      if (!visit(row.key, row.value)) return;
    }
    if (chunk.size() < kChunk) return;
    from = chunk.back().key + '\0';
  }
}

uint64_t MemoryRows::open_snapshot() {
  std::lock_guard lock{mutex_};
  snapshots_.insert(time_);
  return time_;
}

void MemoryRows::close_snapshot(uint64_t at) {
  std::lock_guard lock{mutex_};
  snapshots_.erase(snapshots_.find(at));
  if (!snapshots_.empty()) return;
  for (const auto& key : versioned_) forget_unneeded(key);
  versioned_.clear();
}

void MemoryRows::forget_unneeded(const std::string& key) {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return;
  auto& versions = found->second;
  if (!versions.back().value) {
    rows_.erase(found);
    return;
  }
  versions.erase(versions.begin(), versions.end() - 1);
}

uint64_t MemoryRows::bytes() const {
  std::shared_lock lock{mutex_};
  return bytes_;
}

}  // namespace beringia::kv
