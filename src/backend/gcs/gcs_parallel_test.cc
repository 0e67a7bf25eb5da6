#include <gtest/gtest.h>

#include <set>

#include "backend/gcs/fake_service.h"
#include "backend/gcs/gcs_backend.h"
#include "io/runtime.h"

namespace beringia::backend::gcs {
namespace {

using Kind = Fault::Kind;

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  return text;
}

/// Long bodies: sent in parts, read ahead.
class GcsParallelTest : public ::testing::Test {
 protected:
  static constexpr size_t kChunk = 256 << 10;
  static constexpr size_t kSegment = 64 << 10;

  void SetUp() override { make({}); }
  void make(UploadOptions upload) {
    auto http = std::make_unique<FakeService>();
    service = http.get();
    GcsOptions options;
    options.location = Location::parse("gs://bucket/root").value();
    options.retry.initial_delay = Duration::zero();
    options.upload = upload;
    options.upload.chunk_bytes = kChunk;
    options.upload.parts_from_bytes = 2 * kChunk;
    options.read_ahead.segment_bytes = kSegment;
    options.read_ahead.buffer_bytes = read_ahead_bytes;
    backend = std::make_unique<GcsBackend>(std::move(options), std::move(http),
                                           make_no_credentials(), rng);
  }

  Result<CopyInfo> write(const std::string& body, Expectation expectation = Expectation::absent()) {
    io::StringSource source{body};
    WriteRequest request;
    request.name = "big";
    request.body = &source;
    request.storage_class = "NEARLINE";
    request.expectation = std::move(expectation);
    request.seal = [&]() -> Result<Seal> {
      if (seal_error) return std::unexpected(*seal_error);
      return Seal{body.size(), Crc32c::of(body), md5(body), "a/b", {{"late", "1"}}, {}};
    };
    return backend->write(context, request);
  }
  Result<std::string> read(uint64_t offset, uint64_t length,
                           std::optional<Version> version = std::nullopt) {
    BR_TRY(source, backend->read(context, {"big", {offset, length}, version}));
    return io::read_all(context, *source, 64 << 20);
  }
  std::string names() const {
    std::string out;
    for (const auto& [name, object] : service->objects) out += name + " ";
    return out;
  }

  io::Context context;
  SeededRng rng{1};
  FakeService* service = nullptr;
  std::unique_ptr<GcsBackend> backend;
  uint64_t read_ahead_bytes = 8 * kSegment;
  std::optional<Error> seal_error;
};

TEST_F(GcsParallelTest, a_long_write_goes_in_parts_and_appears_whole) {
  for (size_t size : {2 * kChunk, 2 * kChunk + 1, 5 * kChunk - 1, 33 * kChunk, 70 * kChunk + 5}) {
    SCOPED_TRACE(size);
    make({});
    const auto body = pattern(size);
    auto info = write(body);
    ASSERT_TRUE(info) << info.error().to_string();
    EXPECT_EQ(info->crc32c, Crc32c::of(body));
    EXPECT_EQ(info->attributes, (Attributes{{"late", "1"}}));
    EXPECT_EQ(info->content_type, "a/b");
    EXPECT_EQ(info->storage_class, "NEARLINE");
    EXPECT_TRUE(service->bytes.at("root/big") == body);
    EXPECT_EQ(names(), "root/big ") << "parts are gone";
    EXPECT_GE(service->count("POST", "uploadType=multipart"), (size + kChunk - 1) / kChunk);
    EXPECT_LE(service->count("POST", "uploadType=multipart"), size / kChunk + 9)
        << "small first ones";
    EXPECT_EQ(service->count("POST", "uploadType=resumable"), 0u);
  }
}

TEST_F(GcsParallelTest, memory_of_uploads_is_bounded_and_scarcity_does_not_stop_them) {
  UploadOptions scarce;
  scarce.buffer_bytes = kChunk;  // for the body that is read; none for parts beside it
  make(scarce);
  const auto body = pattern(9 * kChunk + 7);
  ASSERT_TRUE(write(body));
  EXPECT_TRUE(service->bytes.at("root/big") == body);
  EXPECT_EQ(names(), "root/big ");
}

TEST_F(GcsParallelTest, the_expectation_holds_for_parts) {
  const auto body = pattern(3 * kChunk);
  const auto there = service->put("root/big", "theirs");
  auto refused = write(body);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kConflict);
  EXPECT_EQ(service->bytes.at("root/big"), "theirs");
  EXPECT_EQ(names(), "root/big ");
  ASSERT_TRUE(write(body, Expectation::at(std::to_string(there))));
  ASSERT_TRUE(write(body, Expectation::any()));
  EXPECT_TRUE(service->bytes.at("root/big") == body);
}

TEST_F(GcsParallelTest, faults_of_any_request_are_overcome_and_written_once) {
  const auto body = pattern(36 * kChunk + 3);
  for (auto fault : {Fault{Kind::kDropBefore}, Fault{Kind::kDropAfter}, Fault{Kind::kRefused},
                     Fault{Kind::kStatusBefore, 429}, Fault{Kind::kStatusAfter, 503},
                     Fault{Kind::kStatusAfter, 408}}) {
    SCOPED_TRACE(static_cast<int>(fault.kind));
    make({});
    std::set<std::string> seen;
    service->fault = [&](const FakeService::Request& request, size_t) {
      // The first attempt of every write fails. Parts differ only in their names, which come first.
      const auto identity = request.method + request.target + request.text.substr(0, 300);
      return request.method != "GET" && seen.insert(identity).second ? fault : Fault{};
    };
    auto info = write(body);
    ASSERT_TRUE(info) << info.error().to_string();
    EXPECT_TRUE(service->bytes.at("root/big") == body);
    EXPECT_EQ(names(), "root/big ");
    EXPECT_GT(seen.size(), 70u) << "parts, their removal, composes";
  }
}

TEST_F(GcsParallelTest, an_upload_that_cannot_go_on_takes_its_parts_back) {
  const auto body = pattern(40 * kChunk);
  service->fault = [](const FakeService::Request& request, size_t) {
    const bool late = request.target.find("uploadType=multipart") != std::string::npos &&
                      request.text.find("00000035") != std::string::npos;
    return late ? Fault{Kind::kStatusBefore, 503} : Fault{};
  };
  auto info = write(body);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), Code::kUnavailable);
  EXPECT_EQ(info.error().retry(), Retry::kSafe) << "nothing can be visible";
  EXPECT_EQ(names(), "");
}

TEST_F(GcsParallelTest, a_failing_seal_takes_the_parts_back) {
  seal_error = conflict("it changed", "another writer");
  auto info = write(pattern(4 * kChunk));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), Code::kConflict);
  EXPECT_EQ(names(), "");
}

TEST_F(GcsParallelTest, a_lost_answer_of_the_last_compose_is_recognized) {
  const auto body = pattern(3 * kChunk);
  service->fault = [left = 1](const FakeService::Request& request, size_t) mutable {
    if (request.target.find("/compose") == std::string::npos || left-- <= 0) return Fault{};
    return Fault{Kind::kDropAfter};
  };
  auto info = write(body);
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(service->count("POST", "/compose"), 2u);
  EXPECT_EQ(info->version, std::to_string(service->objects.at("root/big").generation));
}

TEST_F(GcsParallelTest, a_sweep_leaves_the_parts_of_a_living_upload_alone) {
  const auto body = pattern(3 * kChunk);
  io::StringSource source{body};
  WriteRequest request;
  request.name = "big";
  request.body = &source;
  request.seal = [&]() -> Result<Seal> {
    auto swept = backend->sweep(context, Duration::zero());
    EXPECT_TRUE(swept);
    EXPECT_EQ(swept.value_or(99), 1u) << "only the dead one";
    return Seal{body.size(), Crc32c::of(body), {}, "a/b", {}, {}};
  };
  service->put("root/.beringia/staging/dead-00000000", "x");
  ASSERT_TRUE(backend->write(context, request));
  EXPECT_EQ(names(), "root/big ");
}

TEST_F(GcsParallelTest, a_long_read_is_whole_in_order_and_of_one_request_per_segment) {
  const auto body = pattern(20 * kSegment + 17);
  service->put("root/big", body);
  EXPECT_TRUE(read(0, body.size()) == body);
  EXPECT_EQ(service->count("GET", "/download"), 21u);
  EXPECT_EQ(service->count("GET", "generation="), 20u) << "pinned";
  EXPECT_TRUE(read(5, 9 * kSegment) == body.substr(5, 9 * kSegment));
  EXPECT_TRUE(read(5, kSegment + 1) == body.substr(5, kSegment + 1));
}

TEST_F(GcsParallelTest, a_long_read_without_memory_goes_on_in_one_stream) {
  read_ahead_bytes = 0;
  make({});
  const auto body = pattern(5 * kSegment);
  service->put("root/big", body);
  EXPECT_TRUE(read(0, body.size()) == body);
}

TEST_F(GcsParallelTest, who_stops_early_has_fetched_little) {
  const auto body = pattern(100 * kSegment);
  // What is read, and how many segments may have been asked for then.
  for (auto [wanted, requests] : {std::pair{size_t{100}, 2u}, std::pair{kSegment / 2 + 1, 3u},
                                  std::pair{kSegment + 1, 5u}, std::pair{2 * kSegment + 1, 10u}}) {
    SCOPED_TRACE(wanted);
    make({});
    service->put("root/big", body);
    {
      auto source = backend->read(context, {"big", {0, body.size()}, std::nullopt});
      ASSERT_TRUE(source);
      EXPECT_EQ(service->count("GET", "/download"), 1u) << "nothing before the reader begins";
      std::string some(wanted, ' ');
      for (size_t have = 0; have < wanted;) {
        auto count = (*source)->read(context, std::span{some}.subspan(have));
        ASSERT_TRUE(count);
        have += *count;
      }
      EXPECT_TRUE(some == body.substr(0, wanted));
    }
    EXPECT_LE(service->count("GET", "/download"), requests);
  }
}

TEST_F(GcsParallelTest, a_long_read_never_mixes_generations) {
  const auto body = pattern(30 * kSegment);
  const auto first = service->put("root/big", body);
  auto source = backend->read(context, {"big", {0, body.size()}, std::to_string(first)});
  ASSERT_TRUE(source);
  std::string got(body.size(), '\0');
  size_t have = 0;
  bool replaced = false;
  std::optional<Error> error;
  while (!error && have < body.size()) {
    auto n = (*source)->read(context, std::span{got}.subspan(have, 1000));
    if (!n) {
      error = n.error();
    } else {
      have += *n;
    }
    if (!replaced && have >= 3 * kSegment) {
      replaced = true;
      service->put("root/big", std::string(body.size(), 'x'));
    }
  }
  ASSERT_TRUE(error) << "the generation is gone";
  EXPECT_EQ(error->code(), Code::kConflict) << error->to_string();
  EXPECT_TRUE(got.substr(0, have) == body.substr(0, have));
}

TEST_F(GcsParallelTest, broken_segments_resume_and_a_wrong_sum_is_told_before_the_end) {
  const auto body = pattern(20 * kSegment);
  service->put("root/big", body);
  service->fault = [](const FakeService::Request&, size_t number) {
    return number % 3 == 0 ? Fault{Kind::kCutBody, 0, 1000} : Fault{};
  };
  EXPECT_TRUE(read(0, body.size()) == body);
  service->fault = [](const FakeService::Request& request, size_t) {
    const bool fifth = request.headers.get_or("range", "")
                           .starts_with("bytes=" + std::to_string(5 * kSegment) + "-");
    return fifth ? Fault{Kind::kCorrupt} : Fault{};
  };
  auto got = read(0, body.size());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace beringia::backend::gcs
