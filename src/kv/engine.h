#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "kv/store.h"

namespace beringia::kv {

/// What one group of commits does to the rows: key -> new value, nullopt = removed.
using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;

/// An ordered map on some medium. Holds no logic: conflicts, numbers and grouping are the
/// committer's. Reads may come from any thread; write() has one caller at a time.
class Engine {
 public:
  virtual ~Engine() = default;
  /// May block (see blocks()).
  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  /// Never blocks; nullopt: the row would have to be fetched from disk, use get().
  virtual std::optional<Result<std::optional<std::string>>> try_get(std::string_view key) = 0;
  /// Never blocks; scans what is committed now. @return false: a row would have to be fetched, the
  /// rows visited so far are to be forgotten
  [[nodiscard]] virtual Result<bool> try_scan(std::string_view first, std::string_view last,
                                              const Snapshot::Visit& visit) = 0;
  virtual std::unique_ptr<Snapshot> snapshot() = 0;
  /// All changes or none, visible at once. With `sync` also everything written before is on disk
  /// afterwards. @error any: what was written is not known; the store stops committing
  [[nodiscard]] virtual Result<void> write(const Changes& changes, bool sync) = 0;
  /// True: calls block the thread, run them on the blocking pool. False: calls park by themselves
  /// or return at once.
  virtual bool blocks() const = 0;
  virtual uint64_t approximate_bytes() = 0;
};

/// A Store over `engine`. @error as the engine's reads
[[nodiscard]] Result<std::unique_ptr<Store>> make_store(std::unique_ptr<Engine> engine);

}  // namespace beringia::kv
