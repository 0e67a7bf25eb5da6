#include "io/readiness.h"

#include <cassert>

namespace beringia::io {

bool Readiness::wait(const Context& context, Direction direction) {
  std::atomic<uintptr_t>& slot = slots_[direction];
  uintptr_t edge = kEdge;
  if (slot.compare_exchange_strong(edge, kNothing, std::memory_order_acq_rel)) return true;
  Parker parker;
  const auto mine = reinterpret_cast<uintptr_t>(&parker);
  uintptr_t expected = kNothing;
  if (!slot.compare_exchange_strong(expected, mine, std::memory_order_acq_rel)) {
    assert(expected == kEdge && "two waiters for one direction of a descriptor");
    slot.store(kNothing, std::memory_order_release);
    return true;
  }
  if (parker.park(context)) return true;
  expected = mine;
  if (slot.compare_exchange_strong(expected, kNothing, std::memory_order_acq_rel)) return false;
  // A signal has taken the parker: its unpark() is on the way and must find it alive.
  parker.park_again();
  return true;
}

void Readiness::signal(Direction direction) {
  std::atomic<uintptr_t>& slot = slots_[direction];
  uintptr_t seen = slot.load(std::memory_order_acquire);
  while (seen != kEdge) {
    const uintptr_t next = seen == kNothing ? kEdge : kNothing;
    if (!slot.compare_exchange_weak(seen, next, std::memory_order_acq_rel)) continue;
    if (seen != kNothing) reinterpret_cast<Parker*>(seen)->unpark();
    return;
  }
}

void Readiness::signal(bool readable, bool writable, bool hung_up) {
  if (hung_up) hung_up_.store(true, std::memory_order_release);
  if (readable) signal(kRead);
  if (writable) signal(kWrite);
}

}  // namespace beringia::io
