#include "io/sync.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "io/fiber.h"

namespace beringia::io {

struct WaitQueue::Waiter {
  Parker parker;
  bool notified = false;
};

WaitQueue::WaitQueue() = default;
WaitQueue::~WaitQueue() = default;

Result<void> WaitQueue::wait(const Context& context, std::unique_lock<std::mutex>& lock) {
  Waiter waiter;
  waiters_.push_back(&waiter);
  lock.unlock();
  // The token's callback may run at any time until remove(): it only unparks.
  uint64_t callback = 0;
  const auto& cancel = context.cancel();
  if (cancel) callback = cancel->on_cancel([&] { waiter.parker.unpark(); });
  waiter.parker.park(context.deadline());
  if (cancel) cancel->remove(callback);
  lock.lock();
  if (waiter.notified) return {};
  std::erase(waiters_, &waiter);
  if (cancel && cancel->cancelled()) {
    return std::unexpected(cancelled("the wait was cancelled"));
  }
  return std::unexpected(cancelled("the deadline has passed"));
}

void WaitQueue::notify_one() {
  if (waiters_.empty()) return;
  Waiter* waiter = waiters_.front();
  waiters_.pop_front();
  waiter->notified = true;
  waiter->parker.unpark();
}

void WaitQueue::notify_all() {
  while (!waiters_.empty()) notify_one();
}

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
  // First come, first served: a newcomer does not pass those who wait.
  for (bool first = true; permits_ < n || (first && !queue_.empty()); first = false) {
    if (auto waited = queue_.wait(context, lock); !waited) {
      queue_.notify_one();  // what would have been ours may suit the next
      return waited;
    }
  }
  permits_ -= n;
  if (permits_ > 0) queue_.notify_one();
  return {};
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
  queue_.notify_one();
}

int64_t Semaphore::available() const {
  std::lock_guard lock{mutex_};
  return permits_;
}

struct Scope::State {
  Context context;
  std::shared_ptr<CancelToken> token = std::make_shared<CancelToken>();
  std::shared_ptr<CancelToken> parent;
  uint64_t parent_callback = 0;
  std::mutex mutex;
  size_t running = 0;
  std::optional<Error> error;
  WaitQueue ended;

  void finish(Result<void> result) {
    bool failed = false;
    {
      std::lock_guard lock{mutex};
      failed = !result.has_value() && !error;
      if (failed) error = std::move(result).error();
    }
    if (failed) token->cancel();
    std::lock_guard lock{mutex};
    if (--running == 0) ended.notify_all();
  }
};

Scope::Scope(const Context& parent) : state_{std::make_shared<State>()} {
  state_->context = parent.with_cancel(state_->token);
  state_->parent = parent.cancel();
  if (state_->parent) {
    state_->parent_callback =
        state_->parent->on_cancel([token = state_->token] { token->cancel(); });
  }
}

Scope::~Scope() {
  cancel();
  if (state_->parent) state_->parent->remove(state_->parent_callback);
  std::unique_lock lock{state_->mutex};
  while (state_->running > 0) {
    // Children end by themselves once cancelled; this wait has no deadline and no token.
    if (!state_->ended.wait(Context{}, lock) && on_fiber()) {
      lock.unlock();
      yield();  // a simulated crash: let the children unwind
      lock.lock();
    }
  }
}

const Context& Scope::context() const { return state_->context; }

void Scope::spawn(std::function<Result<void>()> body) {
  {
    std::lock_guard lock{state_->mutex};
    ++state_->running;
  }
  auto run = [state = state_, body = std::move(body)] { state->finish(body()); };
  if (Loop* loop = Loop::current()) {
    loop->start(std::move(run));
  } else {
    std::thread{std::move(run)}.detach();  // joined through `running`
  }
}

void Scope::cancel() { state_->token->cancel(); }

Result<void> Scope::join() {
  std::unique_lock lock{state_->mutex};
  while (state_->running > 0) {
    auto waited = state_->ended.wait(Context{}, lock);
    if (!waited && on_fiber()) {
      lock.unlock();
      yield();
      lock.lock();
    }
  }
  if (state_->error) return std::unexpected(*state_->error);
  return {};
}

}  // namespace beringia::io
