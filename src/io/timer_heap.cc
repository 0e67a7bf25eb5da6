#include "io/timer_heap.h"

namespace beringia::io {

void TimerHeap::put(size_t slot, Timer* timer) {
  heap_[slot] = timer;
  timer->slot = slot;
}

void TimerHeap::sift_up(size_t slot, Timer* timer) {
  while (slot > 0) {
    const size_t parent = (slot - 1) / 2;
    if (!before(*timer, *heap_[parent])) break;
    put(slot, heap_[parent]);
    slot = parent;
  }
  put(slot, timer);
}

void TimerHeap::sift_down(size_t slot, Timer* timer) {
  for (;;) {
    size_t child = 2 * slot + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) ++child;
    if (!before(*heap_[child], *timer)) break;
    put(slot, heap_[child]);
    slot = child;
  }
  put(slot, timer);
}

void TimerHeap::add(Timer& timer, MonotonicTime when) {
  timer.when_nanos = when.nanos;
  timer.order = next_order_++;
  heap_.push_back(&timer);
  sift_up(heap_.size() - 1, &timer);
}

void TimerHeap::remove(Timer& timer) {
  const size_t slot = timer.slot;
  if (slot == Timer::kIdle) return;
  timer.slot = Timer::kIdle;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  if (slot > 0 && before(*last, *heap_[(slot - 1) / 2])) {
    sift_up(slot, last);
  } else {
    sift_down(slot, last);
  }
}

Timer* TimerHeap::take_due(int64_t now_nanos) {
  if (heap_.empty() || heap_.front()->when_nanos > now_nanos) return nullptr;
  Timer* first = heap_.front();
  remove(*first);
  return first;
}

}  // namespace beringia::io
