#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "io/blocking_pool.h"
#include "io/fiber.h"

namespace beringia::io {

/// A descriptor watched by a loop (edge-triggered). Waiters of one direction take turns; a
/// Readiness is used on its loop only.
class Readiness {
 public:
  enum Direction { kRead = 0, kWrite = 1 };
  /// Parks until an edge came since the last call for this direction. false: deadline, cancelled or
  /// closed.
  bool wait(Direction direction, const Context& context);
  void signal(bool readable, bool writable);
  void close();

 private:
  bool edge_[2] = {false, false};
  Parker* waiter_[2] = {nullptr, nullptr};
  bool closed_ = false;
};

/// One thread, one epoll set, many fibers.
class EpollLoop final : public Loop {
 public:
  EpollLoop(size_t stack_bytes, BlockingPool& pool, const Clock& clock,
            std::atomic<size_t>& fiber_count);
  ~EpollLoop() override;

  void make_ready(Fiber* fiber) override;
  void start(std::function<void()> body) override;
  TimerId add_timer(MonotonicTime when, std::function<void()> fire) override;
  void remove_timer(TimerId id) override;
  void run_blocking(std::function<void()>& job) override;
  const Clock& clock() const override { return clock_; }

  /// Runs `task` on this loop's thread, outside fibers. From any thread.
  void post(std::function<void()> task);
  /// Watches `fd` until unwatch(); both on the loop's thread. The Readiness is kept alive by both.
  void watch(int fd, std::shared_ptr<Readiness> readiness);
  void unwatch(int fd);

  /// The thread's main: until stop() was called and no fiber is left.
  void run();
  void stop();
  /// Turns of the loop that took longer than 50 ms (tests fail on them).
  static uint64_t stalls();

 private:
  void take_posted();
  void run_ready();
  void fire_timers();
  void wait_for_events();
  int timeout_ms();
  void finish(Fiber* fiber);
  Stack take_stack();

  const size_t stack_bytes_;
  BlockingPool& pool_;
  const Clock& clock_;
  std::atomic<size_t>& fiber_count_;
  int epoll_ = -1;
  int wake_ = -1;
  std::vector<Fiber*> ready_;
  std::map<std::pair<int64_t, TimerId>, std::function<void()>> timers_;
  std::unordered_map<TimerId, int64_t> timer_times_;
  TimerId next_timer_ = 1;
  std::unordered_map<int, std::shared_ptr<Readiness>> watched_;  // owners: this and the stream
  std::vector<Stack> free_stacks_;
  size_t fibers_ = 0;

  std::mutex mutex_;  // guards what other threads hand in
  std::vector<Fiber*> posted_fibers_;
  std::vector<std::function<void()>> posted_tasks_;
  bool sleeping_ = false;
  bool stopping_ = false;
};

}  // namespace beringia::io
