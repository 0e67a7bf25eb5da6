#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "io/fiber.h"
#include "io/runtime.h"

namespace beringia::io {
namespace {

constexpr size_t kStackBytes = 256 << 10;
constexpr int64_t kStartNanos = 1'000'000'000;
constexpr int64_t kStartWallMicros = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
constexpr int64_t kMaxBlockingNanos = 2'000'000;             // of one simulated blocking call

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
  explicit SimulatedRuntime(uint64_t seed) : rng_{seed}, choices_{seed ^ 0x5eed} {}

  ~SimulatedRuntime() override {
    crash();
    drive([] { return false; });
  }

  // Runtime
  void spawn(std::function<void()> body) override { start(std::move(body)); }
  void spawn_on(int, std::function<void()> body) override { start(std::move(body)); }
  int loop_count() const override { return 1; }
  const Clock& clock() const override { return clock_; }
  Rng& rng() override { return rng_; }
  bool simulated() const override { return true; }  // of both bases

  void run(std::function<void()> body) override {
    bool done = false;
    start([&] {
      body();
      done = true;
    });
    drive([&] { return done; });
    if (!done) {
      std::fputs("simulation: every fiber waits for another one (deadlock)\n", stderr);
      std::abort();
    }
  }

  void crash() override {
    crashed_ = true;
    for (const auto& [number, fiber] : fibers_) {
      if (fiber != running_) make_ready(fiber);
    }
  }

  // Loop
  bool crashed() const override { return crashed_; }

  void make_ready(Fiber* fiber) override {
    const uint64_t number = numbers_.at(fiber);
    if (in_ready_.insert(number).second) ready_.push_back(fiber);
  }

  void start(std::function<void()> body) override {
    auto* fiber = std::make_unique<Fiber>(*this, take_stack(), std::move(body)).release();
    const uint64_t number = ++started_;
    fibers_.emplace(number, fiber);
    numbers_.emplace(fiber, number);
    make_ready(fiber);
  }

  TimerId add_timer(MonotonicTime when, std::function<void()> fire) override {
    const TimerId id = next_timer_++;
    timers_.emplace(std::pair{when.nanos, id}, std::move(fire));
    times_.emplace(id, when.nanos);
    return id;
  }

  void remove_timer(TimerId id) override {
    auto found = times_.find(id);
    if (found == times_.end()) return;
    timers_.erase({found->second, id});
    times_.erase(found);
  }

  void run_blocking(std::function<void()>& job) override {
    Parker parker;
    const auto delay = Duration{static_cast<int64_t>(choices_.below(kMaxBlockingNanos))};
    parker.park(clock_.monotonic() + delay);
    job();
  }

 private:
  template <class Done>
  void drive(const Done& done) {
    Loop* const before = Loop::current();
    Loop::set_current(this);
    while (!done()) {
      if (ready_.empty() && !fire_next_timer()) break;
      if (ready_.empty()) continue;
      step();
    }
    Loop::set_current(before);
  }

  void step() {
    const size_t index = choices_.below(ready_.size());
    Fiber* fiber = ready_[index];
    ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(index));
    const uint64_t number = numbers_.at(fiber);
    in_ready_.erase(number);
    fiber->resume();
    if (!fiber->ended()) return;
    stacks_.push_back(fiber->take_stack());
    fibers_.erase(number);
    numbers_.erase(fiber);
    if (in_ready_.erase(number) > 0) std::erase(ready_, fiber);
    const std::unique_ptr<Fiber> owned{fiber};
  }

  bool fire_next_timer() {
    if (timers_.empty()) return false;
    auto node = timers_.extract(timers_.begin());
    clock_.nanos = std::max(clock_.nanos, node.key().first);
    times_.erase(node.key().second);
    node.mapped()();
    return true;
  }

  Stack take_stack() {
    if (stacks_.empty()) return Stack{kStackBytes};
    Stack stack = std::move(stacks_.back());
    stacks_.pop_back();
    return stack;
  }

  VirtualClock clock_;
  SeededRng rng_;
  SeededRng choices_;
  std::map<uint64_t, Fiber*> fibers_;  // by start number; owned, deleted when they end
  std::map<Fiber*, uint64_t> numbers_;
  std::vector<Fiber*> ready_;
  std::set<uint64_t> in_ready_;
  std::map<std::pair<int64_t, TimerId>, std::function<void()>> timers_;
  std::map<TimerId, int64_t> times_;
  std::vector<Stack> stacks_;
  uint64_t started_ = 0;
  TimerId next_timer_ = 1;
  bool crashed_ = false;
};

}  // namespace

std::unique_ptr<Runtime> Runtime::make_simulated(uint64_t seed) {
  return std::make_unique<SimulatedRuntime>(seed);
}

}  // namespace beringia::io
