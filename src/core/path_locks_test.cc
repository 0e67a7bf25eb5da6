#include "core/path_locks.h"

#include <gtest/gtest.h>

#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::must;

Path path(const char* text) { return must(Path::parse(text)); }

class PathLocking : public testing::Test {
 protected:
  void run(const std::function<void()>& body) { runtime_->run(body); }
  void pause() { must(io::sleep_for({}, std::chrono::milliseconds{10})); }

  std::unique_ptr<io::Runtime> runtime_ = io::Runtime::make_simulated(5);
  PathLocks locks_;
  io::Context context_;
};

TEST_F(PathLocking, one_path_has_one_holder_in_order_of_arrival) {
  run([&] {
    std::vector<int> order;
    auto first = must(locks_.lock(context_, path("/a")));
    io::Scope scope{context_};
    for (int i = 1; i <= 3; ++i) {
      scope.spawn([&, i]() -> Result<void> {
        BR_TRY(guard, locks_.lock(context_, path("/a")));
        order.push_back(i);
        return {};
      });
      pause();
    }
    auto other = must(locks_.lock(context_, path("/b")));  // not in the way
    EXPECT_TRUE(order.empty());
    first.release();
    must(scope.join());
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  });
}

TEST_F(PathLocking, who_gives_up_leaves_no_trace) {
  run([&] {
    auto first = must(locks_.lock(context_, path("/a")));
    const auto soon = context_.with_deadline(io::now() + std::chrono::milliseconds{5});
    EXPECT_EQ(locks_.lock(soon, path("/a")).error().code(), Code::kCancelled);
    first.release();
    EXPECT_TRUE(locks_.lock(context_, path("/a")));
  });
}

TEST_F(PathLocking, two_paths_are_locked_in_one_order) {
  run([&] {
    io::Scope scope{context_};
    int done = 0;
    for (int i = 0; i < 20; ++i) {
      scope.spawn([&, i]() -> Result<void> {
        BR_TRY(guards, i % 2 == 0 ? locks_.lock_both(context_, path("/a"), path("/b"))
                                  : locks_.lock_both(context_, path("/b"), path("/a")));
        pause();
        ++done;
        return {};
      });
    }
    must(scope.join());
    EXPECT_EQ(done, 20);
    EXPECT_TRUE(locks_.lock_both(context_, path("/a"), path("/a")));
  });
}

TEST_F(PathLocking, a_frozen_directory_waits_for_its_holders_and_keeps_others_out) {
  run([&] {
    std::vector<std::string> order;
    auto holder = must(locks_.lock(context_, path("/d/x")));
    auto elsewhere = must(locks_.lock(context_, path("/dx")));
    io::Scope scope{context_};
    scope.spawn([&]() -> Result<void> {
      BR_TRY(freeze, locks_.freeze(context_, {path("/d/"), path("/e/")}));
      order.push_back("frozen");
      pause();
      pause();
      order.push_back("thawed");
      return {};
    });
    pause();
    EXPECT_TRUE(order.empty());
    holder.release();
    pause();
    scope.spawn([&]() -> Result<void> {
      BR_TRY(guard, locks_.lock(context_, path("/e/y")));
      order.push_back("below");
      return {};
    });
    EXPECT_TRUE(locks_.lock(context_, path("/ex")));
    must(scope.join());
    EXPECT_EQ(order, (std::vector<std::string>{"frozen", "thawed", "below"}));
  });
}

TEST_F(PathLocking, two_locks_and_a_freeze_do_not_wait_for_each_other) {
  run([&] {
    io::Scope scope{context_};
    int done = 0;
    for (int i = 0; i < 30; ++i) {
      scope.spawn([&, i]() -> Result<void> {
        if (i % 5 == 0) {
          BR_TRY(freeze, locks_.freeze(context_, {path("/d/"), path("/e/")}));
          pause();
        } else {
          BR_TRY(guards, locks_.lock_both(context_, path("/d/x"), path("/e/y")));
          pause();
        }
        ++done;
        return {};
      });
    }
    must(scope.join());
    EXPECT_EQ(done, 30);
  });
}

TEST_F(PathLocking, a_freeze_that_gives_up_thaws) {
  run([&] {
    auto holder = must(locks_.lock(context_, path("/d/x")));
    const auto soon = context_.with_deadline(io::now() + std::chrono::milliseconds{5});
    EXPECT_EQ(locks_.freeze(soon, {path("/d/")}).error().code(), Code::kCancelled);
    EXPECT_TRUE(locks_.lock(context_, path("/d/y")));
  });
}

}  // namespace
}  // namespace beringia::core
