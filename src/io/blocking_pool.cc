#include "io/blocking_pool.h"

#include <utility>

namespace beringia::io {

BlockingPool::BlockingPool(size_t max_threads, size_t max_queue)
    : max_threads_{max_threads}, max_queue_{max_queue} {}

BlockingPool::~BlockingPool() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool BlockingPool::submit(std::function<void()> job) {
  {
    std::lock_guard lock{mutex_};
    if (queue_.size() >= max_queue_) return false;
    queue_.push_back(std::move(job));
    if (idle_ < queue_.size() && threads_.size() < max_threads_) {
      threads_.emplace_back([this] { work(); });
      return true;
    }
  }
  // Without the lock: who wakes up needs it first of all.
  wake_.notify_one();
  return true;
}

void BlockingPool::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    ++idle_;
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (queue_.empty()) return;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace beringia::io
