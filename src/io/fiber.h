#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/time.h"
#include "io/context.h"

namespace beringia::io {

class Loop;

/// Memory of one fiber: a guard page below `bytes` of stack. Not copyable.
class Stack {
 public:
  explicit Stack(size_t bytes);  // throws std::bad_alloc
  Stack(Stack&& other) noexcept;
  Stack& operator=(Stack&& other) noexcept;
  ~Stack();
  void* top() const;
  void* bottom() const;  // lowest usable byte
  size_t bytes() const { return bytes_; }
  /// Gives the touched pages back to the kernel.
  void drop_pages();

 private:
  char* map_ = nullptr;
  size_t bytes_ = 0;
};

/// A stackful fiber of one loop; it never changes loops. Owned by its loop.
class Fiber {
 public:
  Fiber(Loop& home, Stack stack, std::function<void()> body);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  Loop& home() const { return home_; }
  /// Runs the fiber until it parks, yields or ends. Called by its loop, on the loop's thread.
  void resume();
  /// Switches back to the loop, which then runs `after` (on its own stack). Called by the fiber.
  void suspend(std::function<void()>* after);
  bool ended() const { return ended_; }
  Stack take_stack() { return std::move(stack_); }

 private:
  struct Switch;
  static void enter(void* transfer_source, Fiber* self);

  Loop& home_;
  Stack stack_;
  std::function<void()> body_;
  void* context_ = nullptr;       // where the fiber goes on
  void* loop_context_ = nullptr;  // where its loop goes on
  bool ended_ = false;
  void* tsan_fiber_ = nullptr;
  void* tsan_loop_ = nullptr;
  void* asan_fake_stack_ = nullptr;
  const void* loop_stack_bottom_ = nullptr;
  size_t loop_stack_bytes_ = 0;
};

/// What fibers need of the thing that runs them. Implementations: EpollLoop, SimulatedLoop.
class Loop {
 public:
  virtual ~Loop() = default;
  /// The loop that runs on this thread; null on plain threads. Never cached across a park.
  static Loop* current();
  static void set_current(Loop* loop);

  /// The fiber that runs now; null outside fibers.
  Fiber* running() const { return running_; }
  /// Puts a parked fiber on the ready list. From any thread.
  virtual void make_ready(Fiber* fiber) = 0;
  /// Starts a fiber here. From any thread.
  virtual void start(std::function<void()> body) = 0;
  using TimerId = uint64_t;
  /// Calls `fire` at `when` on this loop's thread, unless removed before. Loop thread only.
  virtual TimerId add_timer(MonotonicTime when, std::function<void()> fire) = 0;
  virtual void remove_timer(TimerId id) = 0;
  virtual void run_blocking(std::function<void()>& job) = 0;
  virtual const Clock& clock() const = 0;
  virtual bool simulated() const { return false; }
  /// True once a simulated crash has happened: nothing may wait any more.
  virtual bool crashed() const { return false; }

 protected:
  Fiber* running_ = nullptr;
  friend class Fiber;
};

/// One wait of one fiber (or plain thread): park() returns after unpark() or at the deadline.
/// unpark() may come from any thread, before or after park(), once or often, but the Parker must
/// outlive the call (waiters guarantee that by their lock).
class Parker {
 public:
  Parker();
  ~Parker();
  Parker(const Parker&) = delete;
  Parker& operator=(const Parker&) = delete;
  /// false: the deadline came first (or a simulated crash).
  bool park(const std::optional<MonotonicTime>& deadline);
  void unpark();

 private:
  enum State : int { kEmpty, kParked, kNotified };
  bool park_fiber(const std::optional<MonotonicTime>& deadline);
  bool park_thread(const std::optional<MonotonicTime>& deadline);
  struct ThreadWait;

  Fiber* fiber_;
  std::atomic<int> state_{kEmpty};
  std::unique_ptr<ThreadWait> thread_;
};

}  // namespace beringia::io
