#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace beringia::io {

/// A bounded number of threads for calls that block (fsync, cold reads, name look-ups). Threads are
/// started when work waits and none is idle. Thread-safe.
class BlockingPool {
 public:
  BlockingPool(size_t max_threads, size_t max_queue);
  ~BlockingPool();  // runs what is queued, then joins
  /// false: the queue is full.
  bool submit(std::function<void()> job);

 private:
  void work();
  const size_t max_threads_;
  const size_t max_queue_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace beringia::io
