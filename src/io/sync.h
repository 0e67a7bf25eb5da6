#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "io/context.h"
#include "io/runtime.h"

namespace beringia::io {

// Waiting primitives that park the fiber (or block a plain thread) and may be signalled from any
// thread, loop or pool. None is held over I/O by convention (style guide 5), but all allow parking.

/// FIFO of parked waiters; the primitive the others are made of. No allocation.
class WaitQueue {
 public:
  WaitQueue() = default;
  ~WaitQueue();  // nobody may wait any more
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  /// Unlocks `lock`, parks until notified, relocks. `weight` is what the waiter needs, for
  /// front_weight(). @error kCancelled (lock is held again; a notification was not consumed)
  [[nodiscard]] Result<void> wait(const Context& context, std::unique_lock<std::mutex>& lock,
                                  int64_t weight = 0);
  // The caller of these holds the mutex that guards the state.
  void notify_one();
  void notify_all();
  bool empty() const { return first_ == nullptr; }
  int64_t front_weight() const;  // not empty

 private:
  struct Waiter;
  void unlink(Waiter& waiter);
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

/// One-shot latch. set() may be called from any thread, once or more.
class Event {
 public:
  void set();
  bool is_set() const;
  [[nodiscard]] Result<void> wait(const Context& context);

 private:
  mutable std::mutex mutex_;
  bool set_ = false;
  WaitQueue queue_;
};

/// Mutual exclusion between fibers (of any loop) that may park while holding it. Fair (FIFO).
class Mutex {
 public:
  [[nodiscard]] Result<void> lock(const Context& context);
  void unlock();
  bool try_lock();

 private:
  std::mutex mutex_;
  bool locked_ = false;
  WaitQueue queue_;
};

/// Holds a Mutex; made by lock(). Movable.
class MutexGuard {
 public:
  static Result<MutexGuard> lock(const Context& context, Mutex& mutex);
  MutexGuard(MutexGuard&& other) noexcept;
  MutexGuard& operator=(MutexGuard&& other) noexcept;
  ~MutexGuard();

 private:
  explicit MutexGuard(Mutex* mutex) : mutex_{mutex} {}
  Mutex* mutex_;
};

/// Counts permits; FIFO: who needs many is not passed by those who need few. For limits on
/// concurrency and bytes in memory.
class Semaphore {
 public:
  explicit Semaphore(int64_t permits) : permits_{permits} {}
  [[nodiscard]] Result<void> acquire(const Context& context, int64_t n = 1);
  bool try_acquire(int64_t n = 1);
  void release(int64_t n = 1);
  int64_t available() const;

 private:
  void grant();
  mutable std::mutex mutex_;
  int64_t permits_;
  WaitQueue queue_;
};

/// Fibers that belong together: joined before the Scope ends; the first error cancels the others.
/// What a child's body holds is destroyed before the child counts as ended.
class Scope {
 public:
  explicit Scope(const Context& parent);
  ~Scope();  // cancels and joins
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  /// The context children must use (cancelled by cancel(), a failing child, or the parent).
  const Context& context() const;
  /// Runs `body` on a fiber of the calling fiber's loop (a plain thread when there is no runtime).
  void spawn(std::function<Result<void>()> body);
  void cancel();
  /// Waits for all; the first error of any child.
  [[nodiscard]] Result<void> join();

 private:
  struct State;
  std::shared_ptr<State> state_;  // owners: this Scope and its running children
};

}  // namespace beringia::io
