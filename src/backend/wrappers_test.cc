#include <gmock/gmock.h>

#include "backend/backend_behaviour.h"
#include "backend/factory.h"
#include "backend/faulty_backend.h"
#include "backend/limiting_backend.h"
#include "backend/metered_backend.h"
#include "backend/retrying_backend.h"
#include "backend/test_directory.h"
#include "backend/verifying_backend.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::backend {
namespace {

using testing::HasSubstr;

Error broken() { return unavailable("the store is away"); }
Error maybe() { return {Code::kUnavailable, Retry::kMaybeApplied, "the answer was lost"}; }

/// A wrapper under test over a backend that fails as told, in virtual time.
class WrapperTest : public testing::Test {
 protected:
  void make_retrying(RetryLimits limits = {}) {
    auto inner = std::make_unique<FaultyBackend>();
    faulty_ = inner.get();
    backend_ = std::make_unique<RetryingBackend>("retrying", std::move(inner), limits, rng_);
  }
  void make_verifying() {
    auto inner = std::make_unique<FaultyBackend>();
    faulty_ = inner.get();
    backend_ = std::make_unique<VerifyingBackend>("verifying", std::move(inner));
  }
  void make_limiting(ConcurrencyLimits limits) {
    auto inner = std::make_unique<FaultyBackend>();
    faulty_ = inner.get();
    backend_ = std::make_unique<LimitingBackend>("limiting", std::move(inner), limits);
  }
  void make_metered(const std::string& name) {
    auto inner = std::make_unique<FaultyBackend>();
    faulty_ = inner.get();
    backend_ = std::make_unique<MeteredBackend>(name, std::move(inner));
  }
  /// Runs on a fiber of the simulated runtime; says how long it took there.
  Duration run(std::function<void()> body) {
    Duration took{};
    runtime_->run([&] {
      const auto start = io::now();
      body();
      took = io::now() - start;
    });
    return took;
  }
  Result<CopyInfo> put(const std::string& name, const std::string& bytes) {
    io::StringSource body{bytes};
    WriteRequest request;
    request.name = name;
    request.body = &body;
    request.seal = [&]() -> Result<Seal> {
      return Seal{bytes.size(), Crc32c::of(bytes), md5(bytes), {}, {}, {}};
    };
    return backend_->write(context_, request);
  }
  Result<std::string> get(ReadRequest request) {
    BR_TRY(source, backend_->read(context_, request));
    return io::read_all(context_, *source, 1 << 20);
  }

  std::unique_ptr<io::Runtime> runtime_ = io::Runtime::make_simulated(7);
  Result<void> probe() {
    BR_TRY(backend_->probe(context_));
    return {};
  }
  SeededRng rng_{7};
  const io::Context context_;
  FaultyBackend* faulty_ = nullptr;
  std::unique_ptr<Backend> backend_;
};

using RetryingBackendTest = WrapperTest;
using VerifyingBackendTest = WrapperTest;
using LimitingBackendTest = WrapperTest;
using MeteredBackendTest = WrapperTest;

TEST_F(RetryingBackendTest, repeats_what_is_safe_until_it_works) {
  make_retrying();
  run([&] {
    ASSERT_TRUE(put("a", "x"));
    for (const char* operation : {"stat", "read", "list", "probe", "sweep"}) {
      faulty_->fail(operation, broken(), 3);
    }
    faulty_->calls = 0;
    EXPECT_TRUE(backend_->stat(context_, {"a"}));
    EXPECT_EQ(faulty_->calls, 4);
    EXPECT_EQ(get({"a", {0, 1}, {}}).value(), "x");
    EXPECT_TRUE(backend_->list(context_, {}));
    EXPECT_TRUE(backend_->probe(context_));
    EXPECT_TRUE(backend_->sweep(context_, std::chrono::hours{1}));
    faulty_->fail("remove", broken());
    EXPECT_TRUE(backend_->remove(context_, {"a", {}}));
  });
}

TEST_F(RetryingBackendTest, gives_up_after_its_attempts_and_waits_within_its_bounds) {
  make_retrying({.max_attempts = 3,
                 .initial_delay = std::chrono::milliseconds{100},
                 .max_delay = std::chrono::milliseconds{150}});
  faulty_->fail("stat", broken(), 10);
  const auto took = run([&] {
    auto result = backend_->stat(context_, {"a"});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Code::kUnavailable);
  });
  EXPECT_EQ(faulty_->calls, 3);
  EXPECT_LE(took, std::chrono::milliseconds{100 + 150 + 10});
}

TEST_F(RetryingBackendTest, the_waits_are_spread_over_the_whole_bound) {
  make_retrying({.max_attempts = 2});
  Duration shortest = std::chrono::hours{1};
  Duration longest{};
  for (int i = 0; i < 40; ++i) {
    faulty_->fail("probe", broken());
    const auto took = run([&] { EXPECT_TRUE(backend_->probe(context_)); });
    shortest = std::min(shortest, took);
    longest = std::max(longest, took);
  }
  EXPECT_LT(shortest, std::chrono::milliseconds{20});
  EXPECT_GT(longest, std::chrono::milliseconds{80});
}

TEST_F(RetryingBackendTest, repeats_nothing_that_may_have_happened_or_cannot_help) {
  make_retrying();
  run([&] {
    for (const auto& error : {maybe(), conflict("changed"), denied("no"), corrupt("bad")}) {
      faulty_->fail("remove", error, 5);
      faulty_->calls = 0;
      EXPECT_EQ(backend_->remove(context_, {"a", {}}).error().code(), error.code());
      EXPECT_EQ(faulty_->calls, 1);
      make_retrying();
    }
  });
}

TEST_F(RetryingBackendTest, does_not_wait_beyond_the_deadline) {
  make_retrying({.max_attempts = 100, .initial_delay = std::chrono::seconds{1}});
  faulty_->fail("stat", broken(), 200);
  const auto took = run([&] {
    const auto hurried = context_.with_deadline(io::now() + std::chrono::seconds{3});
    auto result = backend_->stat(hurried, {"a"});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), Code::kUnavailable);  // the cause, not "too late"
  });
  EXPECT_LT(took, std::chrono::seconds{3});
}

TEST_F(RetryingBackendTest, a_write_is_repeated_only_while_its_body_is_whole) {
  make_retrying();
  run([&] {
    faulty_->fail("write", broken(), 2);
    EXPECT_TRUE(put("a", "bytes"));
    EXPECT_EQ(faulty_->calls, 3);
    faulty_->takes_body_before_failing = true;
    faulty_->fail("write", broken());
    faulty_->calls = 0;
    EXPECT_FALSE(put("b", "bytes"));
    EXPECT_EQ(faulty_->calls, 1);
    EXPECT_EQ(get({"a", {0, 5}, {}}).value(), "bytes");
  });
}

TEST_F(RetryingBackendTest, a_broken_read_goes_on_where_it_stopped) {
  make_retrying();
  run([&] {
    auto written = put("a", "0123456789");
    ASSERT_TRUE(written);
    faulty_->break_reads({3, 4, 0, 0}, broken());
    EXPECT_EQ(get({"a", {1, 8}, written->version}).value(), "12345678");
    // Not pinned: another version might answer, so the break is the caller's.
    faulty_->break_reads({3}, broken());
    EXPECT_FALSE(get({"a", {1, 8}, {}}));
    // Not safe: neither.
    faulty_->break_reads({3}, corrupt("bad"));
    EXPECT_EQ(get({"a", {1, 8}, written->version}).error().code(), Code::kCorrupt);
  });
}

TEST_F(RetryingBackendTest, a_broken_read_never_goes_on_in_another_version) {
  make_retrying();
  run([&] {
    auto written = put("a", "0123456789");
    ASSERT_TRUE(written);
    faulty_->break_reads({3}, broken());
    auto source = backend_->read(context_, {"a", {0, 10}, written->version});
    ASSERT_TRUE(source);
    char buffer[16];
    EXPECT_EQ((*source)->read(context_, buffer).value(), 3U);
    faulty_->memory().put_foreign("a", "another one");
    EXPECT_EQ((*source)->read(context_, buffer).error().code(), Code::kConflict);
    EXPECT_EQ((*source)->read(context_, buffer).error().code(), Code::kConflict);
  });
}

TEST_F(VerifyingBackendTest, finds_damage_on_reads_whose_sum_is_known) {
  make_verifying();
  run([&] {
    ASSERT_TRUE(put("a", "0123456789"));
    const uint32_t sum = Crc32c::of("0123456789");
    EXPECT_EQ(get({"a", {0, 10}, {}, sum}).value(), "0123456789");
    EXPECT_EQ(get({"a", {2, 3}, {}, Crc32c::of("234")}).value(), "234");
    faulty_->damages_reads = true;
    auto damaged = get({"a", {0, 10}, {}, sum});
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().code(), Code::kCorrupt);
    EXPECT_THAT(damaged.error().to_string(), HasSubstr("verifying"));
    EXPECT_TRUE(get({"a", {0, 10}, {}}));  // no sum is known: passed through
  });
}

TEST_F(VerifyingBackendTest, who_reads_exactly_the_asked_bytes_learns_of_damage_too) {
  make_verifying();
  run([&] {
    ASSERT_TRUE(put("a", "0123456789"));
    faulty_->damages_reads = true;
    auto source = backend_->read(context_, {"a", {0, 10}, {}, Crc32c::of("0123456789")});
    ASSERT_TRUE(source);
    char buffer[10];
    EXPECT_EQ((*source)->read(context_, buffer).error().code(), Code::kCorrupt);
  });
}

TEST_F(VerifyingBackendTest, believes_no_answer_about_other_bytes) {
  make_verifying();
  run([&] {
    EXPECT_TRUE(put("a", "bytes"));
    faulty_->lie = [](CopyInfo& info) { info.crc32c = *info.crc32c ^ 1; };
    auto summed = put("a", "bytes");
    ASSERT_FALSE(summed);
    EXPECT_EQ(summed.error().code(), Code::kCorrupt);
    EXPECT_EQ(summed.error().retry(), Retry::kMaybeApplied);
    faulty_->lie = [](CopyInfo& info) { ++info.size; };
    EXPECT_EQ(put("a", "bytes").error().code(), Code::kCorrupt);
    faulty_->lie = [](CopyInfo& info) { info.crc32c.reset(); };
    EXPECT_TRUE(put("a", "bytes"));
    // Without a seal the wrapper sums by itself.
    faulty_->lie = [](CopyInfo& info) { info.crc32c = 1; };
    io::StringSource body{"bytes"};
    WriteRequest request;
    request.name = "b";
    request.body = &body;
    EXPECT_EQ(backend_->write(context_, request).error().code(), Code::kCorrupt);
  });
}

TEST_F(LimitingBackendTest, lets_only_so_many_in_at_once) {
  make_limiting({.max_reads = 3, .max_writes = 2});
  int inside = 0;
  int most = 0;
  faulty_->during = [&] {
    most = std::max(most, ++inside);
    EXPECT_TRUE(io::sleep_for(context_, std::chrono::milliseconds{5}));
    --inside;
  };
  run([&] {
    io::Scope scope{context_};
    for (int i = 0; i < 20; ++i) scope.spawn([&] { return probe(); });
    EXPECT_TRUE(scope.join());
  });
  EXPECT_EQ(most, 3);
}

TEST_F(LimitingBackendTest, refuses_those_who_would_wait_too_long_or_behind_too_many) {
  make_limiting({.max_reads = 1,
                 .max_writes = 1,
                 .max_waiting = 2,
                 .max_wait = std::chrono::milliseconds{50}});
  faulty_->during = [&] { EXPECT_TRUE(io::sleep_for(context_, std::chrono::seconds{1})); };
  int busy_ones = 0;
  const auto took = run([&] {
    io::Scope scope{context_};
    for (int i = 0; i < 5; ++i) {
      scope.spawn([&]() -> Result<void> {
        auto probed = backend_->probe(context_);
        if (probed) return {};
        EXPECT_EQ(probed.error().code(), Code::kBusy);
        EXPECT_EQ(probed.error().retry(), Retry::kSafe);
        ++busy_ones;
        return {};
      });
    }
    EXPECT_TRUE(scope.join());
    EXPECT_TRUE(backend_->probe(context_));  // the places came back
  });
  EXPECT_EQ(busy_ones, 4);
  EXPECT_LT(took, std::chrono::seconds{3});
}

TEST_F(LimitingBackendTest, a_caller_who_gives_up_is_told_that) {
  make_limiting({.max_reads = 1, .max_writes = 1});
  io::Event taken;
  faulty_->during = [&] {
    taken.set();
    EXPECT_TRUE(io::sleep_for(context_, std::chrono::seconds{1}));
  };
  run([&] {
    io::Scope scope{context_};
    scope.spawn([&] { return probe(); });
    scope.spawn([&]() -> Result<void> {
      BR_TRY(taken.wait(context_));
      const auto hurried = context_.with_deadline(io::now() + std::chrono::milliseconds{10});
      auto second = backend_->stat(hurried, {"a"});
      EXPECT_TRUE(!second && second.error().code() == Code::kCancelled);
      return {};
    });
    EXPECT_TRUE(scope.join());
  });
}

TEST_F(LimitingBackendTest, a_write_whose_body_is_a_read_of_the_same_backend_finds_a_place) {
  make_limiting({.max_reads = 1, .max_writes = 1});
  run([&] {
    ASSERT_TRUE(put("a", "bytes"));
    io::Scope scope{context_};
    for (int i = 0; i < 4; ++i) {
      scope.spawn([&, i]() -> Result<void> {
        BR_TRY(source, backend_->read(context_, {"a", {0, 5}, {}}));
        WriteRequest request;
        request.name = "copy" + std::to_string(i);
        request.body = source.get();
        BR_TRY(backend_->write(context_, request));
        return {};
      });
    }
    EXPECT_TRUE(scope.join());
  });
}

TEST_F(MeteredBackendTest, counts_time_bytes_and_errors_by_operation) {
  make_metered("metered-one");
  faulty_->during = [&] { EXPECT_TRUE(io::sleep_for(context_, std::chrono::milliseconds{30})); };
  run([&] {
    ASSERT_TRUE(put("a", "0123456789"));
    EXPECT_EQ(get({"a", {0, 4}, {}}).value(), "0123");
    EXPECT_FALSE(backend_->stat(context_, {"none"}));
    faulty_->break_reads({3}, broken());
    EXPECT_FALSE(get({"a", {0, 10}, {}}));
  });
  const std::string text = observe::render_metrics();
  for (const char* line : {
           "beringia_backend_seconds_bucket{backend=\"metered-one\",op=\"write\",le=\"0.025\"} 0",
           "beringia_backend_seconds_bucket{backend=\"metered-one\",op=\"write\",le=\"0.05\"} 1",
           "beringia_backend_seconds_count{backend=\"metered-one\",op=\"read\"} 2",
           "beringia_backend_read_bytes_total{backend=\"metered-one\"} 7",
           "beringia_backend_written_bytes_total{backend=\"metered-one\"} 10",
           "beringia_backend_errors_total{backend=\"metered-one\",op=\"stat\",code=\"not_found\"} "
           "1",
           "beringia_backend_errors_total{backend=\"metered-one\",op=\"read\",code=\"unavailable\"}"
           " 1",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

/// What backend::make() gives: all wrappers over each store.
class WrappedFixture final : public BackendFixture {
 public:
  explicit WrappedFixture(const std::string& scheme) {
    const std::string url = scheme == "file" ? "file://" + directory_.path() : "memory:";
    auto made = make({"wrapped-" + scheme, url, {}, {}, 4}, {*disk_, rng_});
    EXPECT_TRUE(made) << made.error().to_string();
    backend_ = std::move(*made);
  }
  Backend& backend() override { return *backend_; }

 private:
  TestDirectory directory_;
  std::unique_ptr<io::Disk> disk_ = io::make_posix_disk();
  SystemRng rng_;
  std::unique_ptr<Backend> backend_;
};

INSTANTIATE_TEST_SUITE_P(
    Wrapped, BackendBehaviour,
    testing::Values(
        BehaviourParameter{"file", [] { return std::make_unique<WrappedFixture>("file"); }},
        BehaviourParameter{"memory", [] { return std::make_unique<WrappedFixture>("memory"); }}),
    behaviour_name);

TEST(WrappedFile, is_read_as_a_region_without_a_copy) {
  WrappedFixture fixture{"file"};
  const io::Context context;
  io::StringSource body{std::string(100'000, 'x')};
  WriteRequest request;
  request.name = "a";
  request.body = &body;
  ASSERT_TRUE(fixture.backend().write(context, request));
  const uint32_t sum = Crc32c::of(std::string(100'000, 'x'));
  for (const auto& known : {std::optional<uint32_t>{}, std::optional<uint32_t>{sum}}) {
    auto source = fixture.backend().read(context, {"a", {10, 1000}, {}, known});
    ASSERT_TRUE(source);
    auto region = (*source)->as_file();
    ASSERT_TRUE(region);
    EXPECT_EQ(region->range, (io::ByteRange{10, 1000}));
  }
}

}  // namespace
}  // namespace beringia::backend
