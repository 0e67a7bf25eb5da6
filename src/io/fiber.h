#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/time.h"
#include "io/stack.h"
#include "io/timer_heap.h"

namespace beringia::io {

class EpollLoop;
class Loop;

/// A stackful fiber of one loop; it never changes loops, hence never threads. Owned by its loop.
/// An exception may be in flight across a park: its bookkeeping is switched too.
class Fiber {
 public:
  Fiber(Loop& home, Stack stack, std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  Loop& home() const { return home_; }
  /// Runs the fiber until it parks, yields or ends. Called by its loop, on the loop's thread.
  void resume();
  /// Switches back to the loop, which then runs `after(argument)` on its own stack: only then may
  /// others make this fiber ready. Called by the fiber.
  void suspend(void (*after)(void* argument), void* argument);
  bool ended() const { return ended_; }
  Stack take_stack() { return std::move(stack_); }

  // For the loop.
  Fiber* next_ready = nullptr;
  uint64_t number = 0;
  bool queued = false;

 private:
  struct Switch;
  /// What libstdc++ keeps per thread about exceptions in flight (Itanium C++ ABI, 2.2.2).
  struct Exceptions {
    void* caught = nullptr;
    unsigned uncaught = 0;
  };
  static Exceptions& thread_exceptions();
  static void enter(void* transfer_source, Fiber* self);

  Loop& home_;
  Stack stack_;
  std::function<void()> body_;
  void* context_ = nullptr;       // where the fiber goes on
  void* loop_context_ = nullptr;  // where its loop goes on
  bool ended_ = false;
  [[maybe_unused]] void* tsan_fiber_ = nullptr;
  [[maybe_unused]] void* tsan_loop_ = nullptr;
  [[maybe_unused]] void* asan_fake_stack_ = nullptr;
  [[maybe_unused]] const void* loop_stack_bottom_ = nullptr;
  [[maybe_unused]] size_t loop_stack_bytes_ = 0;
};

/// What fibers need of the thing that runs them. Implementations: EpollLoop, SimulatedRuntime.
class Loop {
 public:
  virtual ~Loop() = default;
  /// The loop that runs on this thread; null on plain threads.
  static Loop* current();
  static void set_current(Loop* loop);

  /// The fiber that runs now; null outside fibers.
  Fiber* running() const { return running_; }
  /// Puts a parked fiber on the ready list. From any thread.
  virtual void make_ready(Fiber* fiber) = 0;
  /// As make_ready() for the fiber that runs: it goes on once sockets and timers had their turn.
  virtual void make_ready_later(Fiber* fiber) { make_ready(fiber); }
  /// Starts a fiber here. From any thread. Never blocks.
  virtual void start(std::function<void()> body) = 0;
  /// Calls `timer.fire` at `when` on this loop's thread, unless removed before. Loop thread only.
  virtual void add_timer(Timer& timer, MonotonicTime when) = 0;
  virtual void remove_timer(Timer& timer) = 0;
  virtual void run_blocking(std::function<void()>& job) = 0;
  virtual const Clock& clock() const = 0;
  virtual bool simulated() const { return false; }
  /// True once a simulated crash has happened: nothing may wait any more.
  virtual bool crashed() const { return false; }
  /// This loop if it has sockets, else null.
  virtual EpollLoop* epoll() { return nullptr; }

 protected:
  Fiber* running_ = nullptr;
  friend class Fiber;
};

}  // namespace beringia::io
