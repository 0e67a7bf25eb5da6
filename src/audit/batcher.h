#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "audit/audit.h"
#include "base/error.h"
#include "io/sync.h"
#include "kv/store.h"

namespace beringia::audit {

/// Gathers records of requests that change nothing and commits them to the stream, many in a row
/// of the catalog: taking one costs a lock and a move, rendering happens on the blocking pool.
/// Thread-safe; one fiber runs it.
class Batcher {
 public:
  static constexpr size_t kMaxWaiting = 65536;       // records before record() parks
  static constexpr size_t kEarlyRecords = 1024;      // so many are committed at once
  static constexpr uint64_t kMaxBehindRows = 16384;  // of the stream; the log is to take them

  /// `committed(n)` is told how many records went to the stream.
  Batcher(kv::Store& store, Duration interval, std::function<void(uint64_t)> committed);

  void record(const io::Context& context, Record record);
  /// The fiber's body: until stop() or a simulated crash.
  void run();
  /// Parks until all that was recorded before is committed.
  [[nodiscard]] Result<void> drain(const io::Context& context);
  void stop();
  /// The log has taken over the stream's rows up to `number`.
  void moved(uint64_t number);
  /// More rows wait in the stream than may.
  bool behind() const { return last_row_.load() > moved_row_.load() + kMaxBehindRows; }
  bool failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  using Records = std::vector<Record>;
  bool wait_for_records(Records& taken);
  bool commit(const Records& records);
  bool commit_rows(kv::Batch rows, uint64_t count);
  void fail(const Error& error);

  kv::Store& store_;
  const Duration interval_;
  const std::function<void(uint64_t)> committed_;
  std::atomic<uint64_t> last_row_{0};   // committed here
  std::atomic<uint64_t> moved_row_{0};  // taken over by the log
  std::atomic<bool> failed_{false};

  std::mutex mutex_;  // guards what follows
  std::deque<Record> waiting_;
  MonotonicTime oldest_{0};  // when waiting_ began to fill
  uint64_t taken_ = 0;       // records recorded and taken by the fiber, in all
  uint64_t done_ = 0;        // of these, committed (or lost)
  uint64_t drain_to_ = 0;    // records before this number are awaited by drain()
  bool stopping_ = false;
  std::optional<Error> error_;
  io::WaitQueue work_;  // the fiber
  io::WaitQueue room_;
  io::WaitQueue drained_;
  io::WaitQueue moved_;
};

}  // namespace beringia::audit
