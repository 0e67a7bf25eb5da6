#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "io/sync.h"
#include "meta/journal.h"
#include "policy/mover.h"
#include "policy/planner.h"
#include "policy/policy.h"
#include "policy/row_feed.h"

namespace beringia::policy {

/// Bytes per second over the last ten seconds. Thread-safe.
class RateMeter {
 public:
  void add(MonotonicTime now, uint64_t bytes);
  double bytes_per_s(MonotonicTime now) const;

 private:
  static constexpr size_t kSeconds = 11;  // ten whole ones and the present one
  struct Second {
    int64_t number = -1;
    uint64_t bytes = 0;
  };
  mutable std::mutex mutex_;
  std::array<Second, kSeconds> seconds_;
};

/// Executes one run: workers take rows and move them, cleaners remove old copies after the grace
/// time. Owned by the engine and by its fibers, which end with it. Thread-safe.
class Run : public std::enable_shared_from_this<Run> {
 public:
  Run(const Services& services, const Options& options, meta::RunRecord record,
      const Policies& policies);

  /// Starts the fibers. Call once.
  void start();
  void cancel();
  /// Ends the fibers at the next step; the run stays unfinished. Joins.
  void stop();
  RunStatus status() const;
  const std::string& owner() const { return record_.principal; }
  bool ended() const { return ended_.is_set(); }
  [[nodiscard]] Result<void> wait(const io::Context& context) { return ended_.wait(context); }

 private:
  using State = meta::MoveRecord::State;
  struct Cleaning {
    meta::NumberedMove row;
    MonotonicTime due;
  };

  void supervise();
  void start_fibers(int count, void (Run::*body)());
  void work();
  void clean();
  Result<void> handle(meta::NumberedMove& row);
  Result<void> advance(meta::NumberedMove& row);
  Result<void> give_up(meta::NumberedMove& row, State state, const std::string& note);
  Result<void> back_off(int attempt);
  Result<void> wait_for_backends(const meta::MoveRecord& move);
  /// Until the budgets of calls of both backends have room for one more move.
  Result<void> wait_for_budget(const meta::MoveRecord& move);
  Result<void> wait_for_budget(const core::LiveBackend& live);
  void note_calls(meta::RunRecord& record) const;
  void save_calls();
  Result<void> count(const meta::NumberedMove& row, bool counted_as_done);
  Result<void> enqueue(const meta::NumberedMove& row);
  bool next_to_clean(Cleaning& next);
  Result<void> clean_row(meta::NumberedMove& row);
  void finish();
  void fail(const Error& error);

  const Services& services_;
  const Options& options_;
  meta::RunRecord record_;
  RunShare share_;
  RowFeed feed_;

  // Owners of the tokens: this run and the contexts of its fibers.
  std::shared_ptr<io::CancelToken> stop_token_ = std::make_shared<io::CancelToken>();
  std::shared_ptr<io::CancelToken> cancel_token_ = std::make_shared<io::CancelToken>();
  // Owners: this run and the contexts of what is done for it.
  std::shared_ptr<io::Work> work_ = std::make_shared<io::Work>("run");
  const io::Context quiet_;    // never cancelled
  const io::Context waiting_;  // ends with stop()
  const io::Context copying_;  // ends with stop() and cancel()

  std::atomic<bool> stopping_{false};
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> broken_{false};  // the store failed: the run is left for the next start
  std::atomic<uint64_t> objects_done_{0}, bytes_done_{0}, skipped_{0}, failed_{0};
  std::atomic<uint64_t> cleaning_{0}, active_{0}, bytes_copied_{0};
  RateMeter meter_;

  io::Mutex probing_;
  mutable std::mutex mutex_;  // guards what follows
  SkipCounter problems_;
  std::string paused_why_;
  std::string waits_for_;  // the budget of calls that is used up
  std::deque<Cleaning> to_clean_;
  bool no_more_to_clean_ = false;

  io::Semaphore room_to_clean_;
  io::Semaphore ready_to_clean_{0};
  io::Semaphore fibers_ended_{0};
  io::Event ended_;
};

/// A run that is not going on, as its record has it.
RunStatus status_of(const meta::RunRecord& record);

}  // namespace beringia::policy
