#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "io/context.h"

namespace beringia::kv {

/// What a transaction wants, built by the caller and committed in one call. Keys are raw bytes in
/// memcmp order. Limits (so that other engines stay possible): key <= 10 kB, value <= 100 kB,
/// batch <= 8 MiB.
class Batch {
 public:
  /// The commit fails with kConflict unless `key` holds exactly `expected` (nullopt: is absent).
  void check(std::string key, std::optional<std::string> expected);
  /// Fails with kConflict if any key k with first <= k < last exists after this batch's own
  /// removals are applied. For "the directory is now empty".
  void check_empty(std::string first, std::string last);
  /// Removes `key` if, after this batch's other operations, no key in [first, last) exists. For
  /// implicit directories that vanish with their last child. Evaluated in call order, at the end.
  void remove_if_empty(std::string key, std::string first, std::string last);
  void put(std::string key, std::string value);
  void remove(std::string key);
  /// Appends to a stream: the commit assigns the next dense number n (from 1) of `stream` and puts
  /// stream + be64(n). Only committed batches use up numbers. Streams: feed, audit.
  void append(std::string stream, std::string value);
  /// Appends all operations of `other`.
  void merge(Batch other);
  bool empty() const;
  size_t bytes() const;

  struct Check {
    std::string key;
    std::optional<std::string> expected;
  };
  struct CheckEmpty {
    std::string first, last;
  };
  struct RemoveIfEmpty {
    std::string key, first, last;
  };
  struct Put {
    std::string key, value;
  };
  struct Remove {
    std::string key;
  };
  struct Append {
    std::string stream, value;
  };
  using Operation = std::variant<Check, CheckEmpty, RemoveIfEmpty, Put, Remove, Append>;
  const std::vector<Operation>& operations() const { return operations_; }

 private:
  std::vector<Operation> operations_;
};

enum class Durability {
  kSync,      ///< on disk before the call returns (group commit)
  kBuffered,  ///< survives a process crash, not a power loss
};

struct Committed {
  uint64_t sequence = 0;           ///< commit sequence, strictly increasing over the store's life
  std::vector<uint64_t> appended;  ///< numbers given to the append()s, in order
};

struct KeyValue {
  std::string key;
  std::string value;
};

/// Consistent view; cheap. May be read from several fibers. Holds resources until destroyed.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  /// Calls `visit(key, value)` for first <= key < last in order until it returns false.
  /// `visit` must not park.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  [[nodiscard]] virtual Result<void> scan(std::string_view first, std::string_view last,
                                          const Visit& visit) = 0;
};

/// Ordered transactional store. Thread-safe. All conflict logic, stream numbers and group commit
/// live once in the committer (kv/committer.h); engines only get, scan and write.
class Store {
 public:
  virtual ~Store() = default;
  /// Warm keys are answered without leaving the loop; cold ones park on the blocking pool.
  [[nodiscard]] virtual Result<std::optional<std::string>> get(const io::Context& context,
                                                               std::string_view key) = 0;
  [[nodiscard]] virtual Result<std::vector<std::optional<std::string>>> get_many(
      const io::Context& context, const std::vector<std::string>& keys) = 0;
  /// Up to `limit` rows of [first, last) in ascending order.
  [[nodiscard]] virtual Result<std::vector<KeyValue>> scan(const io::Context& context,
                                                           std::string_view first,
                                                           std::string_view last, size_t limit) = 0;
  /// A snapshot of what is committed now. Its calls may block: use it inside io::blocking for long
  /// scans; a short scan over warm rows may run on the loop.
  virtual std::unique_ptr<Snapshot> snapshot() = 0;
  /// All or nothing. Parks until the batch is durable as asked.
  /// @error kConflict: a check failed (what names the key in printable form); kUnavailable: the
  ///        disk failed: Retry::kMaybeApplied, and the store then refuses further commits
  [[nodiscard]] virtual Result<Committed> commit(const io::Context& context, Batch batch,
                                                 Durability durability) = 0;
  /// Approximate bytes on disk (memory engine: bytes held).
  virtual uint64_t approximate_bytes() = 0;
  /// Parks until a batch that appended to `stream` beyond number `after` is committed.
  [[nodiscard]] virtual Result<void> wait_appended(const io::Context& context,
                                                   const std::string& stream, uint64_t after) = 0;
};

struct RocksDbOptions {
  std::string directory;
  size_t block_cache_bytes = 32 << 20;
  size_t memtable_bytes = 16 << 20;
  size_t row_cache_bytes = 16 << 20;
};
/// @error kUnavailable: locked by another process, disk trouble; kCorrupt: damaged; hints name the
/// fix
[[nodiscard]] Result<std::unique_ptr<Store>> open_rocksdb(const RocksDbOptions& options);

}  // namespace beringia::kv

namespace beringia::io {
class Disk;
}

namespace beringia::kv {
/// std::map engine. With `disk`: a CRC-framed log under `directory` makes it durable (the engine of
/// the simulation); without: nothing survives.
[[nodiscard]] Result<std::unique_ptr<Store>> open_memory(io::Disk* disk = nullptr,
                                                         const std::string& directory = {});

}  // namespace beringia::kv
