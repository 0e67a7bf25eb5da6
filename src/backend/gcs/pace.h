#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>

#include "backend/call_ledger.h"
#include "base/error.h"
#include "io/context.h"
#include "io/sync.h"
#include "observe/metrics.h"

namespace beringia::backend::gcs {

struct PaceLimits {
  size_t max_in_flight = 64;
  // Cloud Storage, "Request rate and access distribution guidelines": a bucket takes about this
  // much at once; more is reached by no more than doubling every 20 minutes.
  double writes_per_s = 1000;
  double reads_per_s = 5000;
  Duration doubling = std::chrono::minutes{20};
  /// Billed requests (A and B) in an hour; more are refused. 0 = no limit.
  uint64_t max_calls_per_hour = 0;
  std::shared_ptr<CallLedger> ledger = nullptr;  // owners: who shows it, and this; may be null
};

/// How fast one bucket is asked, and what that costs: requests wait for the rates that the service
/// can take, fewer are under way at once while it says that it is busy (429, 503), and all are
/// counted by class. Thread-safe.
class Pace {
 public:
  /// `name` is the label of its metrics and in errors.
  Pace(std::string name, const PaceLimits& limits);

  /// Waits until one more request may go. Each success needs a leave().
  /// @error kBusy (tag "call_budget"): the budget of this hour is used up; kCancelled
  [[nodiscard]] Result<void> enter(const io::Context& context, bool is_write, CallClass cost);
  /// @param status of the answer; 0 = none came
  void leave(bool is_write, int status);

  /// Requests of either kind that may be under way at once now. Reads and writes do not wait for
  /// each other: an upload takes as long as its bytes.
  size_t in_flight_limit() const;
  double rate_limit(bool is_write) const;

 private:
  /// Tokens at `rate`, and how much of it the last doubling time used.
  struct Rate {
    double start = 0;
    double limit = 0;
    MonotonicTime next;   // when the next request may go
    MonotonicTime since;  // of the count
    uint64_t count = 0;
    bool begun = false;
  };
  struct Lane {
    io::WaitQueue waiting;
    size_t in_flight = 0;
  };
  /// Takes a token; how long to wait for it.
  Duration take(Rate& rate, MonotonicTime now) const;
  [[nodiscard]] Result<void> spend(MonotonicTime now);

  const std::string name_;
  const PaceLimits limits_;
  const observe::Counter::Series slowdowns_;
  mutable std::mutex mutex_;   // guards what follows
  std::array<Lane, 2> lanes_;  // reads, writes
  double in_flight_limit_;
  MonotonicTime next_cut_;
  Rate writes_, reads_;
  MonotonicTime hour_;
  uint64_t spent_ = 0;
};

}  // namespace beringia::backend::gcs
