#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "io/fiber.h"
#include "io/parker.h"
#include "io/runtime.h"
#include "io/stack.h"

namespace beringia::io {
namespace {

constexpr size_t kStackBytes = 1 << 20;
constexpr int64_t kStartNanos = 1'000'000'000;
constexpr int64_t kStartWallMicros = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
constexpr int64_t kMaxBlockingNanos = 2'000'000;             // of one simulated blocking call
constexpr int64_t kStepNanos = 1'000;                        // each step of a fiber takes a while
constexpr uint64_t kMaxStepsAfterCrash = 5'000'000;

/// Time that stands still until nothing is ready, then jumps to the next timer.
class VirtualClock final : public Clock {
 public:
  Timestamp wall() const override { return {kStartWallMicros + (nanos - kStartNanos) / 1000}; }
  MonotonicTime monotonic() const override { return {nanos}; }
  int64_t nanos = kStartNanos;
};

/// Every choice is drawn from the seed, in the order in which it comes up: one thread, no
/// addresses, no hash order. Fibers are known by the number of their start.
class SimulatedRuntime final : public Runtime, public Loop {
 public:
  explicit SimulatedRuntime(uint64_t seed)
      : seed_{seed}, rng_{seed}, choices_{seed ^ 0x5eed}, stacks_{kStackBytes} {}

  ~SimulatedRuntime() override {
    if (!fibers_.empty()) crash();
    drive(nullptr);
  }

  // Runtime
  void spawn(std::function<void()> body) override { start(std::move(body)); }
  void spawn_on(int, std::function<void()> body) override { start(std::move(body)); }
  int loop_count() const override { return 1; }
  const Clock& clock() const override { return clock_; }
  Rng& rng() override { return rng_; }
  bool simulated() const override { return true; }

  void run(std::function<void()> body) override {
    bool done = false;
    start([&] {
      body();
      done = true;
    });
    drive(&done);
    if (!done) die("every fiber waits for another one (deadlock)");
    if (crashed_) drive(nullptr);
  }

  void crash() override {
    if (fibers_.empty()) return;
    crashed_ = true;
    steps_after_crash_ = 0;
    for (const auto& [number, fiber] : fibers_) {
      if (fiber.get() != running_) make_ready(fiber.get());
    }
  }

  // Loop
  bool crashed() const override { return crashed_; }

  void make_ready(Fiber* fiber) override {
    if (std::exchange(fiber->queued, true)) return;
    ready_.push_back(fiber);
  }

  void start(std::function<void()> body) override {
    auto fiber = std::make_unique<Fiber>(*this, stacks_.take(), std::move(body));
    fiber->number = ++started_;
    make_ready(fiber.get());
    const uint64_t number = fiber->number;
    fibers_.emplace_hint(fibers_.end(), number, std::move(fiber));
  }

  void add_timer(Timer& timer, MonotonicTime when) override { timers_.add(timer, when); }
  void remove_timer(Timer& timer) override { timers_.remove(timer); }

  void run_blocking(std::function<void()>& job) override {
    Parker parker;
    const auto time = Duration{static_cast<int64_t>(choices_.below(kMaxBlockingNanos))};
    // The job happens at the begin, in the middle or at the end of its time.
    const Duration before = time * static_cast<int64_t>(choices_.below(3)) / 2;
    const MonotonicTime begun = clock_.monotonic();
    if (before.count() > 0) parker.park(Context{}.with_deadline(begun + before));
    job();
    if (before < time) Parker{}.park(Context{}.with_deadline(begun + time));
  }

 private:
  /// Runs until `*done`; null: until no fiber can run, which ends a crash.
  void drive(const bool* done) {
    Loop* const outer = Loop::current();
    Loop::set_current(this);
    while (done == nullptr || !*done) {
      if (ready_.empty()) {
        if (timers_.empty()) break;
        clock_.nanos = std::max(clock_.nanos, timers_.next_nanos());
      }
      while (Timer* due = timers_.take_due(clock_.nanos)) due->fire(*due);
      if (!ready_.empty()) step();
    }
    Loop::set_current(outer);
    if (done == nullptr && crashed_) {
      if (!fibers_.empty()) die("a fiber does not end after a crash");
      crashed_ = false;
    }
  }

  void step() {
    const size_t index = choices_.below(ready_.size());
    Fiber* const fiber = ready_[index];
    ready_[index] = ready_.back();
    ready_.pop_back();
    fiber->queued = false;
    clock_.nanos += kStepNanos;
    if (crashed_ && ++steps_after_crash_ > kMaxStepsAfterCrash) {
      die("fibers run on and on after a crash");
    }
    fiber->resume();
    if (!fiber->ended()) return;
    if (std::exchange(fiber->queued, false)) std::erase(ready_, fiber);
    stacks_.give(fiber->take_stack());
    fibers_.erase(fiber->number);
  }

  [[noreturn]] void die(const char* why) const {
    std::fprintf(stderr, "simulation with seed %llu: %s\n", static_cast<unsigned long long>(seed_),
                 why);
    std::abort();
  }

  const uint64_t seed_;
  VirtualClock clock_;
  SeededRng rng_;
  SeededRng choices_;
  StackPool stacks_;
  std::map<uint64_t, std::unique_ptr<Fiber>> fibers_;  // by the number of their start
  std::vector<Fiber*> ready_;
  TimerHeap timers_;
  uint64_t started_ = 0;
  uint64_t steps_after_crash_ = 0;
  bool crashed_ = false;
};

}  // namespace

std::unique_ptr<Runtime> Runtime::make_simulated(uint64_t seed) {
  return std::make_unique<SimulatedRuntime>(seed);
}

}  // namespace beringia::io
