#include "backend/backend_behaviour.h"

#include <atomic>

#include "base/random.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::backend {

TEST_P(BackendBehaviour, gives_back_what_was_written) {
  auto written = put("dir/a.txt", "hello", {}, {{"colour", "gr\xC3\xBCn = 1\n"}});
  ASSERT_TRUE(written) << written.error().to_string();
  EXPECT_EQ(written->name, "dir/a.txt");
  auto info = backend().stat(context_, {"dir/a.txt"});
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->name, "dir/a.txt");
  EXPECT_EQ(info->size, 5U);
  EXPECT_EQ(info->version, written->version);
  EXPECT_EQ(info->crc32c, Crc32c::of("hello"));
  EXPECT_EQ(info->md5, md5("hello"));
  EXPECT_EQ(info->content_type, "text/plain");
  EXPECT_EQ(info->attributes.at("colour"), "gr\xC3\xBCn = 1\n");
  EXPECT_NE(info->modified.micros, 0);
  EXPECT_EQ(get("dir/a.txt").value(), "hello");
}

TEST_P(BackendBehaviour, reads_ranges_and_refuses_those_outside) {
  ASSERT_TRUE(put("r", "0123456789"));
  EXPECT_EQ(get_range("r", {3, 4}).value(), "3456");
  EXPECT_EQ(get_range("r", {10, 0}).value(), "");
  EXPECT_EQ(get_range("r", {0, 0}).value(), "");
  EXPECT_EQ(code_of(get_range("r", {8, 3})), Code::kInvalid);
}

TEST_P(BackendBehaviour, says_not_found) {
  EXPECT_EQ(code_of(backend().stat(context_, {"none"})), Code::kNotFound);
  EXPECT_EQ(code_of(backend().stat(context_, {"none/below"})), Code::kNotFound);
  EXPECT_EQ(code_of(get_range("none", {0, 0})), Code::kNotFound);
  EXPECT_EQ(code_of(backend().remove(context_, {"none", {}})), Code::kNotFound);
  EXPECT_EQ(code_of(backend().update(context_, {"none", {}, {}, "a/b", ""})), Code::kNotFound);
  ASSERT_TRUE(put("file", "x"));
  EXPECT_EQ(code_of(backend().stat(context_, {"file/below"})), Code::kNotFound);
}

TEST_P(BackendBehaviour, absent_is_an_exact_condition) {
  ASSERT_TRUE(put("c", "1", Expectation::absent()));
  EXPECT_EQ(code_of(put("c", "2", Expectation::absent())), Code::kConflict);
  EXPECT_EQ(get("c").value(), "1");
}

TEST_P(BackendBehaviour, a_version_is_an_exact_condition) {
  auto first = put("v", "1");
  ASSERT_TRUE(first);
  auto second = put("v", "2", Expectation::at(first->version));
  ASSERT_TRUE(second) << second.error().to_string();
  EXPECT_NE(first->version, second->version);
  EXPECT_EQ(code_of(put("v", "3", Expectation::at(first->version))), Code::kConflict);
  EXPECT_EQ(code_of(put("w", "3", Expectation::at(first->version))), Code::kConflict);
  EXPECT_EQ(code_of(get("v", first->version)), Code::kConflict);
  EXPECT_EQ(get("v", second->version).value(), "2");
  EXPECT_EQ(code_of(backend().remove(context_, {"v", first->version})), Code::kConflict);
  EXPECT_EQ(code_of(backend().update(context_, {"v", first->version, {}, "", ""})),
            Code::kConflict);
  EXPECT_TRUE(backend().remove(context_, {"v", second->version}));
}

TEST_P(BackendBehaviour, a_range_of_a_version_that_was_replaced_is_a_conflict) {
  auto first = put("s", "0123456789");
  ASSERT_TRUE(first);
  ASSERT_TRUE(put("s", "short", Expectation::at(first->version)));
  EXPECT_EQ(code_of(get_range("s", {0, 10}, first->version)), Code::kConflict);
  EXPECT_EQ(code_of(get_range("s", {6, 4}, first->version)), Code::kConflict);
  EXPECT_EQ(code_of(get_range("s", {2, 2}, first->version)), Code::kConflict);
}

TEST_P(BackendBehaviour, versions_never_come_back) {
  std::vector<Version> versions;
  for (int round = 0; round < 20; ++round) {
    auto written = put("same", "same bytes");
    ASSERT_TRUE(written);
    versions.push_back(written->version);
    if (round % 3 == 0) {
      ASSERT_TRUE(backend().remove(context_, {"same", {}}));
    }
  }
  std::sort(versions.begin(), versions.end());
  EXPECT_EQ(std::unique(versions.begin(), versions.end()), versions.end());
}

TEST_P(BackendBehaviour, an_error_of_the_seal_leaves_nothing) {
  io::StringSource body{"bytes"};
  WriteRequest request;
  request.name = "aborted";
  request.body = &body;
  request.seal = []() -> Result<Seal> { return std::unexpected(denied("no")); };
  EXPECT_EQ(code_of(backend().write(context_, request)), Code::kDenied);
  EXPECT_EQ(code_of(backend().stat(context_, {"aborted"})), Code::kNotFound);
}

TEST_P(BackendBehaviour, the_seal_may_replace_the_expectation) {
  ASSERT_TRUE(put("late", "1"));
  io::StringSource body{"2"};
  WriteRequest request;
  request.name = "late";
  request.body = &body;
  request.seal = [&]() -> Result<Seal> {
    return Seal{1, Crc32c::of("2"), {}, {}, {}, Expectation::absent()};
  };
  EXPECT_EQ(code_of(backend().write(context_, request)), Code::kConflict);
  EXPECT_EQ(get("late").value(), "1");
}

/// A body that breaks off.
class BreakingSource final : public io::ByteSource {
 public:
  explicit BreakingSource(uint64_t bytes) : left_{bytes} {}
  Result<size_t> read(const io::Context&, std::span<char> buffer) override {
    if (left_ == 0) return std::unexpected(unavailable("the client went away"));
    const size_t n = std::min<uint64_t>(buffer.size(), left_);
    std::fill_n(buffer.begin(), n, 'b');
    left_ -= n;
    return n;
  }

 private:
  uint64_t left_;
};

TEST_P(BackendBehaviour, a_body_that_breaks_off_leaves_nothing) {
  ASSERT_TRUE(put("kept", "old"));
  for (const uint64_t bytes : {uint64_t{10}, uint64_t{3} << 20}) {
    BreakingSource body{bytes};
    WriteRequest request;
    request.name = "kept";
    request.body = &body;
    EXPECT_FALSE(backend().write(context_, request));
    EXPECT_EQ(get("kept").value(), "old");
  }
}

TEST_P(BackendBehaviour, writes_bodies_of_every_size) {
  SeededRng rng{5};
  for (const size_t size : {0UL, 1UL, 65535UL, 65536UL, 1UL << 20, (1UL << 20) + 1, 5UL << 20}) {
    std::string bytes(size, '\0');
    rng.fill(bytes);
    for (const bool announced : {true, false}) {
      io::StringSource body{bytes};
      WriteRequest request;
      request.name = "sized";
      request.body = &body;
      if (announced) request.size = size;
      request.seal = [&]() -> Result<Seal> {
        return Seal{size, Crc32c::of(bytes), md5(bytes), {}, {}, {}};
      };
      auto written = backend().write(context_, request);
      ASSERT_TRUE(written) << size << written.error().to_string();
      EXPECT_EQ(written->size, size);
      EXPECT_EQ(Crc32c::of(get("sized").value()), Crc32c::of(bytes)) << size;
    }
  }
}

TEST_P(BackendBehaviour, lists_in_byte_order_page_by_page) {
  const std::vector<std::string> names{"a",  "a-b",     "a/1",   "a/b/c",
                                       "a0", "b/x/y/z", "b/x/z", "\xC3\xA4"};
  for (const auto& name : names) ASSERT_TRUE(put(name, name));
  for (const size_t page : {1UL, 2UL, 3UL, 1000UL}) {
    EXPECT_EQ(list("", false, page).items, names) << page;
    EXPECT_EQ(list("", true, page), (Listing{{"a", "a-b", "a0", "\xC3\xA4"}, {"a/", "b/"}}))
        << page;
    EXPECT_EQ(list("b/", true, page), (Listing{{}, {"b/x/"}})) << page;
  }
  EXPECT_EQ(list("a", false).items, (std::vector<std::string>{"a", "a-b", "a/1", "a/b/c", "a0"}));
  EXPECT_EQ(list("a/", false).items, (std::vector<std::string>{"a/1", "a/b/c"}));
  EXPECT_EQ(list("b/x/y", true), (Listing{{}, {"b/x/y/"}}));
  EXPECT_EQ(list("none", false), Listing{});
  EXPECT_EQ(list("none/at/all/", true), Listing{});
}

TEST_P(BackendBehaviour, lists_after_a_name) {
  for (const std::string name : {"a", "d/1", "d/5", "e"}) ASSERT_TRUE(put(name, name));
  EXPECT_EQ(list("", false, 2, "a").items, (std::vector<std::string>{"d/1", "d/5", "e"}));
  EXPECT_EQ(list("", true, 2, "a"), (Listing{{"e"}, {"d/"}}));
  EXPECT_EQ(list("", true, 2, "d/"), (Listing{{"e"}, {"d/"}}));
  EXPECT_EQ(list("", true, 2, "d/1"), (Listing{{"e"}, {"d/"}}));
  EXPECT_EQ(list("", true, 2, "d/5"), (Listing{{"e"}, {}}));
  EXPECT_EQ(list("", true, 2, "d/\xF4\x8F\xBF\xBF"), (Listing{{"e"}, {}}));
}

TEST_P(BackendBehaviour, list_tells_the_version_that_stat_tells) {
  ASSERT_TRUE(put("x/y", "bytes"));
  auto page = backend().list(context_, {"x/", {}, true, 10, {}});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->items.size(), 1U);
  auto info = backend().stat(context_, {"x/y"});
  ASSERT_TRUE(info);
  EXPECT_EQ(page->items[0].version, info->version);
  EXPECT_EQ(page->items[0].size, info->size);
  EXPECT_EQ(page->items[0].modified, info->modified);
}

TEST_P(BackendBehaviour, keeps_names_that_no_file_system_could) {
  const std::vector<std::string> names{"a",
                                       "a/",
                                       "a//b",
                                       "a//",
                                       "a/./b",
                                       "a/../b",
                                       "..",
                                       ".",
                                       "%br-",
                                       "%br-x",
                                       "//",
                                       "%br-xa",
                                       "%br-fa",
                                       std::string(300, 'n'),
                                       "a/b/",
                                       "a/b",
                                       "/x",
                                       "a b?",
                                       std::string(1024, 'k')};
  for (const auto& name : names) {
    auto written = put(name, "bytes of " + name);
    ASSERT_TRUE(written) << name << written.error().to_string();
  }
  for (const auto& name : names) {
    auto bytes = get(name);
    ASSERT_TRUE(bytes) << name << bytes.error().to_string();
    EXPECT_EQ(*bytes, "bytes of " + name);
  }
  auto sorted = names;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(list("", false).items, sorted);
  EXPECT_EQ(list("", false, 2).items, sorted);
  EXPECT_EQ(list("a/", true), (Listing{{"a/", "a/b"}, {"a/../", "a/./", "a//", "a/b/"}}));
  for (const auto& name : names) ASSERT_TRUE(backend().remove(context_, {name, {}})) << name;
  EXPECT_EQ(list("", false), Listing{});
  EXPECT_EQ(list("", true), Listing{});
}

TEST_P(BackendBehaviour, an_object_may_stand_beside_its_prefix) {
  auto first = put("n", "object");
  ASSERT_TRUE(first);
  ASSERT_TRUE(put("n/below", "below"));
  EXPECT_EQ(backend().stat(context_, {"n"})->version, first->version);
  EXPECT_EQ(get("n").value(), "object");
  ASSERT_TRUE(put("m/below", "below"));
  ASSERT_TRUE(put("m", "object", Expectation::absent()));
  EXPECT_EQ(code_of(put("m", "again", Expectation::absent())), Code::kConflict);
  ASSERT_TRUE(backend().remove(context_, {"m/below", {}}));
  EXPECT_EQ(get("m").value(), "object");
  EXPECT_EQ(code_of(put("m", "again", Expectation::absent())), Code::kConflict);
  ASSERT_TRUE(put("m", "new"));
  EXPECT_EQ(get("m").value(), "new");
  EXPECT_EQ(list("", true), (Listing{{"m", "n"}, {"n/"}}));
  ASSERT_TRUE(backend().remove(context_, {"m", {}}));
  EXPECT_EQ(code_of(backend().stat(context_, {"m"})), Code::kNotFound);
}

TEST_P(BackendBehaviour, removes_leave_no_directory_behind) {
  ASSERT_TRUE(put("p/q/r/s", "x"));
  ASSERT_TRUE(put("p/t", "x"));
  ASSERT_TRUE(backend().remove(context_, {"p/q/r/s", {}}));
  EXPECT_EQ(list("", true), (Listing{{}, {"p/"}}));
  EXPECT_EQ(list("p/", true), (Listing{{"p/t"}, {}}));
  ASSERT_TRUE(backend().remove(context_, {"p/t", {}}));
  EXPECT_EQ(list("", true), Listing{});
}

TEST_P(BackendBehaviour, composes_sources_in_order) {
  auto one = put(".beringia/uploads/u/1", "one,");
  auto two = put(".beringia/uploads/u/2", "two,");
  auto three = put("plain", "three");
  ASSERT_TRUE(one && two && three);
  ComposeRequest request;
  request.name = "whole";
  request.sources = {one->name, two->name, three->name};
  request.source_versions = {one->version, two->version, three->version};
  request.expectation = Expectation::absent();
  const std::string bytes = "one,two,three";
  request.seal = {bytes.size(), Crc32c::of(bytes), {}, "text/csv", {{"k", "v"}}, {}};
  auto wrong = request;
  wrong.seal.size = 4;
  EXPECT_EQ(code_of(backend().compose(context_, wrong)), Code::kCorrupt);
  wrong = request;
  wrong.seal.crc32c ^= 1;
  EXPECT_EQ(code_of(backend().compose(context_, wrong)), Code::kCorrupt);
  wrong = request;
  wrong.sources[1] = "none";
  EXPECT_EQ(code_of(backend().compose(context_, wrong)), Code::kNotFound);
  EXPECT_EQ(code_of(backend().stat(context_, {"whole"})), Code::kNotFound);
  auto info = backend().compose(context_, request);
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(get("whole").value(), bytes);
  info = backend().stat(context_, {"whole"});
  EXPECT_EQ(info->crc32c, Crc32c::of(bytes));
  EXPECT_EQ(info->content_type, "text/csv");
  EXPECT_EQ(info->attributes.at("k"), "v");
  EXPECT_EQ(code_of(backend().compose(context_, request)), Code::kConflict);
  request.expectation = Expectation::at(info->version);
  request.remove_sources = true;
  ASSERT_TRUE(backend().compose(context_, request));
  EXPECT_EQ(get("whole").value(), bytes);
  EXPECT_EQ(code_of(backend().stat(context_, {one->name})), Code::kNotFound);
  EXPECT_EQ(code_of(backend().stat(context_, {"plain"})), Code::kNotFound);
}

TEST_P(BackendBehaviour, composes_one_source_with_new_attributes) {
  auto part = put(".beringia/uploads/u/1", "the only part");
  ASSERT_TRUE(part);
  ComposeRequest request;
  request.name = "dir/single";
  request.sources = {part->name};
  request.source_versions = {"another version"};
  request.seal = {part->size, *part->crc32c, {}, "text/html", {{"k", "v"}}, {}};
  request.remove_sources = true;
  EXPECT_EQ(code_of(backend().compose(context_, request)), Code::kConflict);
  request.source_versions = {part->version};
  auto info = backend().compose(context_, request);
  ASSERT_TRUE(info) << info.error().to_string();
  EXPECT_EQ(info->name, "dir/single");
  EXPECT_EQ(get("dir/single", info->version).value(), "the only part");
  EXPECT_EQ(backend().stat(context_, {"dir/single"})->attributes.at("k"), "v");
  EXPECT_EQ(code_of(backend().stat(context_, {part->name})), Code::kNotFound);
  EXPECT_EQ(list("", false).items, std::vector<std::string>{"dir/single"});
}

TEST_P(BackendBehaviour, an_update_keeps_bytes_and_version) {
  auto written = put("u", "bytes", {}, {{"old", "1"}});
  ASSERT_TRUE(written);
  auto updated = backend().update(context_, {"u", written->version, {{"new", "2"}}, "a/b", ""});
  ASSERT_TRUE(updated) << updated.error().to_string();
  auto info = backend().stat(context_, {"u"});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->version, written->version);
  EXPECT_EQ(info->attributes, (Attributes{{"new", "2"}}));
  EXPECT_EQ(info->content_type, "a/b");
  EXPECT_EQ(info->crc32c, Crc32c::of("bytes"));
  EXPECT_EQ(get("u", written->version).value(), "bytes");
}

TEST_P(BackendBehaviour, keeps_many_attributes) {
  Attributes attributes;
  for (int i = 0; i < 60; ++i) attributes["key-" + std::to_string(i)] = std::string(200, 'v');
  if (backend().capabilities().kind == "gcs")
    attributes.erase(++attributes.begin(), attributes.end());
  ASSERT_TRUE(put("many", "x", {}, attributes));
  EXPECT_EQ(backend().stat(context_, {"many"})->attributes, attributes);
  ASSERT_TRUE(put("many", "y", {}, {{"few", "1"}}));
  EXPECT_EQ(backend().stat(context_, {"many"})->attributes, (Attributes{{"few", "1"}}));
}

TEST_P(BackendBehaviour, renames_files_with_their_attributes) {
  if (!backend().capabilities().native_rename) GTEST_SKIP() << "no native rename";
  auto written = put("from/f", "bytes", {}, {{"k", "v"}});
  ASSERT_TRUE(put("taken", "other"));
  EXPECT_EQ(code_of(backend().rename(context_, {"from/f", "taken", {}, Expectation::absent()})),
            Code::kConflict);
  EXPECT_EQ(code_of(backend().rename(context_, {"none", "to", {}, {}})), Code::kNotFound);
  auto renamed =
      backend().rename(context_, {"from/f", "to/g", written->version, Expectation::absent()});
  ASSERT_TRUE(renamed) << renamed.error().to_string();
  EXPECT_EQ(renamed->name, "to/g");
  EXPECT_EQ(get("to/g", renamed->version).value(), "bytes");
  EXPECT_EQ(backend().stat(context_, {"to/g"})->attributes.at("k"), "v");
  EXPECT_EQ(list("", false).items, (std::vector<std::string>{"taken", "to/g"}));
  EXPECT_EQ(list("", true).directories, std::vector<std::string>{"to/"});
}

TEST_P(BackendBehaviour, gives_objects_a_second_name) {
  auto first = put("dir/a", "12345", {}, {{"k", "1"}});
  ASSERT_TRUE(first);
  const std::string kept = std::string{kReservedPrefix} + "versions/0a/one";
  auto shared = backend().rename(
      context_, {"dir/a", kept, first->version, Expectation::any(), true, std::nullopt});
  ASSERT_TRUE(shared) << shared.error().to_string();
  EXPECT_EQ(shared->name, kept);
  EXPECT_EQ(shared->crc32c, Crc32c::of("12345"));
  EXPECT_EQ(get("dir/a", first->version).value(), "12345");
  auto again = backend().rename(
      context_, {"dir/a", kept, first->version, Expectation::any(), true, std::nullopt});
  ASSERT_TRUE(again) << "the same once more: " << again.error().to_string();
  EXPECT_EQ(code_of(backend().rename(context_, {"dir/a", kept, first->version,
                                                Expectation::absent(), true, std::nullopt})),
            Code::kConflict);
  // The first name gets other bytes, then goes; the second does not notice.
  auto second = put("dir/a", "678", Expectation::at(first->version));
  ASSERT_TRUE(second) << second.error().to_string();
  EXPECT_EQ(code_of(backend().rename(context_, {"dir/a", "dir/b", first->version,
                                                Expectation::absent(), true, std::nullopt})),
            Code::kConflict);
  EXPECT_EQ(get(kept, again->version).value(), "12345");
  EXPECT_EQ(backend().stat(context_, {kept}).value().attributes.at("k"), "1");
  EXPECT_EQ(list("", false).items, (std::vector<std::string>{"dir/a"}));
  // And back over the first one, with attributes of its own.
  auto back =
      backend().rename(context_, {kept, "dir/a", again->version, Expectation::at(second->version),
                                  true, Attributes{{"k", "2"}}});
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_TRUE(backend().remove(context_, {kept, std::nullopt}));
  EXPECT_EQ(get("dir/a", back->version).value(), "12345");
  auto info = backend().stat(context_, {"dir/a"});
  EXPECT_EQ(info->attributes.at("k"), "2");
  EXPECT_EQ(info->crc32c, Crc32c::of("12345"));
  EXPECT_EQ(info->content_type, "text/plain");
  // A directory's marker object is an object like any other.
  ASSERT_TRUE(put("dir/", "marker"));
  auto marker = backend().rename(
      context_, {"dir/", kept, std::nullopt, Expectation::any(), true, std::nullopt});
  ASSERT_TRUE(marker) << marker.error().to_string();
  ASSERT_TRUE(backend().remove(context_, {"dir/", std::nullopt}));
  ASSERT_TRUE(backend().rename(
      context_, {kept, "dir/", marker->version, Expectation::absent(), true, std::nullopt}));
  EXPECT_EQ(get("dir/").value(), "marker");
}

TEST_P(BackendBehaviour, renames_directories_with_all_below) {
  if (!backend().capabilities().native_rename) GTEST_SKIP() << "no native rename";
  ASSERT_TRUE(put("old/a", "1"));
  ASSERT_TRUE(put("old/b/c", "2"));
  ASSERT_TRUE(put("taken/x", "3"));
  EXPECT_EQ(code_of(backend().rename(context_, {"old/", "taken/", {}, {}})), Code::kAlreadyExists);
  EXPECT_EQ(code_of(backend().rename(context_, {"none/", "new/", {}, {}})), Code::kNotFound);
  auto renamed = backend().rename(context_, {"old/", "deep/new/", {}, {}});
  ASSERT_TRUE(renamed) << renamed.error().to_string();
  EXPECT_EQ(get("deep/new/a").value(), "1");
  EXPECT_EQ(get("deep/new/b/c").value(), "2");
  EXPECT_EQ(code_of(backend().stat(context_, {"old/a"})), Code::kNotFound);
  ASSERT_TRUE(put("old/a", "4"));
  EXPECT_EQ(get("old/a").value(), "4");
}

TEST_P(BackendBehaviour, explicit_directories_stay_when_empty) {
  ASSERT_TRUE(backend().make_directory(context_, "kept/inner/"));
  ASSERT_TRUE(put("kept/inner/f", "x"));
  ASSERT_TRUE(backend().make_directory(context_, "kept/inner/"));  // again: no error
  ASSERT_TRUE(backend().probe(context_));
  if (!backend().capabilities().native_directories) {
    ASSERT_TRUE(backend().remove_directory(context_, "kept/inner/"));
    GTEST_SKIP() << "no native directories";
  }
  EXPECT_EQ(code_of(backend().remove_directory(context_, "kept/inner/")), Code::kAlreadyExists);
  ASSERT_TRUE(backend().remove(context_, {"kept/inner/f", {}}));
  EXPECT_EQ(list("kept/", true), (Listing{{}, {"kept/inner/"}}));
  ASSERT_TRUE(backend().remove_directory(context_, "kept/inner/"));
  EXPECT_EQ(code_of(backend().remove_directory(context_, "kept/inner/")), Code::kNotFound);
  EXPECT_EQ(list("", true), Listing{});
}

TEST_P(BackendBehaviour, a_cancelled_context_stops_calls) {
  ASSERT_TRUE(put("x", "y"));
  auto token = std::make_shared<io::CancelToken>();
  token->cancel();
  const auto cancelled = io::Context{}.with_cancel(token);
  EXPECT_EQ(code_of(backend().stat(cancelled, {"x"})), Code::kCancelled);
  EXPECT_EQ(code_of(backend().remove(cancelled, {"x", {}})), Code::kCancelled);
  EXPECT_EQ(get("x").value(), "y");
}

TEST_P(BackendBehaviour, of_concurrent_conditional_writes_one_wins) {
  auto runtime = io::Runtime::make({.loops = 2, .blocking_threads = 4});
  auto base = put("race", "0");
  ASSERT_TRUE(base);
  std::atomic<int> won{0};
  std::atomic<int> lost{0};
  runtime->run([&] {
    io::Scope scope{context_};
    for (int i = 0; i < 16; ++i) {
      scope.spawn([&, i]() -> Result<void> {
        auto mine = put("race", std::to_string(i + 1), Expectation::at(base->version));
        if (mine) {
          ++won;
        } else if (mine.error().code() == Code::kConflict) {
          ++lost;
        }
        return {};
      });
    }
    EXPECT_TRUE(scope.join());
  });
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 15);
}

TEST_P(BackendBehaviour, directories_come_and_go_under_concurrency) {
  auto runtime = io::Runtime::make({.loops = 2, .blocking_threads = 4});
  std::atomic<int> failures{0};
  runtime->run([&] {
    io::Scope scope{context_};
    for (int i = 0; i < 8; ++i) {
      scope.spawn([&, i]() -> Result<void> {
        const std::string name = i % 2 == 0 ? "t/deep/" + std::to_string(i) : "t";
        for (int round = 0; round < 20; ++round) {
          auto written = put(i % 2 == 0 ? name : name + std::to_string(i), "x");
          if (!written) {
            ADD_FAILURE() << written.error().to_string();
            ++failures;
          }
          auto removed =
              backend().remove(context_, {i % 2 == 0 ? name : name + std::to_string(i), {}});
          if (!removed) {
            ADD_FAILURE() << removed.error().to_string();
            ++failures;
          }
        }
        return {};
      });
    }
    EXPECT_TRUE(scope.join());
  });
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(list("", true), Listing{});
}

}  // namespace beringia::backend
