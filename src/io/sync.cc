#include "io/sync.h"

#include <cassert>
#include <utility>

#include "io/parker.h"

namespace beringia::io {

struct WaitQueue::Waiter {
  Parker parker;
  int64_t weight = 0;
  bool notified = false;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
};

WaitQueue::~WaitQueue() { assert(empty() && "a WaitQueue died while somebody waited in it"); }

void WaitQueue::unlink(Waiter& waiter) {
  (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
}

Result<void> WaitQueue::wait(const Context& context, std::unique_lock<std::mutex>& lock,
                             int64_t weight) {
  Waiter waiter;
  waiter.weight = weight;
  waiter.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &waiter;
  last_ = &waiter;
  lock.unlock();
  waiter.parker.park(context);
  lock.lock();
  // A notification counts even if the deadline came at the same time: it must not be lost.
  if (waiter.notified) return {};
  unlink(waiter);
  if (crashed()) return std::unexpected(cancelled("the wait was cancelled", "simulated crash"));
  if (context.cancel() && context.cancel()->cancelled()) {
    return std::unexpected(cancelled("the wait was cancelled"));
  }
  return std::unexpected(cancelled("the deadline has passed"));
}

void WaitQueue::notify_one() {
  Waiter* const waiter = first_;
  if (waiter == nullptr) return;
  unlink(*waiter);
  waiter->notified = true;
  waiter->parker.unpark();
}

void WaitQueue::notify_all() {
  while (!empty()) notify_one();
}

int64_t WaitQueue::front_weight() const { return first_->weight; }

void Event::set() {
  std::lock_guard lock{mutex_};
  set_ = true;
  queue_.notify_all();
}

bool Event::is_set() const {
  std::lock_guard lock{mutex_};
  return set_;
}

Result<void> Event::wait(const Context& context) {
  std::unique_lock lock{mutex_};
  while (!set_) BR_TRY(queue_.wait(context, lock));
  return {};
}

Result<void> Mutex::lock(const Context& context) {
  std::unique_lock lock{mutex_};
  if (!locked_) {
    locked_ = true;
    return {};
  }
  return queue_.wait(context, lock);  // notified = the lock was handed over
}

bool Mutex::try_lock() {
  std::lock_guard lock{mutex_};
  return !std::exchange(locked_, true);
}

void Mutex::unlock() {
  std::lock_guard lock{mutex_};
  if (queue_.empty()) {
    locked_ = false;
  } else {
    queue_.notify_one();
  }
}

Result<MutexGuard> MutexGuard::lock(const Context& context, Mutex& mutex) {
  BR_TRY(mutex.lock(context));
  return MutexGuard{&mutex};
}

MutexGuard::MutexGuard(MutexGuard&& other) noexcept
    : mutex_{std::exchange(other.mutex_, nullptr)} {}

MutexGuard& MutexGuard::operator=(MutexGuard&& other) noexcept {
  std::swap(mutex_, other.mutex_);
  return *this;
}

MutexGuard::~MutexGuard() {
  if (mutex_ != nullptr) mutex_->unlock();
}

Result<void> Semaphore::acquire(const Context& context, int64_t n) {
  std::unique_lock lock{mutex_};
  if (permits_ >= n && queue_.empty()) {
    permits_ -= n;
    return {};
  }
  auto waited = queue_.wait(context, lock, n);  // notified = the permits were handed over
  if (!waited) grant();                         // who stood behind us may be served now
  return waited;
}

void Semaphore::grant() {
  while (!queue_.empty() && queue_.front_weight() <= permits_) {
    permits_ -= queue_.front_weight();
    queue_.notify_one();
  }
}

bool Semaphore::try_acquire(int64_t n) {
  std::lock_guard lock{mutex_};
  if (permits_ < n || !queue_.empty()) return false;
  permits_ -= n;
  return true;
}

void Semaphore::release(int64_t n) {
  std::lock_guard lock{mutex_};
  permits_ += n;
  grant();
}

int64_t Semaphore::available() const {
  std::lock_guard lock{mutex_};
  return permits_;
}

}  // namespace beringia::io
