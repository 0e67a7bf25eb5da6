#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "kv/engine.h"
#include "kv/row_cache.h"
#include "kv/store.h"

namespace beringia::kv {
namespace {

Error to_error(const rocksdb::Status& status, const std::string& what) {
  if (status.IsCorruption()) {
    return corrupt(what, status.ToString(),
                   "keep a copy of the directory, then restore it from a backup");
  }
  return unavailable(what, status.ToString(), "check the disk of the data directory");
}

/// Marks of removed rows that a scan on a loop's thread may walk over, some tenths of a
/// millisecond; more are for the blocking pool.
constexpr uint64_t kMaxSkippedInline = 2000;

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

/// [first, last) in order. @return the iterator's status
rocksdb::Status scan_rows(rocksdb::DB& db, rocksdb::ReadOptions options,
                          std::pair<std::string_view, std::string_view> range,
                          const Snapshot::Visit& visit) {
  const rocksdb::Slice upper = slice(range.second);
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> rows{db.NewIterator(options)};
  for (rows->Seek(slice(range.first)); rows->Valid(); rows->Next()) {
    if (!visit(view(rows->key()), view(rows->value()))) return rocksdb::Status::OK();
  }
  return rows->status();
}

class RocksDbSnapshot final : public Snapshot {
 public:
  explicit RocksDbSnapshot(rocksdb::DB& db) : db_{db} { options_.snapshot = db.GetSnapshot(); }
  ~RocksDbSnapshot() override { db_.ReleaseSnapshot(options_.snapshot); }
  RocksDbSnapshot(const RocksDbSnapshot&) = delete;
  RocksDbSnapshot& operator=(const RocksDbSnapshot&) = delete;

  Result<std::optional<std::string>> get(std::string_view key) override {
    std::string value;
    const auto status = db_.Get(options_, slice(key), &value);
    if (status.ok()) return std::optional{std::move(value)};
    if (status.IsNotFound()) return std::optional<std::string>{};
    return std::unexpected(to_error(status, "cannot read the catalog"));
  }
  Result<void> scan(std::string_view first, std::string_view last, const Visit& visit) override {
    const auto status = scan_rows(db_, options_, {first, last}, visit);
    if (status.ok()) return {};
    return std::unexpected(to_error(status, "cannot read the catalog"));
  }

 private:
  rocksdb::DB& db_;
  rocksdb::ReadOptions options_;
};

class RocksDbEngine final : public Engine {
 public:
  explicit RocksDbEngine(rocksdb::DB* db) : db_{db} {
    cached_only_.read_tier = rocksdb::kBlockCacheTier;
  }

  Result<std::optional<std::string>> get(std::string_view key) override {
    std::string value;
    const auto status = db_->Get({}, slice(key), &value);
    if (status.ok()) return std::optional{std::move(value)};
    if (status.IsNotFound()) return std::optional<std::string>{};
    return std::unexpected(to_error(status, "cannot read the catalog"));
  }

  std::optional<Result<std::optional<std::string>>> try_get(std::string_view key) override {
    std::string value;
    const auto status = db_->Get(cached_only_, slice(key), &value);
    if (status.ok()) return std::optional{std::move(value)};
    if (status.IsNotFound()) return std::optional<std::string>{};
    return std::nullopt;  // not in memory, or an error that get() will report
  }

  Result<bool> try_scan(std::string_view first, std::string_view last,
                        const Snapshot::Visit& visit) override {
    rocksdb::ReadOptions options = cached_only_;
    options.max_skippable_internal_keys = kMaxSkippedInline;
    return scan_rows(*db_, options, {first, last}, visit).ok();
  }

  std::unique_ptr<Snapshot> snapshot() override { return std::make_unique<RocksDbSnapshot>(*db_); }

  Result<void> write(const Changes& changes, bool sync) override {
    rocksdb::WriteBatch batch;
    for (const auto& [key, value] : changes) {
      const auto status = value ? batch.Put(key, *value) : batch.Delete(key);
      if (!status.ok()) return std::unexpected(to_error(status, "cannot write the catalog"));
    }
    rocksdb::WriteOptions options;
    options.sync = sync;
    if (const auto status = db_->Write(options, &batch); !status.ok()) {
      return std::unexpected(to_error(status, "cannot write the catalog"));
    }
    return {};
  }

  bool blocks() const override { return true; }

  uint64_t approximate_bytes() override {
    uint64_t tables = 0;
    uint64_t memory = 0;
    db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &tables);
    db_->GetIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &memory);
    return tables + memory;
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ReadOptions cached_only_;
};

rocksdb::Options to_rocksdb(const RocksDbOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  constexpr int kShardBitsByDefault = -1;
  constexpr double kShareOfIndexAndFilters = 0.5;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes, kShardBitsByDefault, false,
                                           kShareOfIndexAndFilters);
  // Index and filter blocks count against the cache: memory does not grow with the namespace.
  // Two-level indexes and partitioned filters keep the pieces small enough for that to work.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_top_level_index_and_filter = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_size = 8 << 10;
  table.format_version = 5;

  rocksdb::Options db;
  db.create_if_missing = true;
  db.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  db.compression = rocksdb::kLZ4Compression;
  db.write_buffer_size = options.memtable_bytes;
  db.max_write_buffer_number = 2;
  db.level_compaction_dynamic_level_bytes = true;
  db.max_background_jobs = 2;
  db.max_open_files = 1024;
  db.max_total_wal_size = 64u << 20;
  db.bytes_per_sync = 1u << 20;
  db.track_and_verify_wals_in_manifest = true;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.max_log_file_size = 1u << 20;
  db.keep_log_file_num = 2;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  return db;
}

bool is_locked(const rocksdb::Status& status) {
  // RocksDB has no status of its own for this; the texts are those of env/fs_posix.cc.
  const std::string text = status.ToString();
  return status.IsIOError() && (text.find("lock hold by current process") != std::string::npos ||
                                text.find("While lock file") != std::string::npos);
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocksdb(const RocksDbOptions& options) {
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(to_rocksdb(options), options.directory, &db);
  const std::string what = "cannot open the catalog in " + options.directory;
  if (is_locked(status)) {
    return std::unexpected(Error{Code::kUnavailable, Retry::kNever, what,
                                 "another process has it open (" + status.ToString() + ")",
                                 "stop the other beringia first, or choose another --data"});
  }
  if (!status.ok()) return std::unexpected(to_error(status, what));
  std::unique_ptr<Engine> engine = std::make_unique<RocksDbEngine>(db);
  engine = make_caching_engine(std::move(engine), options.row_cache_bytes);
  auto store = make_store(std::move(engine));
  if (!store) return std::unexpected(std::move(store).error().during("opening the catalog"));
  return store;
}

}  // namespace beringia::kv
