// One operation against a server that was told to fail in a certain way: a case of Google's
// published retry tests. tests/gcs_backend/test_published_retry_cases.py reads them from Google's
// file, arranges the fault, and looks at what is there afterwards, past the backend.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "backend/gcs/bucket_iam.h"
#include "backend/gcs/make_gcs.h"
#include "base/checksum.h"
#include "io/byte_source.h"

namespace beringia::backend::gcs {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string{value};
}

constexpr size_t kChunk = 2 << 20;
constexpr std::string_view kRole = "roles/storage.objectViewer";

class GcsPublishedCase : public ::testing::Test {
 protected:
  void SetUp() override {
    if (environment("BERINGIA_GCS_CASE").empty()) GTEST_SKIP() << "no case is arranged";
    std::ifstream file{environment("BERINGIA_GCS_CASE_BODY"), std::ios::binary};
    body.assign(std::istreambuf_iterator<char>{file}, {});
    ASSERT_FALSE(body.empty());
    spec.url =
        "gs://" + environment("BERINGIA_GCS_BUCKET") + "/" + environment("BERINGIA_GCS_PREFIX");
    spec.endpoint = environment("BERINGIA_GCS_EMULATOR");
    const auto credentials = environment("BERINGIA_GCS_CREDENTIALS");
    spec.credentials = credentials.empty() ? "none" : credentials;
    spec.retry.initial_delay = std::chrono::milliseconds{2};
    spec.upload.chunk_bytes = kChunk;
    spec.upload.parts_from_bytes = 8 * kChunk;
    spec.read_ahead.segment_bytes = kChunk;
    auto made = make(spec, rng);
    ASSERT_TRUE(made) << made.error().to_string();
    backend = std::move(*made);
    auto iam_made = make_bucket_iam(spec, rng);
    ASSERT_TRUE(iam_made) << iam_made.error().to_string();
    iam = std::move(*iam_made);
  }

  /// That the case knows of the object that it changes.
  static Version version() { return environment("BERINGIA_GCS_CASE_VERSION"); }
  /// @param told the size is told in advance: then a long body without seal goes in one session
  Result<void> write(std::string_view bytes, bool told, Expectation expectation) {
    io::StringSource source{std::string{bytes}};
    WriteRequest request;
    request.name = expectation.kind == Expectation::Kind::kAbsent ? "new" : "there";
    if (told) request.size = bytes.size();
    request.body = &source;
    request.expectation = std::move(expectation);
    BR_TRY(info, backend->write(context, request));
    if (info.size == bytes.size() && info.crc32c == Crc32c::of(bytes)) return {};
    return std::unexpected(corrupt("the answer tells of other bytes"));
  }
  Result<void> write_over_the_version_that_is_there() {
    // Shorter than what goes in parts, and not absent: staged, and put in place by a rewrite.
    return write(body, true, Expectation::at(version()));
  }
  Result<void> read() {
    BR_TRY(source, backend->read(context, {"there", {0, body.size()}, std::nullopt}));
    BR_TRY(bytes, io::read_all(context, *source, 64 << 20));
    if (bytes == body) return {};
    return std::unexpected(corrupt("other bytes were read"));
  }
  Result<void> compose() {
    const auto whole = body + "other";
    ComposeRequest request;
    request.name = "new";
    request.sources = {"there", "other"};
    request.expectation = Expectation::absent();
    request.seal = {whole.size(), Crc32c::of(whole), {}, "a/b", {}, {}};
    BR_TRY(made, backend->compose(context, request));
    return {};
  }
  Result<void> copy() {
    RenameRequest request{"there", "new", {}, Expectation::absent()};
    request.keep_source = true;
    BR_TRY(made, backend->rename(context, request));
    return {};
  }
  Result<void> patch() {
    BR_TRY(made, backend->update(context, {"there", version(), {{"a", "b"}}, "x/y", {}}));
    if (made.attributes == Attributes{{"a", "b"}}) return {};
    return std::unexpected(corrupt("other attributes are there"));
  }
  Result<void> reclassify() {
    BR_TRY(made, backend->update(context, {"there", version(), {}, {}, "NEARLINE"}));
    if (made.storage_class == "NEARLINE") return {};
    return std::unexpected(corrupt("another class is there"));
  }

  Result<void> run(const std::string& name) {
    const auto unless = [](auto result) -> Result<void> {
      if (result) return {};
      return std::unexpected(std::move(result).error());
    };
    const std::map<std::string, std::function<Result<void>()>> operations{
        {"stat", [&] { return unless(backend->stat(context, {"there"})); }},
        {"read", [&] { return read(); }},
        {"list", [&] { return unless(backend->list(context, {})); }},
        {"probe", [&] { return unless(backend->probe(context)); }},
        {"rights", [&] { return unless(iam->get(context, "")); }},
        {"grant",
         [&] {
           return iam->change(
               context, "",
               {{std::string{kRole}, "user:" + environment("BERINGIA_GCS_PREFIX") + "@example.com",
                 true}});
         }},
        {"write", [&] { return write("small", true, Expectation::absent()); }},
        {"write a session", [&] { return write(body, true, Expectation::absent()); }},
        {"write parts", [&] { return write(body, false, Expectation::absent()); }},
        {"write staged", [&] { return write_over_the_version_that_is_there(); }},
        {"compose", [&] { return compose(); }},
        {"copy", [&] { return copy(); }},
        {"patch", [&] { return patch(); }},
        {"reclassify", [&] { return reclassify(); }},
        {"sweep", [&] { return unless(backend->sweep(context, Duration::zero())); }},
        {"delete", [&] { return backend->remove(context, {"other", version()}); }},
    };
    const auto found = operations.find(name);
    if (found == operations.end()) return std::unexpected(invalid("no such operation", name));
    return found->second();
  }

  io::Context context;
  SystemRng rng;
  GcsSpec spec;
  std::string body;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<BucketIam> iam;
};

TEST_F(GcsPublishedCase, ends_as_it_shall) {
  const auto ended = run(environment("BERINGIA_GCS_CASE"));
  const auto shall = environment("BERINGIA_GCS_CASE_ENDS");
  const std::string how = ended ? "success" : std::string{to_string(ended.error().code())};
  EXPECT_EQ(how, shall) << (ended ? "" : ended.error().to_string());
}

}  // namespace
}  // namespace beringia::backend::gcs
