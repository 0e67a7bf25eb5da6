#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "io/runtime.h"
#include "io/sync.h"
#include "io/timer_heap.h"

// Waiting: deadlines, cancellation, hand-over, from fibers and from plain threads.

namespace beringia::io {
namespace {

using namespace std::chrono_literals;

TEST(TimerHeap, gives_timers_by_time_and_then_by_start) {
  TimerHeap heap;
  SeededRng rng{7};
  std::vector<Timer> timers(500);
  for (auto& timer : timers) heap.add(timer, {static_cast<int64_t>(rng.below(100))});
  for (size_t i = 0; i < timers.size(); i += 3) heap.remove(timers[i]);
  int64_t last = -1;
  uint64_t order = 0;
  size_t count = 0;
  while (Timer* timer = heap.take_due(1000)) {
    EXPECT_TRUE(timer->when_nanos > last || (timer->when_nanos == last && timer->order > order));
    last = timer->when_nanos;
    order = timer->order;
    ++count;
  }
  EXPECT_EQ(count, 500U - 167U);
  EXPECT_TRUE(heap.empty());
}

TEST(CancelToken, calls_back_once_and_never_after_removal) {
  CancelToken token;
  int called = 0;
  token.on_cancel([&] { ++called; });
  const uint64_t removed = token.on_cancel([&] { called += 100; });
  token.remove(removed);
  token.cancel();
  token.cancel();
  EXPECT_EQ(called, 1);
  token.on_cancel([&] { ++called; });
  EXPECT_EQ(called, 2);
}

TEST(Event, cancellation_from_another_thread_ends_each_wait) {
  auto runtime = Runtime::make({.loops = 2});
  auto token = std::make_shared<CancelToken>();
  const Context context = Context{}.with_cancel(token);
  Event never;
  Event all_done;
  std::atomic<int> left{200};
  for (int i = 0; i < 200; ++i) {
    runtime->spawn([&] {
      EXPECT_EQ(never.wait(context).error().code(), Code::kCancelled);
      EXPECT_FALSE(sleep_for(context, 1h));
      if (--left == 0) all_done.set();
    });
  }
  std::thread canceller{[&] { token->cancel(); }};
  EXPECT_TRUE(all_done.wait(Context{}));
  canceller.join();
}

TEST(Event, no_wake_up_is_lost_between_loops_threads_and_deadlines) {
  auto runtime = Runtime::make({.loops = 3});
  constexpr int kPairs = 30;
  constexpr int kRounds = 200;
  Event all_done;
  std::atomic<int> left{2 * kPairs};
  std::vector<std::unique_ptr<Semaphore>> pings;
  std::vector<std::unique_ptr<Semaphore>> pongs;
  for (int i = 0; i < kPairs; ++i) {
    pings.push_back(std::make_unique<Semaphore>(0));
    pongs.push_back(std::make_unique<Semaphore>(0));
  }
  const auto play = [&](Semaphore& mine, Semaphore& other, bool first) {
    for (int k = 0; k < kRounds; ++k) {
      if (first) other.release();
      // Short deadlines race with the hand-over: either way no permit may vanish.
      while (!mine.acquire(Context{}.with_deadline(now() + 50us))) {
      }
      if (!first) other.release();
    }
    if (--left == 0) all_done.set();
  };
  for (int i = 0; i < kPairs; ++i) {
    runtime->spawn_on(i, [&, i] { play(*pings[i], *pongs[i], true); });
    runtime->spawn_on(i + 1, [&, i] { play(*pongs[i], *pings[i], false); });
  }
  EXPECT_TRUE(all_done.wait(Context{}));
}

TEST(Semaphore, a_waiter_that_gives_up_lets_the_next_one_through) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    Semaphore semaphore{1};
    Scope scope{Context{}};
    bool small_done = false;
    scope.spawn([&]() -> Result<void> {
      EXPECT_FALSE(semaphore.acquire(Context{}.with_deadline(now() + 2ms), 5));
      return {};
    });
    scope.spawn([&]() -> Result<void> {
      BR_TRY(semaphore.acquire(Context{}, 1));
      small_done = true;
      return {};
    });
    yield();
    EXPECT_FALSE(small_done) << "who needs few does not pass who needs many";
    EXPECT_TRUE(scope.join());
    EXPECT_TRUE(small_done);
  });
}

TEST(Scope, the_parents_cancellation_and_deadline_reach_the_children) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    auto token = std::make_shared<CancelToken>();
    Scope outer{Context{}.with_cancel(token)};
    outer.spawn([&]() -> Result<void> {
      Scope inner{outer.context()};
      inner.spawn([&]() -> Result<void> { return sleep_for(inner.context(), 1h); });
      return inner.join();
    });
    yield();
    token->cancel();
    EXPECT_EQ(outer.join().error().code(), Code::kCancelled);

    Scope late{Context{}.with_deadline(now() + 2ms)};
    late.spawn([&]() -> Result<void> { return sleep_for(late.context(), 1h); });
    EXPECT_EQ(late.join().error().code(), Code::kCancelled);
  });
}

TEST(Scope, destroys_what_a_child_holds_before_the_child_counts_as_ended) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    bool destroyed = false;
    const auto held = [&] {
      return std::shared_ptr<void>{nullptr, [&](void*) { destroyed = true; }};
    };
    Scope scope{Context{}};
    scope.spawn([keep = held()]() -> Result<void> { return {}; });
    EXPECT_TRUE(scope.join());
    EXPECT_TRUE(destroyed);
  });
}

TEST(Scope, runs_children_on_threads_where_there_is_no_runtime) {
  std::atomic<int> ran{0};
  Scope scope{Context{}};
  for (int i = 0; i < 4; ++i) {
    scope.spawn([&]() -> Result<void> {
      ++ran;
      return {};
    });
  }
  EXPECT_TRUE(scope.join());
  EXPECT_EQ(ran, 4);
}

TEST(Fiber, may_park_while_an_exception_is_being_handled) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    Scope scope{Context{}};
    for (int i = 0; i < 3; ++i) {
      scope.spawn([i]() -> Result<void> {
        try {
          throw i;
        } catch (int caught) {
          yield();
          try {
            throw caught + 10;
          } catch (int inner) {
            yield();
            EXPECT_EQ(inner, i + 10);
          }
          yield();
          EXPECT_EQ(caught, i);
          EXPECT_EQ(std::uncaught_exceptions(), 0);
        }
        return {};
      });
    }
    EXPECT_TRUE(scope.join());
  });
}

TEST(FiberDeathTest, a_stack_overflow_hits_the_guard_page) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto overflow = [] {
    auto runtime = Runtime::make({.loops = 1});
    runtime->run([] {
      struct Recursion {
        static int deeper(volatile char* above) {
          volatile char frame[4096];
          frame[0] = above[0];
          return above[0] == 0 ? 0 : deeper(frame) + frame[0];
        }
      };
      volatile char first = 1;
      Recursion::deeper(&first);
    });
  };
  EXPECT_DEATH(overflow(), "");
}

TEST(Runtime, starts_fibers_beyond_the_bound_when_others_end) {
  auto runtime = Runtime::make({.loops = 1, .max_fibers = 4});
  std::atomic<int> ran{0};
  Event done;
  for (int i = 0; i < 20; ++i) {
    runtime->spawn([&] {
      yield();
      if (++ran == 20) done.set();
    });
  }
  EXPECT_TRUE(done.wait(Context{}));
}

TEST(Runtime, joins_fibers_that_wake_each_other_on_other_loops_while_it_ends) {
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> ended{0};
    {
      auto runtime = Runtime::make({.loops = 3});
      for (int i = 0; i < 3; ++i) {
        runtime->spawn_on(i, [&, i, &rt = *runtime] {
          rt.spawn_on(i + 1, [&, &again = rt] {
            yield();
            again.spawn([&] { ++ended; });
          });
        });
      }
    }
    EXPECT_EQ(ended, 3);
  }
}

TEST(Runtime, the_watchdog_counts_a_fiber_that_blocks_its_loop) {
  auto runtime = Runtime::make({.loops = 1, .watchdog = true});
  runtime->run([] { EXPECT_TRUE(sleep_for(Context{}, 60ms)); });
  EXPECT_EQ(runtime->stalls(), 0U) << "parking is no stall";
  runtime->run([] { ::poll(nullptr, 0, 60); });
  runtime->run([] {});
  EXPECT_EQ(runtime->stalls(), 1U);
}

TEST(SimulatedRuntime, virtual_time_passes_without_waiting) {
  auto runtime = Runtime::make_simulated(1);
  const auto begin = std::chrono::steady_clock::now();
  runtime->run([] {
    const MonotonicTime start = now();
    EXPECT_TRUE(sleep_for(Context{}, 240h));
    EXPECT_GE(now() - start, 240h);
    EXPECT_EQ(Event{}.wait(Context{}.with_deadline(now() + 1h)).error().code(), Code::kCancelled);
  });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
}

TEST(SimulatedRuntime, can_be_used_again_after_a_crash) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    auto runtime = Runtime::make_simulated(seed);
    int ended = 0;
    runtime->run([&] {
      Mutex mutex;
      Scope scope{Context{}};
      for (int i = 0; i < 5; ++i) {
        scope.spawn([&]() -> Result<void> {
          for (;;) {
            auto guard = MutexGuard::lock(scope.context(), mutex);
            if (!guard || !sleep_for(scope.context(), 1ms)) break;
          }
          ++ended;
          return {};
        });
      }
      EXPECT_TRUE(sleep_for(Context{}, 20ms));
      runtime->crash();
      EXPECT_TRUE(crashed());
      EXPECT_FALSE(sleep_for(Context{}, 1ms));
    });
    EXPECT_EQ(ended, 5);
    runtime->run([] {
      EXPECT_FALSE(crashed());
      EXPECT_TRUE(sleep_for(Context{}, 1ms));
    });
  }
}

TEST(SimulatedRuntimeDeathTest, a_deadlock_names_the_seed) {
  const auto deadlock = [] {
    auto runtime = Runtime::make_simulated(4711);
    runtime->run([] { (void)Event{}.wait(Context{}); });
  };
  EXPECT_DEATH(deadlock(), "seed 4711: every fiber waits");
}

}  // namespace
}  // namespace beringia::io
