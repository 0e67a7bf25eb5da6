#include <memory>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "io/disk.h"
#include "kv/engine.h"
#include "kv/frame_log.h"
#include "kv/group.h"
#include "kv/memory_rows.h"
#include "kv/store.h"

namespace beringia::kv {
namespace {

// Payload of a frame: per change varint(key bytes) | key | varint(0: removed, else value bytes + 1)
// | value.

void append_change(std::string& out, std::string_view key,
                   const std::optional<std::string_view>& value) {
  append_varint(out, key.size());
  out += key;
  append_varint(out, value ? value->size() + 1 : 0);
  if (value) out += *value;
}

Result<Changes> decode_changes(std::string_view payload) {
  const auto damaged = [] {
    return std::unexpected(corrupt("cannot open the catalog", "a frame of its log is malformed"));
  };
  Changes changes;
  while (!payload.empty()) {
    const auto key_bytes = read_varint(payload);
    if (!key_bytes || *key_bytes > payload.size()) return damaged();
    std::string key{payload.substr(0, *key_bytes)};
    payload.remove_prefix(*key_bytes);
    const auto value_bytes = read_varint(payload);
    if (!value_bytes) return damaged();
    if (*value_bytes == 0) {
      changes[std::move(key)] = std::nullopt;
      continue;
    }
    if (*value_bytes - 1 > payload.size()) return damaged();
    changes[std::move(key)] = std::string{payload.substr(0, *value_bytes - 1)};
    payload.remove_prefix(*value_bytes - 1);
  }
  return changes;
}

class MemorySnapshot final : public Snapshot {
 public:
  explicit MemorySnapshot(MemoryRows& rows) : rows_{rows}, at_{rows.open_snapshot()} {}
  ~MemorySnapshot() override { rows_.close_snapshot(at_); }
  MemorySnapshot(const MemorySnapshot&) = delete;
  MemorySnapshot& operator=(const MemorySnapshot&) = delete;
  Result<std::optional<std::string>> get(std::string_view key) override {
    return rows_.get(key, at_);
  }
  Result<void> scan(std::string_view first, std::string_view last, const Visit& visit) override {
    rows_.scan(first, last, at_, visit);
    return {};
  }

 private:
  MemoryRows& rows_;
  uint64_t at_;
};

class MemoryEngine final : public Engine {
 public:
  /// Reads the log, then writes what is live to a new one that takes its place.
  Result<void> open(io::Disk& disk, const std::string& directory) {
    const std::string path = directory + "/catalog.log";
    const std::string next = path + ".new";
    BR_TRY(FrameLog::read(disk, path, [&](std::string_view payload) -> Result<void> {
      BR_TRY(changes, decode_changes(payload));
      rows_.apply(changes);
      return {};
    }));
    BR_TRY(log, FrameLog::create(disk, next));
    log_.emplace(std::move(log));
    BR_TRY(write_all());
    BR_TRY(log_->sync());
    BR_TRY(disk.rename(next, path));
    return disk.sync_directory(directory);
  }

  Result<std::optional<std::string>> get(std::string_view key) override { return rows_.get(key); }

  std::optional<Result<std::optional<std::string>>> try_get(std::string_view key) override {
    return Result<std::optional<std::string>>{rows_.get(key)};
  }

  Result<bool> try_scan(std::string_view first, std::string_view last,
                        const Snapshot::Visit& visit) override {
    MemorySnapshot now{rows_};
    BR_TRY(now.scan(first, last, visit));
    return true;
  }

  std::unique_ptr<Snapshot> snapshot() override { return std::make_unique<MemorySnapshot>(rows_); }

  Result<void> write(const Changes& changes, bool sync) override {
    if (log_) {
      std::string payload;
      for (const auto& [key, value] : changes) append_change(payload, key, value);
      BR_TRY(log_->append(payload));
      if (sync) BR_TRY(log_->sync());
    }
    rows_.apply(changes);
    return {};
  }

  bool blocks() const override { return false; }
  uint64_t approximate_bytes() override { return rows_.bytes(); }

 private:
  Result<void> write_all() {
    constexpr size_t kFrameBytes = 1u << 20;
    Result<void> result;
    std::string payload;
    rows_.scan("", std::string(kMaxKeyBytes + 1, '\xff'), MemoryRows::kNewest,
               [&](std::string_view key, std::string_view value) {
                 append_change(payload, key, value);
                 if (payload.size() < kFrameBytes) return true;
                 result = log_->append(payload);
                 payload.clear();
                 return result.has_value();
               });
    if (result && !payload.empty()) result = log_->append(payload);
    return result;
  }

  MemoryRows rows_;
  std::optional<FrameLog> log_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_memory(io::Disk* disk, const std::string& directory) {
  auto engine = std::make_unique<MemoryEngine>();
  if (disk != nullptr) {
    auto opened = engine->open(*disk, directory);
    if (!opened) {
      return std::unexpected(
          std::move(opened).error().during("opening the catalog in " + directory));
    }
  }
  return make_store(std::move(engine));
}

}  // namespace beringia::kv
