// Runs against an emulator of Cloud Storage that somebody else wrote, when
// BERINGIA_GCS_EMULATOR=http://host:port names one; tests/gcs_backend/run.py starts them.
// BERINGIA_GCS_BUCKET is an existing bucket, BERINGIA_GCS_CREDENTIALS a key file (default: none);
// BERINGIA_GCS_LACKS lists what the emulator does not do as Google's reference says
// ("delete_conditions", "copy_conditions", ...).

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

class GcsEmulatorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto endpoint = environment("BERINGIA_GCS_EMULATOR");
    if (endpoint.empty()) GTEST_SKIP() << "BERINGIA_GCS_EMULATOR is not set";
    auto bucket = environment("BERINGIA_GCS_BUCKET");
    GcsSpec spec;
    spec.url = "gs://" + (bucket.empty() ? "beringia-test" : bucket) + "/" + random_hex(rng, 6);
    spec.endpoint = endpoint;
    auto credentials = environment("BERINGIA_GCS_CREDENTIALS");
    spec.credentials = credentials.empty() ? "none" : credentials;
    spec.retry.initial_delay =
        std::chrono::milliseconds{2};  // faults are put in between on purpose
    spec.retry.max_attempts = 12;
    auto made = make(spec, rng);
    ASSERT_TRUE(made) << made.error().to_string();
    backend = std::move(*made);
  }
  static bool lacks(std::string_view what) {
    return environment("BERINGIA_GCS_LACKS").find(what) != std::string::npos;
  }
  Result<CopyInfo> write(const std::string& name, std::string body,
                         Expectation expectation = Expectation::absent(),
                         Attributes attributes = {}) {
    WriteRequest request;
    if (tells_size) request.size = body.size();
    io::StringSource source{std::move(body)};
    request.name = name;
    request.body = &source;
    request.expectation = std::move(expectation);
    request.attributes = std::move(attributes);
    request.content_type = "text/csv";
    return backend->write(context, request);
  }
  Result<std::string> read(const std::string& name, uint64_t offset, uint64_t length,
                           std::optional<Version> version = std::nullopt) {
    BR_TRY(source, backend->read(context, {name, {offset, length}, version}));
    return io::read_all(context, *source, 256 << 20);
  }
  std::string pattern(size_t size) {
    std::string text(size, '\0');
    rng.fill(text);
    return text;
  }

  io::Context context;
  SystemRng rng;
  std::unique_ptr<Backend> backend;
  bool tells_size = true;  // else long bodies go in parts
};

/// kInternal stands for "no error".
template <class T>
Code code_of(const Result<T>& result) {
  return result ? Code::kInternal : result.error().code();
}

TEST_F(GcsEmulatorTest, keeps_what_is_written) {
  const std::string name = "a dir/ü+%2F&?=#.csv";
  auto info = write(name, "hello", Expectation::absent(), {{"owner", "Zoë"}});
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->name, name);
  auto seen = backend->stat(context, {name});
  ASSERT_TRUE(seen) << seen.error().to_string();
  EXPECT_EQ(seen->version, info->version);
  EXPECT_EQ(seen->crc32c, Crc32c::of("hello"));
  EXPECT_EQ(seen->md5, md5("hello"));
  EXPECT_EQ(seen->content_type, "text/csv");
  EXPECT_EQ(seen->attributes.at("owner"), "Zoë");
  EXPECT_EQ(read(name, 0, 5, info->version), "hello");
  EXPECT_EQ(read(name, 1, 3), "ell");
  EXPECT_EQ(code_of(backend->stat(context, {"nothing"})), Code::kNotFound);
  EXPECT_EQ(code_of(read("nothing", 0, 1)), Code::kNotFound);
}

TEST_F(GcsEmulatorTest, keeps_empty_and_large_objects) {
  ASSERT_TRUE(write("empty", ""));
  EXPECT_EQ(read("empty", 0, 0), "");
  auto body = pattern((20 << 20) + 4321);
  auto info = write("large", body);
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->size, body.size());
  auto again = write("large", body, Expectation::at(info->version));  // staged, as an overwrite
  ASSERT_TRUE(again) << again.error().to_string();
  tells_size = false;
  again = write("large", body, Expectation::at(again->version));
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(again->crc32c, Crc32c::of(body));
  info = again;
  auto whole = read("large", 0, body.size(), info->version);
  ASSERT_TRUE(whole) << whole.error().to_string();
  EXPECT_TRUE(*whole == body);
  EXPECT_TRUE(read("large", 9 << 20, 1000) == body.substr(9 << 20, 1000));
  auto page = backend->list(context, {});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items.size(), 2u);
  auto staged = backend->list(context, {std::string{kReservedPrefix}});
  ASSERT_TRUE(staged);
  EXPECT_TRUE(staged->items.empty());
}

TEST_F(GcsEmulatorTest, writes_are_conditional) {
  if (lacks("write_conditions")) GTEST_SKIP();
  auto first = write("x", "1");
  ASSERT_TRUE(first) << first.error().to_string();
  EXPECT_EQ(code_of(write("x", "2")), Code::kConflict);
  auto second = write("x", "2", Expectation::at(first->version));
  ASSERT_TRUE(second) << second.error().to_string();
  EXPECT_EQ(code_of(write("x", "3", Expectation::at(first->version))), Code::kConflict);
  EXPECT_TRUE(write("x", "4", Expectation::any()));
  EXPECT_EQ(read("x", 0, 1), "4");
  EXPECT_EQ(code_of(read("x", 0, 1, first->version)), Code::kConflict);
}

TEST_F(GcsEmulatorTest, large_writes_are_conditional) {
  if (lacks("copy_conditions")) GTEST_SKIP();
  auto body = pattern(9 << 20);
  auto first = write("x", body);
  ASSERT_TRUE(first) << first.error().to_string();
  EXPECT_EQ(code_of(write("x", body)), Code::kConflict);
  auto second = write("x", body, Expectation::at(first->version));
  EXPECT_TRUE(second) << second.error().to_string();
}

TEST_F(GcsEmulatorTest, removes_are_conditional) {
  auto first = write("x", "1");
  ASSERT_TRUE(first) << first.error().to_string();
  if (!lacks("delete_conditions")) {
    EXPECT_EQ(code_of(backend->remove(context, {"x", "12345"})), Code::kConflict);
  }
  EXPECT_TRUE(backend->remove(context, {"x", first->version}));
  EXPECT_EQ(code_of(backend->stat(context, {"x"})), Code::kNotFound);
  EXPECT_EQ(code_of(backend->remove(context, {"x", std::nullopt})), Code::kNotFound);
}

TEST_F(GcsEmulatorTest, lists_in_order_and_by_directory) {
  for (const char* name : {"a", "b/1", "b/2", "c", "d/", "d/e"}) ASSERT_TRUE(write(name, "x"));
  auto all = [&](ListRequest request) {
    std::string names;
    do {
      auto page = backend->list(context, request);
      if (!page) return page.error().to_string();
      for (const auto& item : page->items) names += item.name + " ";
      for (const auto& name : page->directories) names += "[" + name + "] ";
      request.page_token = page->next_page_token;
    } while (!request.page_token.empty());
    return names;
  };
  EXPECT_EQ(all({}), "a b/1 b/2 c d/ d/e ");
  EXPECT_EQ(all({.max_items = 2}), "a b/1 b/2 c d/ d/e ");
  EXPECT_EQ(all({.prefix = "b/"}), "b/1 b/2 ");
  EXPECT_EQ(all({.start_after = "b/1"}), "b/2 c d/ d/e ");
  EXPECT_EQ(all({.by_directory = true}), "a c [b/] [d/] ");
  EXPECT_EQ(all({.prefix = "d/", .by_directory = true}), "d/ d/e ");
}

TEST_F(GcsEmulatorTest, updates_attributes) {
  if (lacks("patch")) GTEST_SKIP();
  auto info = write("x", "1", Expectation::absent(), {{"a", "1"}, {"b", "2"}});
  ASSERT_TRUE(info);
  auto updated = backend->update(context, {"x", info->version, {{"b", "3"}}, "a/b", ""});
  ASSERT_TRUE(updated) << updated.error().to_string();
  EXPECT_EQ(updated->attributes, (Attributes{{"b", "3"}}));
  EXPECT_EQ(updated->content_type, "a/b");
  EXPECT_EQ(updated->version, info->version);
}

TEST_F(GcsEmulatorTest, composes_and_renames) {
  if (lacks("compose")) GTEST_SKIP();
  ComposeRequest request;
  std::string joined;
  for (int i = 0; i < 40; ++i) {
    auto name = "part" + std::to_string(i);
    auto body = pattern(1000 + static_cast<size_t>(i));
    ASSERT_TRUE(write(name, body));
    request.sources.push_back(name);
    joined += body;
  }
  request.name = "joined";
  request.expectation = Expectation::absent();
  request.seal = {joined.size(), Crc32c::of(joined), {}, "a/b", {{"k", "v"}}, {}};
  request.remove_sources = true;
  auto info = backend->compose(context, request);
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->attributes, (Attributes{{"k", "v"}}));
  auto renamed = backend->rename(context, {"joined", "moved", info->version, {}});
  ASSERT_TRUE(renamed) << renamed.error().to_string();
  EXPECT_TRUE(read("moved", 0, joined.size()) == joined);
  auto page = backend->list(context, {});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items.size(), 1u);
}

TEST_F(GcsEmulatorTest, tells_a_missing_bucket_from_an_absent_object) {
  if (lacks("bucket_message")) GTEST_SKIP();
  GcsSpec spec;
  spec.url = "gs://no-such-bucket-here";
  spec.endpoint = environment("BERINGIA_GCS_EMULATOR");
  auto credentials = environment("BERINGIA_GCS_CREDENTIALS");
  spec.credentials = credentials.empty() ? "none" : credentials;
  auto other = make(spec, rng);
  ASSERT_TRUE(other);
  auto probed = (*other)->probe(context);
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().tag(), "no_bucket");
  EXPECT_TRUE(backend->probe(context));
}

}  // namespace
}  // namespace beringia::backend::gcs
