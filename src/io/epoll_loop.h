#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "io/blocking_pool.h"
#include "io/fiber.h"
#include "io/readiness.h"
#include "io/stack.h"
#include "io/timer_heap.h"

namespace beringia::io {

class EpollLoop;

/// What the loops of one runtime share. Owned by the runtime, outlives its loops.
struct LoopGroup {
  size_t stack_bytes = 0;
  size_t max_fibers = 0;
  bool watchdog = false;
  const Clock* clock = nullptr;
  BlockingPool* pool = nullptr;
  std::vector<EpollLoop*> loops;
  std::atomic<size_t> fibers{0};  // started and not ended, on all loops
  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> stalls{0};
  void wake_all();
};

/// One thread, one epoll set, many fibers.
class EpollLoop final : public Loop {
 public:
  explicit EpollLoop(LoopGroup& group);
  ~EpollLoop() override;

  void make_ready(Fiber* fiber) override;
  void make_ready_later(Fiber* fiber) override { yielded_.push(fiber); }
  void start(std::function<void()> body) override;
  void add_timer(Timer& timer, MonotonicTime when) override { timers_.add(timer, when); }
  void remove_timer(Timer& timer) override { timers_.remove(timer); }
  void run_blocking(std::function<void()>& job) override;
  const Clock& clock() const override { return *group_.clock; }
  EpollLoop* epoll() override { return this; }

  /// Watches `fd` (edge-triggered) until it is closed or forgotten. On the loop's thread. false:
  /// the kernel refuses (fs.epoll.max_user_watches).
  [[nodiscard]] bool watch(int fd, std::shared_ptr<Readiness> readiness);
  /// Ends the watching. From any thread.
  void forget(int fd);
  /// Looks again at once. From any thread.
  void wake();

  /// The thread's main: until the group stops and no fiber is left on any loop.
  void run();

 private:
  struct ReadyList {  // FIFO through Fiber::next_ready
    Fiber* first = nullptr;
    Fiber* last = nullptr;
    void push(Fiber* fiber);
    Fiber* pop();
    void take_all(ReadyList& other);
  };

  void take_posted();
  void begin(std::function<void()> body);
  void finish(Fiber* fiber);
  void run_ready();
  void fire_timers();
  void wait_for_events();
  int timeout_ms();
  bool may_end();
  struct Usage {  // of this thread
    Duration cpu{0};
    long sleeps = 0;  // voluntary context switches
  };
  static Usage usage();
  void note_slow_turn(Duration time);

  LoopGroup& group_;
  int epoll_ = -1;
  int wake_ = -1;
  ReadyList ready_;
  ReadyList yielded_;  // ready in the next turn
  TimerHeap timers_;
  std::vector<std::shared_ptr<Readiness>> watched_;  // by descriptor; owners: this and the socket
  StackPool stacks_;
  std::deque<std::function<void()>> backlog_;  // fibers beyond the bound
  size_t fibers_ = 0;
  Usage usage_;

  std::mutex mutex_;  // guards what other threads hand in
  ReadyList posted_fibers_;
  std::vector<std::function<void()>> posted_bodies_;
  bool sleeping_ = false;
};

}  // namespace beringia::io
