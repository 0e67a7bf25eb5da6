#include "backend/gcs/pace.h"

#include <gtest/gtest.h>

#include "io/runtime.h"

namespace beringia::backend::gcs {
namespace {

/// Sends `count` requests one after the other. @return how many were let through
size_t send(Pace& pace, size_t count, bool is_write = true, int status = 200) {
  size_t sent = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!pace.enter(io::Context{}, is_write, is_write ? CallClass::kA : CallClass::kB)) break;
    pace.leave(is_write, status);
    ++sent;
  }
  return sent;
}

TEST(Pace, asks_less_at_once_while_the_service_is_busy_and_more_again_after) {
  PaceLimits limits;
  limits.max_in_flight = 16;
  Pace pace{"p", limits};
  EXPECT_EQ(pace.in_flight_limit(), 16u);
  send(pace, 20, true, 429);
  EXPECT_EQ(pace.in_flight_limit(), 8u) << "one burst of refusals is one sign";
  send(pace, 200, true, 200);
  EXPECT_EQ(pace.in_flight_limit(), 16u);
}

TEST(Pace, waits_while_as_many_are_under_way_as_may) {
  PaceLimits limits;
  limits.max_in_flight = 1;
  Pace pace{"p", limits};
  ASSERT_TRUE(pace.enter(io::Context{}, true, CallClass::kA));
  auto second = pace.enter(io::Context{}.with_deadline(io::now() + std::chrono::milliseconds{30}),
                           true, CallClass::kA);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::kCancelled);
  ASSERT_TRUE(pace.enter(io::Context{}, false, CallClass::kB))
      << "a read does not wait for a write";
  pace.leave(false, 200);
  pace.leave(true, 200);
  EXPECT_TRUE(pace.enter(io::Context{}, true, CallClass::kA));
  pace.leave(true, 200);
}

TEST(Pace, keeps_to_the_rate_and_doubles_it_only_after_a_time_in_which_it_was_used) {
  PaceLimits limits;
  limits.writes_per_s = 200;
  limits.doubling = std::chrono::milliseconds{400};
  Pace pace{"p", limits};
  const auto begun = io::now();
  send(pace, 70);
  const auto took = io::now() - begun;
  EXPECT_GE(took, std::chrono::milliseconds{240}) << "70 at 200/s, less a burst of 0.1 s";
  EXPECT_EQ(pace.rate_limit(true), 200);
  send(pace, 40);
  EXPECT_EQ(pace.rate_limit(true), 400);
  EXPECT_EQ(pace.rate_limit(false), 5000) << "reads have their own";
}

TEST(Pace, a_budget_of_calls_refuses_what_is_above_but_not_what_is_free) {
  PaceLimits limits;
  limits.max_calls_per_hour = 5;
  Pace pace{"cloud", limits};
  EXPECT_EQ(send(pace, 9), 5u);
  auto refused = pace.enter(io::Context{}, false, CallClass::kB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kBusy);
  EXPECT_EQ(refused.error().tag(), "call_budget");
  EXPECT_NE(refused.error().to_string().find("max_calls_per_hour"), std::string::npos);
  EXPECT_TRUE(pace.enter(io::Context{}, true, CallClass::kFree)) << "deletes go on";
  pace.leave(true, 204);
}

TEST(Pace, notes_each_request_in_the_ledger_for_whom_it_was_sent) {
  PaceLimits limits;
  limits.ledger = std::make_shared<CallLedger>("cloud");
  Pace pace{"cloud", limits};
  send(pace, 3);
  const auto job = io::Context{}.with_work(std::make_shared<io::Work>("run"));
  ASSERT_TRUE(pace.enter(job, false, CallClass::kB));
  pace.leave(false, 200);
  ASSERT_TRUE(pace.enter(job, true, CallClass::kFree));
  pace.leave(true, 204);
  const auto usage = limits.ledger->usage();
  EXPECT_EQ(usage.by_work.at("users").class_a, 3u);
  EXPECT_EQ(usage.by_work.at("run").class_b, 1u);
  EXPECT_EQ(usage.by_work.at("run").free, 1u);
  EXPECT_EQ(usage.total.class_a, 3u);
}

}  // namespace
}  // namespace beringia::backend::gcs
