#include "io/runtime.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "io/sync.h"

namespace beringia::io {
namespace {

using namespace std::chrono_literals;

TEST(Runtime, runs_a_fiber_and_waits_for_it) {
  auto runtime = Runtime::make({.loops = 2});
  bool ran = false;
  runtime->run([&] { ran = on_fiber(); });
  EXPECT_TRUE(ran);
  EXPECT_FALSE(on_fiber());
}

TEST(Runtime, blocking_work_leaves_the_loop_free) {
  auto runtime = Runtime::make({.loops = 1});
  std::atomic<int> order{0};
  runtime->run([&] {
    Event release;
    Scope scope{Context{}};
    scope.spawn([&]() -> Result<void> {
      // The pool thread waits for a fiber of the same loop: this only ends if the loop goes on.
      blocking([&] { EXPECT_TRUE(release.wait(Context{})); });
      order = 2;
      return {};
    });
    scope.spawn([&]() -> Result<void> {
      release.set();
      return {};
    });
    EXPECT_TRUE(scope.join());
  });
  EXPECT_EQ(order, 2);
}

TEST(Runtime, hands_values_and_exceptions_out_of_blocking_work) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    EXPECT_EQ(blocking([] { return 42; }), 42);
    EXPECT_THROW(blocking([]() -> int { throw std::runtime_error{"x"}; }), std::runtime_error);
  });
}

TEST(Mutex, excludes_fibers_of_several_loops) {
  auto runtime = Runtime::make({.loops = 4});
  Mutex mutex;
  int counter = 0;
  constexpr int kFibers = 40;
  constexpr int kRounds = 200;
  std::atomic<int> left{kFibers};
  Event done;
  for (int i = 0; i < kFibers; ++i) {
    runtime->spawn([&] {
      for (int k = 0; k < kRounds; ++k) {
        auto guard = MutexGuard::lock(Context{}, mutex);
        ASSERT_TRUE(guard);
        const int seen = counter;
        if (k % 16 == 0) yield();
        counter = seen + 1;
      }
      if (--left == 0) done.set();
    });
  }
  EXPECT_TRUE(done.wait(Context{}));
  EXPECT_EQ(counter, kFibers * kRounds);
}

TEST(Mutex, gives_up_at_the_deadline_and_stays_usable) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    Mutex mutex;
    ASSERT_TRUE(mutex.lock(Context{}));
    auto late = mutex.lock(Context{}.with_deadline(now() + 1ms));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code(), Code::kCancelled);
    mutex.unlock();
    EXPECT_TRUE(mutex.lock(Context{}));
  });
}

TEST(Scope, cancels_the_others_when_one_fails) {
  auto runtime = Runtime::make({.loops = 2});
  runtime->run([] {
    Scope scope{Context{}};
    scope.spawn([&]() -> Result<void> { return sleep_for(scope.context(), 1h); });
    scope.spawn([]() -> Result<void> { return std::unexpected(invalid("bad")); });
    auto joined = scope.join();
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().code(), Code::kInvalid);
  });
}

TEST(Semaphore, serves_waiters_in_order_and_counts) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    Semaphore semaphore{1};
    ASSERT_TRUE(semaphore.acquire(Context{}));
    std::vector<int> order;
    Scope scope{Context{}};
    for (int i = 0; i < 3; ++i) {
      scope.spawn([&, i]() -> Result<void> {
        BR_TRY(semaphore.acquire(Context{}));
        order.push_back(i);
        semaphore.release();
        return {};
      });
    }
    yield();
    semaphore.release();
    EXPECT_TRUE(scope.join());
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(semaphore.available(), 1);
  });
}

TEST(Sync, works_on_plain_threads_too) {
  Event event;
  std::thread setter{[&] { event.set(); }};
  EXPECT_TRUE(event.wait(Context{}));
  setter.join();
  auto late = Event{}.wait(Context{}.with_deadline(now() + 1ms));
  EXPECT_FALSE(late);
}

TEST(Runtime, ten_thousand_fibers_wait_at_once) {
  auto runtime = Runtime::make({.loops = 2});
  Event go;
  Event done;
  constexpr int kFibers = 10000;
  std::atomic<int> left{kFibers};
  for (int i = 0; i < kFibers; ++i) {
    runtime->spawn([&] {
      EXPECT_TRUE(go.wait(Context{}));
      if (--left == 0) done.set();
    });
  }
  go.set();
  EXPECT_TRUE(done.wait(Context{}));
}

std::string simulate(uint64_t seed) {
  std::string trace;
  auto runtime = Runtime::make_simulated(seed);
  runtime->run([&] {
    Scope scope{Context{}};
    for (int i = 0; i < 5; ++i) {
      scope.spawn([&, i]() -> Result<void> {
        for (int k = 0; k < 3; ++k) {
          blocking([&] { trace += static_cast<char>('a' + i); });
          BR_TRY(sleep_for(scope.context(), std::chrono::seconds{1}));
        }
        return {};
      });
    }
    EXPECT_TRUE(scope.join());
  });
  return trace + std::to_string(runtime->clock().monotonic().nanos);
}

TEST(SimulatedRuntime, repeats_a_seed_exactly_and_differs_between_seeds) {
  EXPECT_EQ(simulate(1), simulate(1));
  EXPECT_NE(simulate(1), simulate(2));
}

TEST(SimulatedRuntime, a_crash_ends_every_wait) {
  auto runtime = Runtime::make_simulated(3);
  bool ended = false;
  runtime->spawn([&] {
    EXPECT_FALSE(sleep_for(Context{}, 24h));
    ended = true;
  });
  runtime->run([&] { EXPECT_TRUE(sleep_for(Context{}, 1s)); });
  runtime->crash();
  runtime.reset();
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace beringia::io
