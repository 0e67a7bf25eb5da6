#pragma once

#include <atomic>
#include <cstdint>

#include "io/parker.h"

namespace beringia::io {

/// What is known of one descriptor: an edge that came, or who waits for the next. One waiter per
/// direction, on any loop or thread; signals come from the loop that watches the descriptor.
class Readiness {
 public:
  enum Direction { kRead = 0, kWrite = 1 };
  /// Parks until an edge came since the last call for this direction. false: the context gave up.
  bool wait(const Context& context, Direction direction);
  void signal(bool readable, bool writable, bool hung_up);
  /// The peer has closed its side or the connection broke: no further edge need come.
  bool hung_up() const { return hung_up_.load(std::memory_order_acquire); }

 private:
  // 0: nothing; kEdge: an edge came; else the address of the waiting Parker.
  static constexpr uintptr_t kNothing = 0;
  static constexpr uintptr_t kEdge = 1;
  void signal(Direction direction);
  std::atomic<uintptr_t> slots_[2] = {kNothing, kNothing};
  std::atomic<bool> hung_up_{false};
};

}  // namespace beringia::io
