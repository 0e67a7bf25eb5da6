#include "kv/row_cache.h"

#include <functional>
#include <utility>

namespace beringia::kv {

RowCache::Shard& RowCache::shard_of(std::string_view key) {
  return shards_[std::hash<std::string_view>{}(key) % kShards];
}

std::optional<RowCache::Value> RowCache::find(std::string_view key, Ticket& ticket) {
  Shard& shard = shard_of(key);
  std::lock_guard lock{shard.mutex};
  ticket = shard.changes;
  if (shard.changing != nullptr && shard.changing->contains(key)) return std::nullopt;
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) return std::nullopt;
  shard.rows.splice(shard.rows.begin(), shard.rows, found->second);
  return found->second->value;
}

void RowCache::insert(std::string_view key, const Value& value, Ticket ticket) {
  Shard& shard = shard_of(key);
  std::lock_guard lock{shard.mutex};
  if (shard.changes != ticket || shard.by_key.contains(key)) return;
  if (shard.changing != nullptr && shard.changing->contains(key)) return;
  shard.rows.push_front({std::string{key}, value});
  shard.by_key.emplace(shard.rows.front().key, shard.rows.begin());
  shard.bytes += shard.rows.front().bytes();
  trim(shard);
}

void RowCache::begin_changes(const Changes& changes) {
  for (Shard& shard : shards_) {
    std::lock_guard lock{shard.mutex};
    shard.changing = &changes;
  }
}

void RowCache::end_changes(const Changes& changes) {
  for (const auto& [key, value] : changes) {
    Shard& shard = shard_of(key);
    std::lock_guard lock{shard.mutex};
    ++shard.changes;
    const auto found = shard.by_key.find(key);
    if (found == shard.by_key.end()) continue;
    shard.bytes -= found->second->bytes();
    found->second->value = value;
    shard.bytes += found->second->bytes();
    trim(shard);
  }
  for (Shard& shard : shards_) {
    std::lock_guard lock{shard.mutex};
    shard.changing = nullptr;
  }
}

void RowCache::trim(Shard& shard) const {
  while (shard.bytes > max_shard_bytes_ && !shard.rows.empty()) {
    const Row& last = shard.rows.back();
    shard.bytes -= last.bytes();
    shard.by_key.erase(last.key);
    shard.rows.pop_back();
  }
}

namespace {

class CachingEngine final : public Engine {
 public:
  CachingEngine(std::unique_ptr<Engine> engine, size_t max_bytes)
      : engine_{std::move(engine)}, rows_{max_bytes} {}

  Result<RowCache::Value> get(std::string_view key) override {
    RowCache::Ticket ticket = 0;
    if (auto known = rows_.find(key, ticket)) return std::move(*known);
    BR_TRY(value, engine_->get(key));
    rows_.insert(key, value, ticket);
    return std::move(value);
  }

  std::optional<Result<RowCache::Value>> try_get(std::string_view key) override {
    RowCache::Ticket ticket = 0;
    if (auto known = rows_.find(key, ticket)) return std::move(*known);
    auto value = engine_->try_get(key);
    if (value && *value) rows_.insert(key, **value, ticket);
    return value;
  }

  Result<bool> try_scan(std::string_view first, std::string_view last,
                        const Snapshot::Visit& visit) override {
    return engine_->try_scan(first, last, visit);
  }
  std::unique_ptr<Snapshot> snapshot() override { return engine_->snapshot(); }

  Result<void> write(const Changes& changes, bool sync) override {
    if (lost_) return engine_->write(changes, sync);
    rows_.begin_changes(changes);
    auto written = engine_->write(changes, sync);
    if (written) {
      rows_.end_changes(changes);
      return written;
    }
    lost_ = changes;  // what is there now is not known: these rows are the engine's to answer
    rows_.begin_changes(*lost_);
    return written;
  }

  bool blocks() const override { return engine_->blocks(); }
  uint64_t approximate_bytes() override { return engine_->approximate_bytes(); }

 private:
  std::unique_ptr<Engine> engine_;
  RowCache rows_;
  std::optional<Changes> lost_;  // of the write that failed, after which the store commits no more
};

}  // namespace

std::unique_ptr<Engine> make_caching_engine(std::unique_ptr<Engine> engine, size_t max_bytes) {
  return std::make_unique<CachingEngine>(std::move(engine), max_bytes);
}

}  // namespace beringia::kv
