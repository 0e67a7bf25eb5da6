// Cases in which a certain fault is put between the backend and an emulator that somebody else
// wrote: BERINGIA_GCS_FAULT names it (tests/gcs_backend/test_gcs_backend.py arranges for it).

#include <gtest/gtest.h>

#include <cstdlib>

#include "backend/gcs/make_gcs.h"
#include "base/checksum.h"
#include "io/byte_source.h"
#include "io/runtime.h"

namespace beringia::backend::gcs {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string{value};
}

constexpr size_t kChunk = 256 << 10;

class GcsBrokenTest : public ::testing::Test {
 protected:
  /// Skips unless `fault` is arranged.
  void expect_fault(const std::string& fault) {
    if (environment("BERINGIA_GCS_FAULT") != fault) GTEST_SKIP() << fault << " is not arranged";
    make_backend();
  }
  void make_backend() {
    auto bucket = environment("BERINGIA_GCS_BUCKET");
    auto prefix = environment("BERINGIA_GCS_PREFIX");
    GcsSpec spec;
    spec.url = "gs://" + (bucket.empty() ? "beringia-test" : bucket) + "/" +
               (prefix.empty() ? random_hex(rng, 6) : prefix);
    spec.endpoint = environment("BERINGIA_GCS_EMULATOR");
    spec.credentials = "none";
    spec.retry.initial_delay = std::chrono::milliseconds{2};
    spec.retry.max_attempts = 4;
    spec.upload.chunk_bytes = kChunk;
    auto made = make(spec, rng);
    ASSERT_TRUE(made) << made.error().to_string();
    backend = std::move(*made);
  }
  Result<CopyInfo> write(const std::string& name, std::string body, Expectation expectation) {
    WriteRequest request;
    request.size = body.size();
    io::StringSource source{std::move(body)};
    request.name = name;
    request.body = &source;
    request.expectation = std::move(expectation);
    return backend->write(context, request);
  }
  std::string read(const std::string& name) {
    auto info = backend->stat(context, {name});
    if (!info) return info.error().to_string();
    auto source = backend->read(context, {name, {0, info->size}, info->version});
    if (!source) return source.error().to_string();
    auto bytes = io::read_all(context, **source, 64 << 20);
    return bytes ? *bytes : bytes.error().to_string();
  }

  io::Context context;
  SystemRng rng;
  std::unique_ptr<Backend> backend;
};

template <class T>
Code code_of(const Result<T>& result) {
  return result ? Code::kInternal : result.error().code();
}

TEST_F(GcsBrokenTest, a_vanished_session_fails_and_leaves_nothing) {
  ASSERT_NO_FATAL_FAILURE(expect_fault("session_vanishes"));
  if (IsSkipped()) return;
  const std::string body(kChunk * 4 + 17, 'b');
  auto written = write("x", body, Expectation::absent());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::kUnavailable);
  EXPECT_EQ(written.error().retry(), Retry::kSafe);
  EXPECT_EQ(code_of(backend->stat(context, {"x"})), Code::kNotFound);
  auto again = write("x", body, Expectation::absent());
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_TRUE(read("x") == body);
}

TEST_F(GcsBrokenTest, races_with_an_outside_writer) {
  ASSERT_NO_FATAL_FAILURE(expect_fault("outside_writer"));
  if (IsSkipped()) return;
  // The first upload has no race; before each of the next three, somebody else writes "x".
  auto first = write("x", "ours", Expectation::absent());
  ASSERT_TRUE(first) << first.error().to_string();
  EXPECT_EQ(code_of(write("x", "ours again", Expectation::at(first->version))), Code::kConflict);
  EXPECT_EQ(read("x"), "somebody else's");
  ASSERT_TRUE(backend->remove(context, {"x", std::nullopt}));
  EXPECT_EQ(code_of(write("x", "ours", Expectation::absent())), Code::kConflict);
  EXPECT_EQ(read("x"), "somebody else's");
  // Whoever does not mind what is there looks again and then matches that.
  auto any = write("x", "ours at last", Expectation::any());
  ASSERT_TRUE(any) << any.error().to_string();
  EXPECT_EQ(read("x"), "ours at last");
}

TEST_F(GcsBrokenTest, an_unreachable_service_is_unavailable) {
  ASSERT_NO_FATAL_FAILURE(expect_fault("unreachable"));
  if (IsSkipped()) return;
  const auto start = io::now();
  EXPECT_EQ(code_of(backend->stat(context, {"x"})), Code::kUnavailable);
  EXPECT_EQ(code_of(backend->list(context, {})), Code::kUnavailable);
  EXPECT_EQ(code_of(backend->probe(context)), Code::kUnavailable);
  EXPECT_EQ(code_of(backend->read(context, {"x", {0, 1}, {}})), Code::kUnavailable);
  auto written = write("x", "bytes", Expectation::absent());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::kUnavailable);
  EXPECT_EQ(written.error().retry(), Retry::kSafe);  // it never left
  EXPECT_EQ(code_of(backend->remove(context, {"x", "1"})), Code::kUnavailable);
  EXPECT_LT(io::now() - start, std::chrono::seconds{20});
}

/// Calls of each kind, whatever the emulator makes of them: their requests are looked at.
class GcsRequestsTest : public GcsBrokenTest {};

TEST_F(GcsRequestsTest, of_every_kind) {
  if (environment("BERINGIA_GCS_EMULATOR").empty()) GTEST_SKIP() << "no emulator";
  ASSERT_NO_FATAL_FAILURE(make_backend());
  auto small = write("a", "1", Expectation::any());
  ASSERT_TRUE(small) << small.error().to_string();
  (void)write("a", "2", Expectation::any());
  (void)write("a", "3", Expectation::at(small->version));
  (void)write("large", std::string(3 * kChunk, 'x'), Expectation::any());
  (void)write("large", std::string(3 * kChunk, 'y'), Expectation::absent());
  (void)backend->update(context, {"a", std::nullopt, {{"k", "v"}}, "a/b", ""});
  (void)backend->update(context, {"a", std::nullopt, {{"k", "v"}}, "a/b", "NEARLINE"});
  ComposeRequest compose;
  compose.name = "joined";
  compose.sources = {"a", "large"};
  (void)backend->compose(context, compose);
  (void)backend->rename(context, {"a", "b", std::nullopt, {}});
  (void)backend->remove(context, {"b", std::nullopt});
  (void)backend->remove(context, {"large", Version{"12345"}});
  (void)backend->sweep(context, std::chrono::hours{0});
}

}  // namespace
}  // namespace beringia::backend::gcs
