#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "kv/engine.h"
#include "kv/store.h"

namespace beringia::kv {

// Limits of store.h, so that other engines stay possible.
inline constexpr size_t kMaxKeyBytes = 10'000;
inline constexpr size_t kMaxValueBytes = 100'000;
inline constexpr size_t kMaxBatchBytes = 8u << 20;

/// First byte of the store's own rows, hidden from users:
///   0x00 'q'            -> last commit sequence, 8 B big-endian
///   0x00 's' | stream   -> last number of that stream, 8 B big-endian
inline constexpr char kOwnRows = '\0';
inline constexpr std::string_view kFirstUserKey{"\x01", 1};
std::string sequence_row();
std::string stream_row(std::string_view stream);

/// What is counted over the store's life; rows of the store's own, changed with every commit.
struct Numbers {
  uint64_t sequence = 0;
  std::map<std::string, uint64_t, std::less<>> streams;  // name -> last number given out
};
[[nodiscard]] Result<Numbers> load_numbers(Engine& engine);

/// @error kInvalid: a key, a value or the batch is too large, or a key is empty or the store's own
[[nodiscard]] Result<void> check_limits(const Batch& batch);

/// Rows that were seen in ranges, so that "is it empty?" is mostly one get: a scan goes over the
/// traces of all rows that were removed before the first that is left. Hints only. Used by one
/// thread at a time; bounded.
class Witnesses {
 public:
  /// Of the range that begins at `first`; null: none is known.
  const std::string* find(const std::string& first) const;
  void note(const std::string& first, std::string key);

 private:
  static constexpr size_t kMax = 4096;
  std::unordered_map<std::string, std::string> seen_;
};

/// Batches that will reach the engine as one write. Each is judged against the engine's rows plus
/// what the batches before it in the group will do; one that fails leaves no trace. Used by one
/// thread; calls may block as the engine's get() does.
class Group {
 public:
  /// `witnesses`: outlives it
  Group(Engine& engine, Numbers numbers, Witnesses& witnesses)
      : engine_{engine}, numbers_{std::move(numbers)}, witnesses_{witnesses} {}

  /// @error kConflict: a check failed; as Engine::get
  [[nodiscard]] Result<Committed> add(const Batch& batch);
  /// No batch changed anything: nothing to write.
  bool empty() const { return pending_.empty(); }
  /// All changes, with the rows of the numbers.
  Changes take_changes();
  const Numbers& numbers() const { return numbers_; }

 private:
  Result<std::optional<std::string>> get(const Changes& own, const std::string& key);
  bool is_removed(const Changes& own, std::string_view key) const;
  Result<bool> exists_any(const Changes& own, const std::string& first, const std::string& last);
  Result<void> check(const Batch& batch);
  Result<void> apply(const Batch& batch, Changes& own, Committed& committed, Numbers& numbers);
  Result<void> finish(const Batch& batch, Changes& own);

  Engine& engine_;
  Numbers numbers_;
  Witnesses& witnesses_;
  Changes pending_;  // of the accepted batches
};

}  // namespace beringia::kv
