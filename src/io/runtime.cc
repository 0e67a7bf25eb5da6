#include "io/runtime.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "io/epoll_loop.h"
#include "io/parker.h"
#include "io/real_runtime.h"

namespace beringia::io {

RealRuntime::RealRuntime(RuntimeOptions options)
    : pool_{static_cast<size_t>(std::max(1, options.blocking_threads)),
            options.max_blocking_queue} {
  int loops = options.loops;
  if (loops <= 0) loops = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  group_.stack_bytes = options.stack_bytes;
  group_.max_fibers = options.max_fibers;
  group_.watchdog = options.watchdog;
  group_.clock = &clock_;
  group_.pool = &pool_;
  for (int i = 0; i < loops; ++i) {
    loops_.push_back(std::make_unique<EpollLoop>(group_));
    group_.loops.push_back(loops_.back().get());
  }
  for (auto& loop : loops_) threads_.emplace_back([&loop] { loop->run(); });
}

RealRuntime::~RealRuntime() {
  group_.stopping.store(true);
  group_.wake_all();
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
  assert(!on_fiber() && "run() would block a loop");
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
  Fiber* const self = Loop::current()->running();
  self->suspend(
      [](void* argument) {
        auto* fiber = static_cast<Fiber*>(argument);
        fiber->home().make_ready_later(fiber);
      },
      self);
}

Result<void> sleep_for(const Context& context, Duration duration) {
  const MonotonicTime until = now() + duration;
  Parker parker;
  parker.park(context.with_deadline(until));
  if (crashed()) return std::unexpected(cancelled("the wait was cancelled", "simulated crash"));
  const MonotonicTime woken = now();
  if (woken >= until && !(context.cancel() && context.cancel()->cancelled())) {
    // A deadline at the same instant has not cut the sleep short.
    return {};
  }
  return context.check(woken);
}

void run_blocking(std::function<void()> job) {
  if (!on_fiber()) {
    job();
    return;
  }
  Loop::current()->run_blocking(job);
}

}  // namespace beringia::io
