#include "backend/guarded_backend.h"

#include <gtest/gtest.h>

#include "backend/faulty_backend.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::backend {
namespace {

constexpr auto kSecond = std::chrono::seconds{1};
constexpr auto kMillisecond = std::chrono::milliseconds{1};

Error refused() { return unavailable("cannot connect", "connection refused"); }

/// A guarded backend in virtual time over one that fails, is slow or is silent as told.
class GuardedBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    auto inner = std::make_unique<FaultyBackend>();
    faulty_ = inner.get();
    backend_ = std::make_unique<GuardedBackend>(
        "far", std::make_unique<Slow>(*this, std::move(inner)), OutageLimits{});
  }

  /// Takes the time it is told to, and gives up when the caller's is over.
  class Slow final : public Backend {
   public:
    Slow(GuardedBackendTest& test, std::unique_ptr<Backend> inner)
        : test_{test}, inner_{std::move(inner)} {}
    const Capabilities& capabilities() const override { return inner_->capabilities(); }
    Result<CopyInfo> stat(const io::Context& context, const StatRequest& request) override {
      BR_TRY(io::sleep_for(context, test_.answers_after_));
      return inner_->stat(context, request);
    }
    [[nodiscard]] Result<std::unique_ptr<io::ByteSource>> read(
        const io::Context& context, const ReadRequest& request) override {
      BR_TRY(io::sleep_for(context, test_.answers_after_));
      return inner_->read(context, request);
    }
    Result<CopyInfo> write(const io::Context& context, const WriteRequest& request) override {
      return inner_->write(context, request);
    }
    Result<CopyPage> list(const io::Context& context, const ListRequest& request) override {
      BR_TRY(io::sleep_for(context, test_.answers_after_));
      return inner_->list(context, request);
    }
    Result<void> remove(const io::Context& context, const RemoveRequest& request) override {
      BR_TRY(io::sleep_for(context, test_.answers_after_));
      return inner_->remove(context, request);
    }
    Result<CopyInfo> compose(const io::Context& context, const ComposeRequest& request) override {
      return inner_->compose(context, request);
    }
    Result<CopyInfo> rename(const io::Context& context, const RenameRequest& request) override {
      return inner_->rename(context, request);
    }
    Result<CopyInfo> update(const io::Context& context, const UpdateRequest& request) override {
      return inner_->update(context, request);
    }
    Result<void> make_directory(const io::Context& context, const std::string& name) override {
      return inner_->make_directory(context, name);
    }
    Result<void> remove_directory(const io::Context& context, const std::string& name) override {
      return inner_->remove_directory(context, name);
    }
    Result<uint64_t> sweep(const io::Context& context, Duration age) override {
      return inner_->sweep(context, age);
    }
    Result<StoreReport> probe(const io::Context& context) override {
      return inner_->probe(context);
    }

   private:
    GuardedBackendTest& test_;
    std::unique_ptr<Backend> inner_;
  };

  Result<CopyInfo> stat() { return backend_->stat(context_, {"k"}); }
  /// Time that `body` takes on a fiber.
  Duration time(const std::function<void()>& body) {
    const auto begun = io::now();
    body();
    return io::now() - begun;
  }
  /// The timers of the runtime are as exact as that.
  static bool lasted(Duration took, Duration limit) {
    return took >= limit && took <= limit + kMillisecond;
  }
  void pass(Duration time) { EXPECT_TRUE(io::sleep_for({}, time)); }

  std::unique_ptr<io::Runtime> runtime_ = io::Runtime::make_simulated(7);
  const io::Context context_;
  Duration answers_after_{0};
  FaultyBackend* faulty_ = nullptr;
  std::unique_ptr<Backend> backend_;
};

TEST_F(GuardedBackendTest, a_question_that_is_not_answered_fails_within_its_time) {
  runtime_->run([&] {
    answers_after_ = 3600 * kSecond;
    const auto took = time([&] {
      const auto answer = stat();
      ASSERT_FALSE(answer);
      EXPECT_EQ(answer.error().code(), Code::kUnavailable);
      EXPECT_EQ(answer.error().retry(), Retry::kSafe);
      EXPECT_NE(answer.error().tag(), kAway) << "this one was asked";
    });
    EXPECT_TRUE(lasted(took, OutageLimits{}.max_question));
  });
}

TEST_F(GuardedBackendTest, a_page_that_is_worth_waiting_for_is_waited_for) {
  runtime_->run([&] {
    answers_after_ = 10 * kSecond;
    EXPECT_FALSE(backend_->list(context_, {}));
    ListRequest request;
    request.worth_waiting = true;
    pass(OutageLimits{}.first_pause);
    const auto probed = time([&] { EXPECT_FALSE(backend_->list(context_, request)); });
    EXPECT_TRUE(lasted(probed, OutageLimits{}.max_probe)) << "not during an outage";
    answers_after_ = {};
    pass(3600 * kSecond);
    EXPECT_TRUE(backend_->list(context_, request));
    answers_after_ = 10 * kSecond;
    EXPECT_TRUE(backend_->list(context_, request));
    answers_after_ = 3600 * kSecond;
    const auto took = time([&] { EXPECT_FALSE(backend_->list(context_, request)); });
    EXPECT_TRUE(lasted(took, OutageLimits{}.max_listing));
  });
}

TEST_F(GuardedBackendTest, during_an_outage_questions_are_refused_at_once) {
  runtime_->run([&] {
    faulty_->fail("stat", refused());
    EXPECT_FALSE(stat());
    const int asked = faulty_->calls;
    const auto took = time([&] {
      for (int i = 0; i < 100; ++i) EXPECT_EQ(stat().error().tag(), kAway);
      EXPECT_EQ(backend_->list(context_, {}).error().tag(), kAway);
      EXPECT_EQ(backend_->read(context_, {"k", {0, 1}, {}}).error().code(), Code::kUnavailable);
    });
    EXPECT_EQ(took, Duration{0});
    EXPECT_EQ(faulty_->calls, asked);
  });
}

TEST_F(GuardedBackendTest, one_question_after_the_pause_tries_whether_it_is_back) {
  runtime_->run([&] {
    faulty_->fail("stat", refused());
    EXPECT_FALSE(stat());
    pass(OutageLimits{}.first_pause);
    answers_after_ = 500 * kMillisecond;
    io::Scope scope{context_};
    int refused_meanwhile = 0;
    scope.spawn([&]() -> Result<void> {
      EXPECT_EQ(stat().error().code(), Code::kNotFound) << "the probe: an answer";
      return {};
    });
    scope.spawn([&]() -> Result<void> {
      pass(100 * kMillisecond);
      const auto other = stat();
      refused_meanwhile += other.error().tag() == kAway ? 1 : 0;
      return {};
    });
    EXPECT_TRUE(scope.join());
    EXPECT_EQ(refused_meanwhile, 1);
    answers_after_ = {};
    EXPECT_EQ(stat().error().code(), Code::kNotFound) << "the outage is over";
  });
}

TEST_F(GuardedBackendTest, the_pauses_grow_to_a_bound_while_probes_fail) {
  runtime_->run([&] {
    const OutageLimits limits;
    answers_after_ = 3600 * kSecond;
    EXPECT_FALSE(stat());
    for (Duration pause = limits.first_pause; pause < 4 * limits.max_pause; pause *= 2) {
      pass(std::min(pause, limits.max_pause) - kMillisecond);
      EXPECT_EQ(stat().error().tag(), kAway);
      pass(kMillisecond);
      EXPECT_TRUE(lasted(time([&] { EXPECT_NE(stat().error().tag(), kAway); }), limits.max_probe));
    }
  });
}

TEST_F(GuardedBackendTest, a_probe_whose_caller_is_gone_leaves_its_place_to_the_next) {
  runtime_->run([&] {
    faulty_->fail("stat", refused());
    EXPECT_FALSE(stat());
    pass(OutageLimits{}.first_pause);
    auto token = std::make_shared<io::CancelToken>();
    token->cancel();
    EXPECT_EQ(backend_->stat(context_.with_cancel(token), {"k"}).error().code(), Code::kCancelled);
    EXPECT_EQ(stat().error().code(), Code::kNotFound);
  });
}

TEST_F(GuardedBackendTest, answers_that_are_errors_are_answers) {
  runtime_->run([&] {
    for (const Error& error :
         {not_found("no"), denied("no"), conflict("no"), busy("slow down"),
          Error{Code::kUnavailable, Retry::kNever, "there is no such bucket"}}) {
      faulty_->fail("stat", error);
      EXPECT_EQ(stat().error().code(), error.code());
      EXPECT_NE(stat().error().tag(), kAway);
    }
  });
}

TEST_F(GuardedBackendTest, a_slow_question_is_no_outage_while_others_are_answered) {
  runtime_->run([&] {
    answers_after_ = 3600 * kSecond;
    io::Scope scope{context_};
    scope.spawn([&]() -> Result<void> {
      EXPECT_FALSE(stat());
      return {};
    });
    scope.spawn([&]() -> Result<void> {
      pass(kSecond);
      EXPECT_TRUE(backend_->probe(context_));
      return {};
    });
    EXPECT_TRUE(scope.join());
    answers_after_ = {};
    EXPECT_EQ(stat().error().code(), Code::kNotFound);
  });
}

TEST_F(GuardedBackendTest, a_change_is_always_tried_and_tells_that_the_backend_is_back) {
  runtime_->run([&] {
    faulty_->fail("stat", refused());
    EXPECT_FALSE(stat());
    EXPECT_EQ(backend_->remove(context_, {"k", {}}).error().code(), Code::kNotFound);
    EXPECT_EQ(stat().error().code(), Code::kNotFound) << "asked again";
  });
}

TEST_F(GuardedBackendTest, a_change_that_is_cut_off_may_have_happened) {
  runtime_->run([&] {
    answers_after_ = 3600 * kSecond;
    const auto took = time([&] {
      const auto removed = backend_->remove(context_, {"k", {}});
      ASSERT_FALSE(removed);
      EXPECT_EQ(removed.error().code(), Code::kUnavailable);
      EXPECT_EQ(removed.error().retry(), Retry::kMaybeApplied);
    });
    EXPECT_TRUE(lasted(took, OutageLimits{}.max_change));
  });
}

}  // namespace
}  // namespace beringia::backend
