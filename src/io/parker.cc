#include "io/parker.h"

#include <condition_variable>
#include <mutex>

namespace beringia::io {

struct Parker::ThreadWait {
  std::mutex mutex;
  std::condition_variable condition;
};

struct Parker::Deadline : Timer {
  Parker* parker = nullptr;
};

struct Parker::Cancellation : CancelToken::Hook {
  Parker* parker = nullptr;
};

Parker::Parker() {
  const Loop* loop = Loop::current();
  fiber_ = loop == nullptr ? nullptr : loop->running();
  if (fiber_ == nullptr) thread_ = std::make_unique<ThreadWait>();
}

Parker::~Parker() {
  // Who has just notified a thread may still hold the lock.
  if (thread_) std::lock_guard{thread_->mutex};
}

bool Parker::park(const Context& context) {
  if (fiber_ != nullptr && fiber_->home().crashed()) return false;
  Cancellation cancellation;
  CancelToken* const token = context.cancel().get();
  if (token != nullptr) {
    cancellation.parker = this;
    cancellation.fire = [](CancelToken::Hook& hook) {
      static_cast<Cancellation&>(hook).parker->interrupt();
    };
    token->attach(cancellation);
  }
  sleep(context.deadline());
  if (token != nullptr) token->detach(cancellation);
  if (fiber_ != nullptr && fiber_->home().crashed()) return false;
  return state_.load(std::memory_order_acquire) == kNotified;
}

void Parker::park_again() {
  int expected = kInterrupted;
  state_.compare_exchange_strong(expected, kEmpty, std::memory_order_acq_rel);
  while (state_.load(std::memory_order_acquire) != kNotified) {
    sleep(std::nullopt);
    if (fiber_ != nullptr && fiber_->home().crashed()) return;
  }
}

void Parker::sleep(const std::optional<MonotonicTime>& deadline) {
  if (state_.load(std::memory_order_acquire) != kEmpty) return;
  if (fiber_ == nullptr) {
    sleep_thread(deadline);
    return;
  }
  if (!deadline) {
    suspend();
    return;
  }
  Loop& loop = fiber_->home();
  Deadline timer;
  timer.parker = this;
  timer.fire = [](Timer& due) { static_cast<Deadline&>(due).parker->interrupt(); };
  loop.add_timer(timer, *deadline);
  suspend();
  loop.remove_timer(timer);
}

void Parker::suspend() {
  // Only once the fiber has left its stack may others make it run again.
  fiber_->suspend(
      [](void* argument) {
        auto* self = static_cast<Parker*>(argument);
        Fiber* const fiber = self->fiber_;
        int expected = kEmpty;
        if (!self->state_.compare_exchange_strong(expected, kParked, std::memory_order_acq_rel)) {
          fiber->home().make_ready(fiber);
        }
      },
      this);
  // A simulated crash wakes without a word.
  int expected = kParked;
  state_.compare_exchange_strong(expected, kEmpty, std::memory_order_acq_rel);
}

void Parker::sleep_thread(const std::optional<MonotonicTime>& deadline) {
  std::unique_lock lock{thread_->mutex};
  const auto woken = [&] { return state_.load(std::memory_order_acquire) != kEmpty; };
  if (deadline) {
    thread_->condition.wait_for(lock, *deadline - SystemClock{}.monotonic(), woken);
  } else {
    thread_->condition.wait(lock, woken);
  }
}

void Parker::interrupt() {
  if (fiber_ == nullptr) {
    std::lock_guard lock{thread_->mutex};
    int expected = kEmpty;
    state_.compare_exchange_strong(expected, kInterrupted, std::memory_order_acq_rel);
    thread_->condition.notify_all();
    return;
  }
  Fiber* const fiber = fiber_;
  int seen = state_.load(std::memory_order_acquire);
  while (seen == kEmpty || seen == kParked) {
    if (!state_.compare_exchange_weak(seen, kInterrupted, std::memory_order_acq_rel)) continue;
    if (seen == kParked) fiber->home().make_ready(fiber);
    return;
  }
}

void Parker::unpark() {
  if (fiber_ == nullptr) {
    std::lock_guard lock{thread_->mutex};
    state_.store(kNotified, std::memory_order_release);
    thread_->condition.notify_all();
    return;
  }
  Fiber* const fiber = fiber_;
  if (state_.exchange(kNotified, std::memory_order_acq_rel) == kParked) {
    fiber->home().make_ready(fiber);
  }
}

}  // namespace beringia::io
