#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "io/context.h"
#include "io/fiber.h"

namespace beringia::io {

/// One wait of one fiber (or plain thread). unpark() may come from any thread, before or after
/// park(), once or often. The Parker must outlive the call's first access: whoever hands out a
/// Parker takes it back under a lock or waits for the unpark() that is on its way.
class Parker {
 public:
  Parker();
  ~Parker();
  Parker(const Parker&) = delete;
  Parker& operator=(const Parker&) = delete;
  /// true: unpark() was called. false: the deadline or the cancellation came first (or a simulated
  /// crash).
  bool park(const Context& context);
  /// As park() without deadline, after a park() that returned false.
  void park_again();
  void unpark();

 private:
  enum State : int { kEmpty, kParked, kInterrupted, kNotified };
  struct Deadline;
  struct Cancellation;
  struct ThreadWait;
  void interrupt();
  void sleep(const std::optional<MonotonicTime>& deadline);
  void suspend();
  void sleep_thread(const std::optional<MonotonicTime>& deadline);

  Fiber* fiber_;
  std::atomic<int> state_{kEmpty};
  std::unique_ptr<ThreadWait> thread_;
};

}  // namespace beringia::io
