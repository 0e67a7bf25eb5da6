#include "io/runtime.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "io/epoll_loop.h"
#include "io/real_runtime.h"

namespace beringia::io {

RealRuntime::RealRuntime(RuntimeOptions options)
    : options_{options},
      pool_{static_cast<size_t>(options.blocking_threads), options.max_blocking_queue} {
  int loops = options.loops;
  if (loops <= 0) loops = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for (int i = 0; i < loops; ++i) {
    loops_.push_back(std::make_unique<EpollLoop>(options.stack_bytes, pool_, clock_, fiber_count_));
  }
  for (auto& loop : loops_) threads_.emplace_back([&loop] { loop->run(); });
}

RealRuntime::~RealRuntime() {
  for (auto& loop : loops_) loop->stop();
  for (auto& thread : threads_) thread.join();
}

void RealRuntime::spawn(std::function<void()> body) {
  const size_t index = next_.fetch_add(1, std::memory_order_relaxed) % loops_.size();
  loops_[index]->start(std::move(body));
}

void RealRuntime::spawn_on(int index, std::function<void()> body) {
  loops_[static_cast<size_t>(index) % loops_.size()]->start(std::move(body));
}

void RealRuntime::run(std::function<void()> body) {
  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  spawn([&] {
    body();
    std::lock_guard lock{mutex};
    done = true;
    ended.notify_all();
  });
  std::unique_lock lock{mutex};
  ended.wait(lock, [&] { return done; });
}

std::unique_ptr<Runtime> Runtime::make(RuntimeOptions options) {
  return std::make_unique<RealRuntime>(options);
}

const Clock& current_clock() {
  static const SystemClock kSystem;
  const Loop* loop = Loop::current();
  return loop != nullptr ? loop->clock() : kSystem;
}

MonotonicTime now() { return current_clock().monotonic(); }

bool on_fiber() { return Loop::current() != nullptr && Loop::current()->running() != nullptr; }

bool crashed() { return Loop::current() != nullptr && Loop::current()->crashed(); }

void yield() {
  if (!on_fiber()) return;
  Fiber* self = Loop::current()->running();
  std::function<void()> after = [self] { self->home().make_ready(self); };
  self->suspend(&after);
}

Result<void> sleep_for(const Context& context, Duration duration) {
  MonotonicTime until = now() + duration;
  const bool cut = context.deadline() && *context.deadline() < until;
  if (cut) until = *context.deadline();
  Parker parker;
  uint64_t callback = 0;
  if (context.cancel()) callback = context.cancel()->on_cancel([&] { parker.unpark(); });
  parker.park(until);
  if (context.cancel()) context.cancel()->remove(callback);
  if (on_fiber() && Loop::current()->crashed()) return std::unexpected(cancelled("crashed"));
  return context.check(now());
}

void run_blocking(std::function<void()> job) {
  if (!on_fiber()) {
    job();
    return;
  }
  Loop::current()->run_blocking(job);
}

}  // namespace beringia::io
