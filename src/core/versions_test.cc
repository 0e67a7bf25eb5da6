#include "core/versions.h"

#include <gtest/gtest.h>

#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::must;
using test::World;
using test::WorldOptions;

/// "a:3* a:2 a:1x": names with the place of their generation in `known`, x a mark, * current.
std::string describe(const VersionPage& page, const std::vector<uint64_t>& known) {
  std::string text;
  for (const auto& item : page.items) {
    const auto at = std::find(known.begin(), known.end(), item.version.record.generation);
    if (!text.empty()) text += ' ';
    text += item.name + ":";
    text += at == known.end() ? "?" : std::to_string(at - known.begin() + 1);
    if (item.version.delete_marker) text += 'x';
    if (!item.version.record.versioned) text += 'n';
    if (item.is_current) text += '*';
  }
  for (const auto& prefix : page.prefixes) text += " [" + prefix + "]";
  return text;
}

class VersionsCoreTest : public testing::Test {
 protected:
  explicit VersionsCoreTest(WorldOptions options = {}) : world_{std::move(options)} {
    must(world_.make_directory("/b/"));
  }
  void enable() { world_.set_versioning("/b/", kVersioningOn); }
  void suspend() { world_.set_versioning("/b/", kVersioningSuspended); }
  uint64_t put(const std::string& key, const std::string& bytes) {
    const Entry entry = must(world_.put("/b/" + key, bytes), "put");
    known_.push_back(entry.record.generation);
    return entry.record.generation;
  }
  /// Removes without naming a generation. @return the mark's generation, 0 if none was set
  uint64_t remove(const std::string& key) {
    RemoveRequest request;
    request.marks_absent = true;
    const Removed removed = must(
        world_.names().remove(world_.context, world_.grant(Action::kDelete, "/b/" + key), request),
        "remove");
    if (!removed.marker) return 0;
    known_.push_back(removed.marker->record.generation);
    return removed.marker->record.generation;
  }
  Result<std::string> get(const std::string& key, std::optional<uint64_t> generation = {}) {
    ReadRequest request;
    request.generation = generation;
    return world_.get("/b/" + key, request);
  }
  std::string versions(const ListVersionsRequest& request = {}) {
    return describe(must(world_.list_versions("/b/", request), "list versions"), known_);
  }
  /// Second names that are left in the backend.
  size_t native_versions() {
    const std::string root = World::root_of("disk") + "/.beringia/versions";
    size_t found = 0;
    std::vector<std::string> folders;
    (void)world_.disk().list(root, [&](const io::DirectoryItem& item) {
      folders.push_back(root + "/" + item.name);
      return true;
    });
    for (const auto& folder : folders) {
      (void)world_.disk().list(folder, [&](const io::DirectoryItem&) {
        ++found;
        return true;
      });
    }
    return found;
  }

  World world_;
  std::vector<uint64_t> known_;
};

TEST_F(VersionsCoreTest, a_bucket_that_never_kept_versions_keeps_none) {
  put("a", "one");
  put("a", "two");
  EXPECT_EQ(versions(), "a:2n*");
  EXPECT_EQ(get("a", kUnversioned).value(), "two");
  EXPECT_EQ(get("a", known_[0]).error().code(), Code::kNotFound);
  remove("a");
  EXPECT_EQ(versions(), "");
}

TEST_F(VersionsCoreTest, overwritten_bytes_stay_readable_by_their_generation) {
  put("a", "null");
  enable();
  const uint64_t one = put("a", "one");
  const uint64_t two = put("a", "two");
  EXPECT_EQ(versions(), "a:3* a:2 a:1n");
  EXPECT_EQ(get("a").value(), "two");
  EXPECT_EQ(get("a", two).value(), "two");
  EXPECT_EQ(get("a", one).value(), "one");
  EXPECT_EQ(get("a", kUnversioned).value(), "null");
  EXPECT_EQ(get("a", 12345).error().tag(), "no_version");
  EXPECT_EQ(native_versions(), 2u);
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"a"}));
  const Entry entry =
      must(world_.names().stat(world_.context, world_.grant(Action::kRead, "/b/a"), one));
  EXPECT_FALSE(entry.is_current);
  EXPECT_EQ(entry.versioning, Versioning::kOn);
  EXPECT_GT(entry.became_noncurrent.micros, 0);
}

TEST_F(VersionsCoreTest, a_removal_leaves_a_mark_and_what_was) {
  enable();
  const uint64_t one = put("d/a", "one");
  const uint64_t mark = remove("d/a");
  EXPECT_EQ(get("d/a").error().code(), Code::kNotFound);
  EXPECT_EQ(get("d/a", one).value(), "one");
  EXPECT_EQ(get("d/a", mark).error().tag(), "no_version");
  EXPECT_EQ(versions(), "d/a:2x* d/a:1");
  EXPECT_TRUE(world_.names_in("/b/").empty()) << "the directory is gone";
  EXPECT_FALSE(world_.has_native("disk", "b/d/a"));
  const auto grant = world_.grant(Action::kRead, "/b/d/a");
  EXPECT_EQ(must(world_.names().find_marker(world_.context, grant, {}))->record.generation, mark);
  EXPECT_TRUE(must(world_.names().find_marker(world_.context, grant, mark)));
  EXPECT_FALSE(must(world_.names().find_marker(world_.context, grant, one)));
  // Absent names, too, if the caller wants it so.
  remove("none");
  EXPECT_EQ(versions(), "d/a:2x* d/a:1 none:3x*");
  EXPECT_EQ(world_.remove("/b/other").error().code(), Code::kNotFound);
}

TEST_F(VersionsCoreTest, removing_the_mark_brings_back_what_was) {
  enable();
  const uint64_t one = put("d/a", "one");
  const Entry before = must(world_.stat("/b/d/a"));
  const uint64_t first_mark = remove("d/a");
  const uint64_t second_mark = remove("d/a");
  EXPECT_EQ(versions(), "d/a:3x* d/a:2x d/a:1");
  ASSERT_TRUE(world_.remove_generation("/b/d/a", second_mark));
  EXPECT_EQ(get("d/a").error().code(), Code::kNotFound) << "another mark is left";
  EXPECT_EQ(versions(), "d/a:2x* d/a:1");
  const auto removed = world_.remove_generation("/b/d/a", first_mark);
  ASSERT_TRUE(removed) << removed.error().to_string();
  EXPECT_TRUE(removed->marker);
  EXPECT_EQ(get("d/a").value(), "one");
  EXPECT_EQ(versions(), "d/a:1*");
  const Entry after = must(world_.stat("/b/d/a"));
  EXPECT_EQ(after.record.generation, one);
  EXPECT_EQ(after.record.modified, before.record.modified);
  EXPECT_EQ(after.record.metageneration, before.record.metageneration);
  EXPECT_EQ(native_versions(), 0u);
  // It is an entry like any other again.
  put("d/a", "two");
  EXPECT_EQ(get("d/a", one).value(), "one");
}

TEST_F(VersionsCoreTest, removing_the_current_generation_brings_back_the_one_before) {
  put("a", "null");
  enable();
  const uint64_t one = put("a", "one");
  const uint64_t two = put("a", "two");
  ASSERT_TRUE(world_.remove_generation("/b/a", two));
  EXPECT_EQ(versions(), "a:2* a:1n");
  EXPECT_EQ(get("a").value(), "one");
  ASSERT_TRUE(world_.remove_generation("/b/a", one));
  EXPECT_EQ(get("a").value(), "null");
  EXPECT_EQ(versions(), "a:1n*");
  ASSERT_TRUE(world_.remove_generation("/b/a", kUnversioned));
  EXPECT_EQ(get("a").error().code(), Code::kNotFound);
  EXPECT_EQ(versions(), "");
  EXPECT_EQ(native_versions(), 0u);
  EXPECT_FALSE(world_.has_native("disk", "b/a"));
}

TEST_F(VersionsCoreTest, removing_an_old_generation_touches_nothing_else) {
  enable();
  const uint64_t one = put("a", "one");
  const uint64_t two = put("a", "two");
  put("a", "three");
  ASSERT_TRUE(world_.remove_generation("/b/a", two));
  EXPECT_EQ(world_.remove_generation("/b/a", two).error().tag(), "no_version");
  EXPECT_EQ(versions(), "a:3* a:1");
  EXPECT_EQ(get("a").value(), "three");
  EXPECT_EQ(get("a", one).value(), "one");
  EXPECT_EQ(native_versions(), 1u);
}

TEST_F(VersionsCoreTest, without_bringing_back_the_name_stays_deleted) {
  enable();
  const uint64_t one = put("a", "one");
  const uint64_t two = put("a", "two");
  ASSERT_TRUE(world_.remove_generation("/b/a", two, false));
  EXPECT_EQ(get("a").error().code(), Code::kNotFound);
  EXPECT_EQ(get("a", one).value(), "one");
  EXPECT_EQ(versions(), "a:?x* a:1");
  // With the last generation the marks go, too: they are nothing by themselves here.
  ASSERT_TRUE(world_.remove_generation("/b/a", one, false));
  EXPECT_EQ(versions(), "");
}

TEST_F(VersionsCoreTest, suspended_a_write_replaces_the_unversioned_generation_only) {
  enable();
  const uint64_t one = put("a", "one");
  suspend();
  put("a", "null 1");
  EXPECT_EQ(versions(), "a:2n* a:1");
  put("a", "null 2");
  EXPECT_EQ(versions(), "a:3n* a:1");
  enable();
  put("a", "four");
  EXPECT_EQ(versions(), "a:4* a:3n a:1");
  suspend();
  put("a", "null 3");
  EXPECT_EQ(versions(), "a:5n* a:4 a:1");
  EXPECT_EQ(get("a", kUnversioned).value(), "null 3");
  EXPECT_EQ(get("a", one).value(), "one");
  EXPECT_EQ(native_versions(), 2u);
}

TEST_F(VersionsCoreTest, suspended_a_removal_replaces_it_by_a_mark) {
  enable();
  put("a", "one");
  suspend();
  put("a", "null");
  remove("a");
  EXPECT_EQ(versions(), "a:3xn* a:1");
  EXPECT_EQ(get("a", kUnversioned).error().tag(), "no_version");
  remove("a");
  EXPECT_EQ(versions(), "a:4xn* a:1") << "one mark of that kind, not two";
  put("a", "null again");
  EXPECT_EQ(versions(), "a:5n* a:1");
  EXPECT_EQ(native_versions(), 1u);
}

TEST_F(VersionsCoreTest, a_bucket_with_versions_is_not_empty) {
  enable();
  put("a", "one");
  const uint64_t mark = remove("a");
  const auto drop = [&] {
    return world_.names().remove_directory(world_.context,
                                           world_.grant(Action::kAdminister, "/b/"));
  };
  EXPECT_EQ(drop().error().tag(), "not_empty");
  ASSERT_TRUE(world_.remove_generation("/b/a", known_[0]));
  EXPECT_EQ(drop().error().tag(), "not_empty") << "a mark is left";
  ASSERT_TRUE(world_.remove_generation("/b/a", mark));
  EXPECT_TRUE(drop());
}

TEST_F(VersionsCoreTest, old_generations_are_sources_of_copies) {
  enable();
  const uint64_t one = put("a", "one");
  put("a", "two");
  CopyRequest request;
  request.source_generation = one;
  ASSERT_TRUE(world_.copy("/b/a", "/b/c", request));
  EXPECT_EQ(get("c").value(), "one");
  ASSERT_TRUE(world_.copy("/b/a", "/b/a", request)) << "brought back as a new version";
  EXPECT_EQ(get("a").value(), "one");
  remove("a");
  request.source_generation = known_[1];
  ASSERT_TRUE(world_.copy("/b/a", "/b/d", request));
  EXPECT_EQ(get("d").value(), "two");
  request.source_generation = 7;
  EXPECT_EQ(world_.copy("/b/a", "/b/e", request).error().tag(), "no_version");
}

TEST_F(VersionsCoreTest, attributes_of_old_generations_change_in_place) {
  enable();
  const uint64_t one = put("a", "one");
  put("a", "two");
  AttributePatch patch;
  patch.generation = one;
  patch.tags = meta::StringMap{{"k", "v"}};
  const auto set =
      world_.names().set_attributes(world_.context, world_.grant(Action::kWrite, "/b/a"), patch);
  ASSERT_TRUE(set) << set.error().to_string();
  EXPECT_FALSE(set->is_current);
  EXPECT_EQ(set->record.metageneration, 2u);
  const auto grant = world_.grant(Action::kRead, "/b/a");
  EXPECT_EQ(must(world_.names().stat(world_.context, grant, one)).record.tags.at("k"), "v");
  EXPECT_TRUE(must(world_.stat("/b/a")).record.tags.empty());
  EXPECT_EQ(get("a", one).value(), "one");
  patch.generation = remove("a");
  EXPECT_EQ(world_.names()
                .set_attributes(world_.context, world_.grant(Action::kWrite, "/b/a"), patch)
                .error()
                .tag(),
            "no_version")
      << "a mark has no attributes";
}

TEST_F(VersionsCoreTest, a_rename_leaves_a_version_and_a_mark) {
  enable();
  const uint64_t one = put("a", "one");
  const uint64_t target = put("t", "target");
  ASSERT_TRUE(world_.rename("/b/a", "/b/t"));
  EXPECT_EQ(get("t").value(), "one");
  EXPECT_EQ(get("t", target).value(), "target");
  EXPECT_EQ(get("a").error().code(), Code::kNotFound);
  EXPECT_EQ(get("a", one).value(), "one");
  EXPECT_EQ(versions(), "a:?x* a:1 t:?* t:2");
}

TEST_F(VersionsCoreTest, bytes_that_cannot_be_kept_are_not_replaced) {
  enable();
  const uint64_t one = put("a", "one");
  world_.faults("disk").fail_before(test::Call::kRename, unavailable("away"));
  EXPECT_FALSE(world_.put("/b/a", "two"));
  EXPECT_EQ(get("a").value(), "one");
  EXPECT_EQ(must(world_.stat("/b/a")).record.generation, one);
  world_.forgive_backends();
  world_.faults("disk").fail_before(test::Call::kRename, unavailable("away"));
  EXPECT_FALSE(world_.remove("/b/a"));
  world_.forgive_backends();
  EXPECT_EQ(get("a").value(), "one");
  EXPECT_EQ(native_versions(), 0u);
  put("a", "three");
  EXPECT_EQ(versions(), "a:2* a:1");
}

TEST_F(VersionsCoreTest, lists_page_by_page_with_prefixes) {
  enable();
  put("a", "1");
  put("a", "2");
  put("d/x", "3");
  remove("d/x");
  put("d/y", "4");
  put("e", "5");
  put("e", "6");
  put("f/gone", "7");
  remove("f/gone");
  ListVersionsRequest request;
  request.delimiter = "/";
  EXPECT_EQ(versions(request), "a:2* a:1 e:7* e:6 [d/] [f/]");
  request.limit = 1;
  std::string pages;
  for (int page_number = 0; page_number < 20; ++page_number) {
    const VersionPage page = must(world_.list_versions("/b/", request));
    pages += describe(page, known_) + "|";
    if (!page.truncated) break;
    request.start_after = page.last;
    request.after_generation = page.last_generation;
  }
  EXPECT_EQ(pages, "a:2*|a:1| [d/]|e:7*|e:6| [f/]|");
  ListVersionsRequest below;
  below.prefix = "d/";
  EXPECT_EQ(versions(below), "d/x:4x* d/x:3 d/y:5*");
  below.start_after = "d/x";
  EXPECT_EQ(versions(below), "d/y:5*");
  below.after_generation = known_[3];
  EXPECT_EQ(versions(below), "d/x:3 d/y:5*");
  below.start_after.clear();
  below.after_generation.reset();
  below.end_offset = "d/y";
  EXPECT_EQ(versions(below), "d/x:4x* d/x:3");
}

}  // namespace
}  // namespace beringia::core
