#include "backend/gcs/gcs_backend.h"

#include <gtest/gtest.h>

#include "backend/gcs/fake_service.h"

namespace beringia::backend::gcs {
namespace {

using Kind = Fault::Kind;

std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  return text;
}

class GcsBackendTest : public ::testing::Test {
 protected:
  static constexpr size_t kChunk = 512 << 10;

  void SetUp() override {
    auto http = std::make_unique<FakeService>();
    service = http.get();
    GcsOptions options;
    options.location = Location::parse("gs://bucket/root").value();
    options.retry.initial_delay = Duration::zero();
    options.upload.chunk_bytes = kChunk;
    backend = std::make_unique<GcsBackend>(std::move(options), std::move(http),
                                           make_no_credentials(), rng);
  }

  Result<CopyInfo> write(const std::string& name, std::string body,
                         Expectation expectation = Expectation::absent(),
                         Attributes attributes = {}, std::string storage_class = {}) {
    const Seal seal{body.size(), Crc32c::of(body), md5(body), "text/csv", attributes, {}};
    WriteRequest request;
    request.size = body.size();
    io::StringSource source{std::move(body)};
    if (sealed) request.seal = [&]() -> Result<Seal> { return seal; };
    request.name = name;
    request.body = &source;
    request.expectation = std::move(expectation);
    request.attributes = std::move(attributes);
    request.storage_class = std::move(storage_class);
    request.content_type = "text/csv";
    return backend->write(context, request);
  }
  Result<std::string> read(const std::string& name, uint64_t offset, uint64_t length,
                           std::optional<Version> version = std::nullopt) {
    BR_TRY(source, backend->read(context, {name, {offset, length}, version}));
    return io::read_all(context, *source, 64 << 20);
  }
  /// The n-th request (from 0) whose method and target match fails so.
  void fail(std::string method, std::string part, Fault fault, size_t times = 1) {
    auto left = std::make_shared<size_t>(times);
    service->fault = [=](const FakeService::Request& request, size_t) {
      if (*left == 0 || request.method != method ||
          request.target.find(part) == std::string::npos) {
        return Fault{};
      }
      --*left;
      return fault;
    };
  }

  io::Context context;
  SeededRng rng{1};
  FakeService* service = nullptr;
  std::unique_ptr<GcsBackend> backend;
  bool sealed = true;  // write() gives a seal
};

TEST_F(GcsBackendTest, small_write_carries_checksums_attributes_and_precondition) {
  auto info = write("a b/ü", "hello", Expectation::absent(),
                    {{"owner", "x"}, {"beringia-http-cache-control", "no-store"}});
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->name, "a b/ü");
  EXPECT_EQ(info->crc32c, Crc32c::of("hello"));
  EXPECT_EQ(info->md5, md5("hello"));
  EXPECT_EQ(info->content_type, "text/csv");
  EXPECT_EQ(info->attributes,
            (Attributes{{"owner", "x"}, {"beringia-http-cache-control", "no-store"}}));
  const auto& object = service->objects.at("root/a b/ü");
  EXPECT_EQ(object.cache_control, "no-store");
  EXPECT_EQ(object.metadata.at("owner"), "x");
  EXPECT_EQ(info->version, std::to_string(object.generation));
  EXPECT_EQ(read("a b/ü", 0, 5), "hello");
  EXPECT_EQ(backend->stat(context, {"a b/ü"})->version, info->version);
}

TEST_F(GcsBackendTest, large_write_is_staged_and_appears_whole) {
  auto body = pattern(3 * kChunk + 12345);
  bool was_sealed = false;
  io::StringSource source{body};
  WriteRequest request;
  request.size = body.size();
  request.name = "big";
  request.body = &source;
  request.storage_class = "NEARLINE";
  request.seal = [&]() -> Result<Seal> {
    was_sealed = true;
    EXPECT_FALSE(service->objects.contains("root/big"));
    return Seal{body.size(), Crc32c::of(body), md5(body),
                "a/b",       {{"late", "1"}},  Expectation::absent()};
  };
  auto info = backend->write(context, request);
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_TRUE(was_sealed);
  EXPECT_EQ(info->attributes, (Attributes{{"late", "1"}}));
  EXPECT_EQ(info->storage_class, "NEARLINE");
  EXPECT_EQ(info->content_type, "a/b");
  EXPECT_EQ(service->bytes.at("root/big"), body);
  EXPECT_EQ(service->objects.size(), 1u) << "the staged object is gone";
  EXPECT_EQ(read("big", 1000, body.size() - 1000), body.substr(1000));
}

TEST_F(GcsBackendTest, writes_of_sizes_around_the_chunk_are_whole) {
  for (size_t size :
       {size_t{0}, size_t{1}, kChunk - 1, kChunk, kChunk + 1, 2 * kChunk, 2 * kChunk + 1}) {
    auto name = "n" + std::to_string(size);
    auto info = write(name, pattern(size));
    ASSERT_TRUE(info) << size << " " << info.error().to_string();
    EXPECT_EQ(service->bytes.at("root/" + name), pattern(size)) << size;
  }
}

TEST_F(GcsBackendTest, failing_seal_leaves_nothing_visible) {
  for (size_t size : {size_t{10}, 2 * kChunk + 5}) {
    io::StringSource source{pattern(size)};
    WriteRequest request;
    request.name = "x";
    request.body = &source;
    request.seal = []() -> Result<Seal> { return std::unexpected(invalid("no").with_tag("t")); };
    auto info = backend->write(context, request);
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().tag(), "t");
    EXPECT_TRUE(service->objects.empty());
  }
}

TEST_F(GcsBackendTest, seal_with_other_checksums_is_refused) {
  io::StringSource source{"abc"};
  WriteRequest request;
  request.name = "x";
  request.body = &source;
  request.seal = [] { return Result<Seal>{Seal{3, 1, {}, {}, {}, {}}}; };
  auto info = backend->write(context, request);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), Code::kCorrupt);
  EXPECT_TRUE(service->objects.empty());
}

TEST_F(GcsBackendTest, expectations_hold_for_small_and_large_writes) {
  for (size_t size : {size_t{10}, 2 * kChunk}) {
    auto name = "e" + std::to_string(size);
    auto first = write(name, pattern(size));
    ASSERT_TRUE(first);
    auto second = write(name, pattern(size));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Code::kConflict);
    EXPECT_EQ(second.error().retry(), Retry::kNever);
    auto third = write(name, pattern(size + 1), Expectation::at(first->version));
    ASSERT_TRUE(third) << third.error().to_string();
    auto fourth = write(name, pattern(size), Expectation::at(first->version));
    ASSERT_FALSE(fourth);
    EXPECT_EQ(fourth.error().code(), Code::kConflict);
    EXPECT_EQ(service->bytes.at("root/" + name), pattern(size + 1));
    EXPECT_TRUE(write(name, pattern(size), Expectation::any()));
    EXPECT_FALSE(write(name, "x", Expectation::at("not a generation")));
  }
}

TEST_F(GcsBackendTest, any_expectation_looks_and_then_matches) {
  service->put("root/x", "old");
  int raced = 0;
  service->fault = [&](const FakeService::Request& request, size_t) {
    if (request.method == "POST" && raced++ < 2) service->put("root/x", "theirs");
    return Fault{};
  };
  auto info = write("x", "ours", Expectation::any());
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(service->bytes.at("root/x"), "ours");
  EXPECT_EQ(service->count("POST", "ifGenerationMatch="), 3u);
}

TEST_F(GcsBackendTest, retryable_failures_are_retried_and_written_once) {
  const std::vector<Fault> faults{
      {Kind::kRefused},           {Kind::kDropBefore},        {Kind::kDropAfter},
      {Kind::kStatusBefore, 503}, {Kind::kStatusBefore, 429}, {Kind::kStatusBefore, 408},
      {Kind::kStatusAfter, 500},  {Kind::kStatusAfter, 504},  {Kind::kCutBody, 0, 10}};
  for (const auto& fault : faults) {
    for (size_t times : {1, 3}) {
      auto name = "f" + std::to_string(static_cast<int>(fault.kind)) + "-" +
                  std::to_string(fault.status) + "-" + std::to_string(times);
      fail("POST", "uploadType=multipart", fault, times);
      auto info = write(name, "body");
      ASSERT_TRUE(info) << name << " " << info.error().to_string();
      EXPECT_EQ(info->version, std::to_string(service->objects.at("root/" + name).generation));
    }
  }
}

TEST_F(GcsBackendTest, lost_answer_is_not_mistaken_for_somebody_elses_write) {
  // Our first attempt never arrives; before the second, somebody writes the same name.
  int posts = 0;
  service->fault = [&](const FakeService::Request& request, size_t) {
    if (request.method != "POST") return Fault{};
    if (posts++ == 0) return Fault{Kind::kDropBefore};
    if (posts == 2) service->put("root/x", "body");
    return Fault{};
  };
  auto info = write("x", "body");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), Code::kConflict);
}

TEST_F(GcsBackendTest, exhausted_attempts_say_whether_the_write_may_have_happened) {
  fail("POST", "", {Kind::kRefused}, 100);
  auto info = write("x", "body");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), Code::kUnavailable);
  EXPECT_EQ(info.error().retry(), Retry::kSafe);
  fail("POST", "", {Kind::kDropBefore}, 100);
  info = write("x", "body");
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().retry(), Retry::kMaybeApplied);
  EXPECT_EQ(service->count("POST", ""), 12u) << "six attempts each";
}

TEST_F(GcsBackendTest, final_statuses_are_not_retried_and_say_why) {
  struct Case {
    int status;
    const char* message;
    Code code;
  };
  for (const auto& [status, message, code] :
       {Case{400, "Invalid argument", Code::kInvalid},
        Case{401, "Invalid Credentials", Code::kDenied},
        Case{403, "etl@x.iam does not have storage.objects.create access to the object.",
             Code::kDenied},
        Case{404, "The specified bucket does not exist.", Code::kUnavailable},
        Case{413, "too large", Code::kInvalid}}) {
    service->log.clear();
    service->deny_status = status;
    service->deny_message = message;
    auto info = write("x", "body");
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().code(), code) << status;
    EXPECT_NE(info.error().why().find(message), std::string::npos) << info.error().why();
    EXPECT_EQ(service->log.size(), 1u);
    if (status == 403) {
      EXPECT_NE(info.error().hint().find("storage.objects.create"), std::string::npos);
    }
    if (status == 404) {
      EXPECT_EQ(info.error().tag(), "no_bucket");
    }
  }
}

TEST_F(GcsBackendTest, missing_bucket_is_not_an_absent_object) {
  service->bucket_exists = false;
  auto info = backend->stat(context, {"x"});
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), Code::kUnavailable);
  EXPECT_EQ(backend->list(context, {}).error().code(), Code::kUnavailable);
  EXPECT_EQ(backend->probe(context).error().tag(), "no_bucket");
  service->bucket_exists = true;
  EXPECT_EQ(backend->stat(context, {"x"}).error().code(), Code::kNotFound);
  EXPECT_TRUE(backend->probe(context));
}

TEST_F(GcsBackendTest, large_write_without_seal_goes_straight_to_its_name) {
  sealed = false;
  auto body = pattern(3 * kChunk + 1);
  auto info = write("x", body, Expectation::absent(), {{"a", "1"}}, "COLDLINE");
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->attributes, (Attributes{{"a", "1"}}));
  EXPECT_EQ(info->storage_class, "COLDLINE");
  EXPECT_TRUE(service->bytes.at("root/x") == body);
  EXPECT_EQ(service->count("", "staging"), 0u);
  EXPECT_EQ(write("x", body).error().code(), Code::kConflict);
  EXPECT_TRUE(write("x", body, Expectation::at(info->version)));
  EXPECT_GT(service->count("", "staging"), 0u) << "an overwrite is staged";
}

TEST_F(GcsBackendTest, lost_session_after_the_last_chunk_is_recognized_by_the_object) {
  sealed = false;
  auto puts = std::make_shared<size_t>(0);
  service->fault = [=](const FakeService::Request& request, size_t) {
    if (request.method != "PUT" || ++*puts < 3) return Fault{};
    return *puts == 3 ? Fault{Kind::kDropAfter} : Fault{Kind::kStatusBefore, 410};
  };
  auto info = write("x", pattern(2 * kChunk + 5));
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(service->objects.size(), 1u);
}

TEST_F(GcsBackendTest, resumable_upload_goes_on_after_faults_in_any_chunk) {
  auto body = pattern(5 * kChunk + 777);
  const std::vector<Fault> faults{{Kind::kRefused},          {Kind::kDropBefore},
                                  {Kind::kDropAfter},        {Kind::kStatusBefore, 503},
                                  {Kind::kStatusAfter, 500}, {Kind::kKeepPart, 0, 300 << 10}};
  for (const auto& fault : faults) {
    for (size_t chunk = 0; chunk < 6; ++chunk) {
      auto puts = std::make_shared<size_t>(0);
      service->fault = [=](const FakeService::Request& request, size_t) {
        if (request.method != "PUT" || (*puts)++ != chunk) return Fault{};
        auto now = fault;
        if (now.kind == Kind::kKeepPart) now.bytes = std::min(now.bytes, request.text.size());
        return now;
      };
      auto name = std::to_string(static_cast<int>(fault.kind)) + "-" +
                  std::to_string(fault.status) + "-" + std::to_string(chunk);
      sealed = chunk % 2 == 0;  // staged and in place by turns
      auto info = write(name, body);
      ASSERT_TRUE(info) << name << " " << info.error().to_string();
      EXPECT_TRUE(service->bytes.at("root/" + name) == body) << name;
    }
  }
  for (const auto& [name, object] : service->objects) {
    EXPECT_EQ(name.find(".beringia"), std::string::npos) << name;
  }
}

TEST_F(GcsBackendTest, upload_that_cannot_go_on_leaves_nothing_and_may_be_repeated) {
  fail("PUT", "", {Kind::kDropBefore}, 100);
  auto info = write("x", pattern(3 * kChunk));
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), Code::kUnavailable);
  EXPECT_EQ(info.error().retry(), Retry::kSafe);
  EXPECT_TRUE(service->objects.empty());
}

TEST_F(GcsBackendTest, lost_answer_of_the_publishing_copy_is_recognized) {
  fail("POST", "rewriteTo", {Kind::kDropAfter});
  auto info = write("x", pattern(2 * kChunk));
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(service->objects.size(), 1u);
  service->rewrite_rounds = 5;
  info = write("y", pattern(2 * kChunk));
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_GE(service->count("POST", "rewriteToken="), 3u);
}

TEST_F(GcsBackendTest, broken_downloads_resume_from_the_last_byte) {
  auto body = pattern(100000);
  auto generation = service->put("root/x", body);
  auto gets = std::make_shared<size_t>(0);
  service->fault = [=](const FakeService::Request&, size_t) {
    return (*gets)++ < 20 ? Fault{Kind::kCutBody, 0, 1000} : Fault{};
  };
  EXPECT_EQ(read("x", 0, body.size()), body);
  EXPECT_EQ(service->count("GET", "generation=" + std::to_string(generation)), 20u);
  fail("GET", "alt=media", {Kind::kStatusBefore, 503, 0, "0"}, 5);
  EXPECT_EQ(read("x", 10, 20, std::to_string(generation)), body.substr(10, 20));
}

TEST_F(GcsBackendTest, download_never_mixes_generations) {
  auto body = pattern(100000);
  service->put("root/x", body);
  auto gets = std::make_shared<size_t>(0);
  service->fault = [=, this](const FakeService::Request&, size_t) {
    if ((*gets)++ == 0) return Fault{Kind::kCutBody, 0, 1000};
    service->put("root/x", std::string(100000, 'z'));
    return Fault{};
  };
  auto text = read("x", 0, body.size());
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code(), Code::kConflict);
}

TEST_F(GcsBackendTest, download_without_progress_ends) {
  service->put("root/x", pattern(1000));
  fail("GET", "alt=media", {Kind::kCutBody, 0, 0}, 1000);
  auto text = read("x", 0, 1000);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code(), Code::kUnavailable);
  EXPECT_LE(service->log.size(), 10u);
}

TEST_F(GcsBackendTest, whole_download_is_checked_against_the_crc32c) {
  auto body = pattern(5000);
  service->put("root/x", body);
  fail("GET", "alt=media", {Kind::kCorrupt});
  auto text = read("x", 0, body.size());
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code(), Code::kCorrupt);
}

TEST_F(GcsBackendTest, reads_of_other_versions_and_ranges_are_conflicts) {
  auto generation = service->put("root/x", "0123456789");
  auto version = std::to_string(generation);
  EXPECT_EQ(read("x", 2, 3, version), "234");
  EXPECT_EQ(read("x", 0, 0, version), "");
  EXPECT_EQ(read("x", 0, 5, "1").error().code(), Code::kConflict);
  EXPECT_EQ(read("x", 0, 0, "1").error().code(), Code::kConflict);
  EXPECT_EQ(read("x", 20, 5).error().code(), Code::kInvalid);
  EXPECT_EQ(read("x", 5, 50).error().code(), Code::kInvalid);
  EXPECT_EQ(read("y", 0, 5).error().code(), Code::kNotFound);
  EXPECT_EQ(read("y", 0, 5, version).error().code(), Code::kNotFound);
}

TEST_F(GcsBackendTest, removes_are_conditional_and_survive_lost_answers) {
  auto generation = service->put("root/x", "a");
  auto other = backend->remove(context, {"x", "5"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), Code::kConflict);
  fail("DELETE", "", {Kind::kDropAfter});
  EXPECT_TRUE(backend->remove(context, {"x", std::to_string(generation)}));
  EXPECT_TRUE(service->objects.empty());
  EXPECT_EQ(backend->remove(context, {"x", std::nullopt}).error().code(), Code::kNotFound);
  service->put("root/x", "a");
  EXPECT_TRUE(backend->remove(context, {"x", std::nullopt}));
  EXPECT_EQ(service->count("DELETE", "ifGenerationMatch="), service->count("DELETE", ""));
}

TEST_F(GcsBackendTest, lists_pages_directories_and_hides_its_own_names) {
  for (const char* name : {"a", "b/1", "b/2", "c", "d/", "d/e", ".beringia/staging/x", ""}) {
    service->put("root/" + std::string{name}, "x", {{"k", "v"}});
  }
  service->put("other/z", "x");
  service->page_size = 2;
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
  EXPECT_EQ(all({.prefix = "b/"}), "b/1 b/2 ");
  EXPECT_EQ(all({.start_after = "b/1"}), "b/2 c d/ d/e ");
  EXPECT_EQ(all({.by_directory = true}), "a [b/] c [d/] ");
  EXPECT_EQ(all({.prefix = "d/", .by_directory = true}), "d/ d/e ");
  EXPECT_EQ(backend->list(context, {.max_items = 1})->items.size(), 1u);
  EXPECT_EQ(backend->list(context, {})->items[0].attributes.at("k"), "v");
}

TEST_F(GcsBackendTest, update_replaces_attributes_and_recognizes_its_lost_answer) {
  auto info = write("x", "body", Expectation::absent(),
                    {{"a", "1"}, {"b", "2"}, {"beringia-http-cache-control", "no-store"}});
  ASSERT_TRUE(info);
  fail("PATCH", "", {Kind::kDropAfter});
  auto updated =
      backend->update(context, {"x", info->version, {{"b", "3"}, {"c", "4"}}, "a/b", ""});
  ASSERT_TRUE(updated) << updated.error().to_string();
  EXPECT_EQ(updated->attributes, (Attributes{{"b", "3"}, {"c", "4"}}));
  EXPECT_EQ(updated->content_type, "a/b");
  EXPECT_EQ(updated->version, info->version);
  EXPECT_FALSE(backend->update(context, {"x", "7", {}, "", ""}));
  EXPECT_EQ(backend->update(context, {"y", std::nullopt, {}, "", ""}).error().code(),
            Code::kNotFound);
}

TEST_F(GcsBackendTest, update_of_the_storage_class_rewrites_in_place) {
  auto info = write("x", "body", Expectation::absent(), {{"a", "1"}});
  auto updated = backend->update(context, {"x", info->version, {{"a", "2"}}, "", "COLDLINE"});
  ASSERT_TRUE(updated) << updated.error().to_string();
  EXPECT_EQ(updated->storage_class, "COLDLINE");
  EXPECT_EQ(updated->attributes, (Attributes{{"a", "2"}}));
  EXPECT_NE(updated->version, info->version);
  EXPECT_EQ(service->bytes.at("root/x"), "body");
}

TEST_F(GcsBackendTest, rename_keeps_bytes_and_attributes) {
  auto info = write("x", "body", Expectation::absent(), {{"a", "1"}});
  auto renamed = backend->rename(context, {"x", "y", info->version, Expectation::absent()});
  ASSERT_TRUE(renamed) << renamed.error().to_string();
  EXPECT_EQ(renamed->name, "y");
  EXPECT_EQ(renamed->attributes, (Attributes{{"a", "1"}}));
  EXPECT_EQ(service->objects.size(), 1u);
}

TEST_F(GcsBackendTest, composes_few_and_many_sources) {
  for (size_t count : {1, 3, 32, 33, 70}) {
    ComposeRequest request;
    std::string joined;
    for (size_t i = 0; i < count; ++i) {
      auto name = ".beringia/uploads/p" + std::to_string(i);
      auto body = pattern(i * 7 + 1);
      service->put("root/" + name, body);
      request.sources.push_back(name);
      joined += body;
    }
    request.name = "joined" + std::to_string(count);
    request.expectation = Expectation::absent();
    request.seal = {joined.size(), Crc32c::of(joined), {}, "a/b", {{"k", "v"}}, {}};
    request.remove_sources = true;
    fail("POST", "compose", {Kind::kDropAfter});
    auto info = backend->compose(context, request);
    ASSERT_TRUE(info) << count << " " << info.error().to_string();
    EXPECT_EQ(service->bytes.at("root/" + request.name), joined);
    EXPECT_EQ(info->attributes, (Attributes{{"k", "v"}}));
    for (const auto& [name, object] : service->objects) {
      EXPECT_EQ(name.find(".beringia"), std::string::npos) << name;
    }
  }
}

TEST_F(GcsBackendTest, compose_of_other_bytes_than_announced_makes_nothing) {
  service->put("root/a", "1");
  ComposeRequest request;
  request.name = "x";
  request.sources = {"a", "a"};
  request.seal = {2, Crc32c::of("12"), {}, {}, {}, {}};
  auto info = backend->compose(context, request);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().code(), Code::kCorrupt);
  EXPECT_FALSE(service->objects.contains("root/x"));
  request.sources = {"a"};
  request.source_versions = {"7"};
  EXPECT_EQ(backend->compose(context, request).error().code(), Code::kConflict);
  request.source_versions.clear();
  request.sources = {"a", "missing"};
  EXPECT_EQ(backend->compose(context, request).error().code(), Code::kNotFound);
}

TEST_F(GcsBackendTest, sweep_removes_only_old_staged_objects) {
  service->put("root/.beringia/staging/old", "x");
  service->put("root/.beringia/staging/new", "x");
  service->put("root/.beringia/uploads/part", "x");
  auto& old = service->objects["root/.beringia/staging/old"];
  old.time_created.micros -= 7200LL * 1000000;
  service->objects["root/.beringia/uploads/part"].time_created.micros -= 7200LL * 1000000;
  EXPECT_EQ(backend->sweep(context, std::chrono::hours{1}), 1u);
  EXPECT_EQ(service->objects.size(), 2u);
}

TEST_F(GcsBackendTest, requests_carry_who_pays_and_writes_their_key) {
  auto http = std::make_unique<FakeService>();
  service = http.get();
  GcsOptions options;
  options.location = Location::parse("gs://bucket/root").value();
  options.location.set_kms_key("projects/p/k");
  options.user_project = "payer 7";
  options.upload.chunk_bytes = kChunk;
  backend =
      std::make_unique<GcsBackend>(std::move(options), std::move(http), make_no_credentials(), rng);
  ASSERT_TRUE(write("a", "x"));
  ASSERT_TRUE(write("big", pattern(3 * kChunk)));
  ASSERT_TRUE(read("a", 0, 1));
  ASSERT_TRUE(backend->list(context, {}));
  ASSERT_TRUE(backend->rename(context, {"a", "b", {}, Expectation::absent()}));
  ASSERT_TRUE(backend->remove(context, {"b", {}}));
  EXPECT_EQ(service->count("", "userProject=payer%207"), service->log.size());
  EXPECT_EQ(service->count("POST", "&kmsKeyName=projects%2Fp%2Fk"),
            service->count("POST", "uploadType="));
  EXPECT_EQ(service->count("POST", "/rewriteTo/"),
            service->count("POST", "&destinationKmsKeyName="));
}

TEST(Location, is_read_from_urls_and_escapes_names) {
  auto at = Location::parse("gs://my-bucket/a/b");
  ASSERT_TRUE(at);
  EXPECT_EQ(at->prefix(), "a/b/");
  EXPECT_EQ(at->object_target("x y/ü?"), "/storage/v1/b/my-bucket/o/a%2Fb%2Fx%20y%2F%C3%BC%3F");
  EXPECT_EQ(at->display("x"), "gs://my-bucket/a/b/x");
  EXPECT_EQ(Location::parse("gs://my-bucket")->prefix(), "");
  EXPECT_EQ(Location::parse("gs://my-bucket/")->prefix(), "");
  for (const char* bad : {"", "s3://x", "gs://", "gs://A", "gs://my-bucket//x", "gs://a/b"}) {
    EXPECT_FALSE(Location::parse(bad)) << bad;
  }
  EXPECT_EQ(target_of_url("http://h:1/a?b=c"), "/a?b=c");
  EXPECT_EQ(target_of_url("/a?b=http://x/"), "/a?b=http://x/");
  EXPECT_EQ(target_of_url("https://h"), "/");
}

TEST(RetryPolicy, reads_retry_after_and_knows_the_statuses) {
  // Found by native_forms_fuzz: nanoseconds overflowed.
  EXPECT_EQ(gcs::parse_retry_after("Thu, 01 Jan 5605 00:00:00 GMT", Timestamp{}),
            std::chrono::hours{365 * 24});
  Timestamp now{1'800'000'000LL * 1000000};
  EXPECT_EQ(parse_retry_after("7", now), Duration{std::chrono::seconds{7}});
  EXPECT_EQ(parse_retry_after(to_http_date({now.micros + 3000000}), now),
            Duration{std::chrono::seconds{3}});
  EXPECT_EQ(parse_retry_after("soon", now), std::nullopt);
  for (int status : {408, 429, 500, 502, 503, 504}) EXPECT_TRUE(is_retryable_status(status));
  for (int status : {200, 308, 400, 401, 403, 404, 409, 412, 501}) {
    EXPECT_FALSE(is_retryable_status(status)) << status;
  }
}

}  // namespace
}  // namespace beringia::backend::gcs
