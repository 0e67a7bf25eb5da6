#include "backend/call_ledger.h"

#include <gtest/gtest.h>

#include "io/runtime.h"

namespace beringia::backend {
namespace {

using std::chrono::seconds;

/// In virtual time.
class CallLedgerTest : public ::testing::Test {
 protected:
  void run(const std::function<void()>& body) { io::Runtime::make_simulated(1)->run(body); }
  void note(const io::Context& context, size_t count, CallClass cost = CallClass::kB) {
    for (size_t i = 0; i < count; ++i) ledger.note(context, cost);
  }
  Duration admitted_after() {
    const auto begun = io::now();
    for (;;) {
      auto admitted = ledger.admit(job);
      if (admitted) return io::now() - begun;
      EXPECT_EQ(admitted.error().tag(), kCallBudget) << admitted.error().to_string();
      EXPECT_EQ(admitted.error().retry(), Retry::kSafe);
      if (io::now() - begun > std::chrono::hours{48}) return io::now() - begun;
    }
  }

  CallLedger ledger{"cloud"};
  const io::Context user;
  const std::shared_ptr<io::Work> work = std::make_shared<io::Work>("run");
  const io::Context job = io::Context{}.with_work(work);
};

TEST_F(CallLedgerTest, counts_for_whom_for_which_mount_and_at_which_price) {
  run([&] {
    ledger.set({}, {5000, 400});
    ledger.set_mounts({{"lake/", "/"}, {"lake/sales/", "/sales/"}});
    const auto sales = user.with_account(ledger.account_of("lake/sales/x"));
    const auto other = job.with_account(ledger.account_of("lake/salesman"));
    note(sales, 3, CallClass::kA);
    note(other, 2, CallClass::kB);
    note(other, 4, CallClass::kFree);
    note(user.with_account(ledger.account_of("elsewhere")), 1, CallClass::kB);
    const auto usage = ledger.usage();
    EXPECT_EQ(usage.total.class_a, 3u);
    EXPECT_EQ(usage.total.class_b, 3u);
    EXPECT_EQ(usage.total.free, 4u);
    EXPECT_EQ(usage.total.nano_usd, 3u * 5000 + 3u * 400);
    EXPECT_EQ(usage.today, 6u) << "deletes are not billed";
    EXPECT_EQ(usage.by_mount.at("/sales/").class_a, 3u);
    EXPECT_EQ(usage.by_mount.at("/").class_b, 2u);
    EXPECT_EQ(usage.by_mount.at("").class_b, 1u);
    EXPECT_EQ(usage.by_work.at("users").class_a, 3u);
    EXPECT_EQ(usage.by_work.at("run").free, 4u);
    EXPECT_EQ(work->calls.class_b, 2u);
    EXPECT_EQ(work->calls.nano_usd, 800u);
  });
}

TEST_F(CallLedgerTest, background_work_waits_until_what_was_sent_is_paid_for) {
  run([&] {
    EXPECT_EQ(admitted_after(), Duration::zero()) << "no budget";
    ledger.set({10, 0}, {});
    EXPECT_EQ(admitted_after(), Duration::zero());
    note(job, 30);
    const auto waited = admitted_after();
    EXPECT_GE(waited, std::chrono::milliseconds{2800}) << "30 at 10/s, less a burst of 0.1 s";
    EXPECT_LE(waited, std::chrono::milliseconds{3100});
    note(job, 100, CallClass::kFree);
    EXPECT_LE(admitted_after(), std::chrono::milliseconds{200}) << "deletes cost nothing";
  });
}

TEST_F(CallLedgerTest, steps_that_begin_together_are_spread_over_the_rate) {
  run([&] {
    ledger.set({10, 0}, {});
    const auto begun = io::now();
    io::Scope scope{io::Context{}};
    for (int i = 0; i < 21; ++i) {
      scope.spawn([&]() -> Result<void> {
        BR_TRY(ledger.admit(job));
        ledger.note(job, CallClass::kA);
        return {};
      });
    }
    ASSERT_TRUE(scope.join());
    EXPECT_GE(io::now() - begun, std::chrono::milliseconds{1800});
    EXPECT_LE(io::now() - begun, std::chrono::milliseconds{2300});
  });
}

TEST_F(CallLedgerTest, what_users_send_counts_but_holds_background_work_up_for_a_bounded_time) {
  run([&] {
    ledger.set({10, 0}, {});
    note(user, 50);
    const auto waited = admitted_after();
    EXPECT_GE(waited, std::chrono::milliseconds{4800});
    EXPECT_LE(waited, std::chrono::milliseconds{5200});
    note(user, 100'000);
    EXPECT_LE(admitted_after(), seconds{11});
    note(job, 200);
    note(user, 1);
    EXPECT_GE(admitted_after(), seconds{19}) << "its own debt stands";
  });
}

TEST_F(CallLedgerTest, the_budget_of_a_day_is_there_again_at_midnight) {
  run([&] {
    ledger.set({0, 5}, {});
    note(user, 4);
    EXPECT_EQ(admitted_after(), Duration::zero());
    note(job, 1);
    auto refused = ledger.admit(job);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kBusy);
    EXPECT_NE(refused.error().to_string().find("call_budget"), std::string::npos);
    constexpr int64_t kDay = 86'400'000'000;
    const auto now = io::current_clock().wall().micros;
    const auto left = std::chrono::microseconds{(now / kDay + 1) * kDay - now};
    EXPECT_GE(admitted_after(), left);
    EXPECT_EQ(ledger.usage().today, 0u);
  });
}

TEST_F(CallLedgerTest, a_caller_that_gives_up_is_told_so) {
  run([&] {
    ledger.set({1, 0}, {});
    note(job, 100);
    auto refused = ledger.admit(job.with_deadline(io::now() + seconds{1}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kCancelled);
  });
}

}  // namespace
}  // namespace beringia::backend
