#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace beringia::io {

/// One timer; lives where its user waits and must be out of every heap before it dies.
struct Timer {
  void (*fire)(Timer& timer) = nullptr;
  int64_t when_nanos = 0;
  uint64_t order = 0;  // of timers with the same time
  size_t slot = kIdle;
  static constexpr size_t kIdle = static_cast<size_t>(-1);
};

/// Timers by time; equal times in the order of their start. Not thread-safe. Allocates only to
/// grow.
class TimerHeap {
 public:
  void add(Timer& timer, MonotonicTime when);
  void remove(Timer& timer);  // no effect when it has fired
  bool empty() const { return heap_.empty(); }
  int64_t next_nanos() const { return heap_.front()->when_nanos; }
  /// Takes the first timer if it is due.
  Timer* take_due(int64_t now_nanos);

 private:
  static bool before(const Timer& a, const Timer& b) {
    return a.when_nanos != b.when_nanos ? a.when_nanos < b.when_nanos : a.order < b.order;
  }
  void put(size_t slot, Timer* timer);
  void sift_up(size_t slot, Timer* timer);
  void sift_down(size_t slot, Timer* timer);

  std::vector<Timer*> heap_;
  uint64_t next_order_ = 0;
};

}  // namespace beringia::io
