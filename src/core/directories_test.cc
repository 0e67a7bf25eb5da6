#include <gtest/gtest.h>

#include "core/reconcile.h"
#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::must;
using test::World;
using test::WorldOptions;

WorldOptions two_mounts() {
  WorldOptions options;
  options.memory_backends = {"cloud", "deep"};
  options.mounts = {{"/", {"disk"}}, {"/cloud/", {"cloud:sub/"}}, {"/x/y/", {"deep"}}};
  options.aliases = {{"old-name", "/b/"}, {"inner", "/b/d/"}};
  return options;
}

class Directories : public testing::Test {
 protected:
  Directories() : world_{two_mounts()} {}
  std::vector<std::string> buckets(const std::string& of = "/") {
    std::vector<std::string> names;
    auto found = must(
        world_.names().list_directories(world_.context, world_.grant(Action::kList, of), "", 100));
    for (const auto& directory : found) names.push_back(directory.path.text());
    return names;
  }
  World world_;
};

TEST(MakingABucket, is_not_disturbed_by_a_look_that_finds_its_directory_first) {
  WorldOptions options;
  options.mounts = {{"/", {"disk"}, false}};
  World world{options};
  world.faults("disk").set_after([&](test::Call call, const std::string&) -> Result<void> {
    if (call != test::Call::kMakeDirectory) return {};
    const auto seen =
        world.names().list_directories(world.context, world.grant(Action::kList, "/"), "", 100);
    EXPECT_TRUE(seen && seen->size() == 1) << "found before it was committed";
    return {};
  });
  const auto made = world.make_directory("/b/");
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_GT(made->record.generation, 0U);
  world.faults("disk").set_after({});
  EXPECT_EQ(world.make_directory("/b/").error().tag(), "owned");
}

TEST_F(Directories, a_bucket_stays_when_it_is_empty_and_other_directories_do_not) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  ASSERT_TRUE(world_.put("/b/d/k", "1"));
  ASSERT_TRUE(world_.remove("/b/d/k"));
  EXPECT_EQ(buckets(), (std::vector<std::string>{"/b/", "/cloud/", "/x/"}));
  EXPECT_TRUE(buckets("/b/").empty());
}

TEST_F(Directories, a_bucket_is_made_once_and_says_whose_it_is) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  auto again = world_.make_directory("/b/");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::kAlreadyExists);
  EXPECT_EQ(again.error().tag(), "owned");
  must(world_.evaluator().put(world_.context, {"all", {"*"}, "/", access::Role::kOwner, false}));
  EXPECT_EQ(world_.make_directory("/b/", "other").error().tag(), "foreign");
}

TEST(HierarchicalBucket, keeps_directories_that_somebody_else_has_made) {
  WorldOptions options;
  options.mounts = {{"/", {"disk"}, false}};
  World world{options};
  ASSERT_TRUE(world.names().make_directory(world.context, world.grant(Action::kAdminister, "/b/"),
                                           {{meta::kHierarchyAttribute, "true"}}));
  world.foreign_write("disk", "b/d/e/1", "1");
  ListRequest by_directory;
  by_directory.delimiter = "/";
  EXPECT_EQ(must(world.list("/b/d/", by_directory)).prefixes, std::vector<std::string>{"e/"});
  ASSERT_TRUE(world.remove("/b/d/e/1"));
  EXPECT_EQ(must(world.list("/b/", by_directory)).prefixes, std::vector<std::string>{"d/"});
  EXPECT_EQ(must(world.list("/b/d/", by_directory)).prefixes, std::vector<std::string>{"e/"});
}

TEST_F(Directories, only_an_empty_directory_is_removed) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  ASSERT_TRUE(world_.put("/b/k", "1"));
  auto remove = [&](const std::string& path) {
    return world_.names().remove_directory(world_.context, world_.grant(Action::kAdminister, path));
  };
  EXPECT_EQ(remove("/b/").error().tag(), "not_empty");
  ASSERT_TRUE(world_.remove("/b/k"));
  EXPECT_TRUE(remove("/b/"));
  EXPECT_EQ(remove("/b/").error().tag(), "no_bucket");
  EXPECT_EQ(remove("/cloud/").error().code(), Code::kInvalid);
  EXPECT_EQ(world_.put("/b/k", "1").error().tag(), "no_bucket");
}

TEST_F(Directories, foreign_files_keep_a_directory_from_being_removed) {
  world_.foreign_write("disk", "b/k", "1");
  auto removed =
      world_.names().remove_directory(world_.context, world_.grant(Action::kAdminister, "/b/"));
  EXPECT_EQ(removed.error().tag(), "not_empty");
}

TEST_F(Directories, attributes_are_merged_and_counted) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  auto set = [&](const meta::StringMap& merged) {
    return must(world_.names().set_directory_attributes(
        world_.context, world_.grant(Action::kAdminister, "/b/"), merged));
  };
  set({{"a", "1"}, {"b", "2"}});
  auto info = set({{"a", ""}, {"c", "3"}});
  EXPECT_EQ(info.record.attributes, (meta::StringMap{{"b", "2"}, {"c", "3"}}));
  EXPECT_EQ(info.record.metageneration, 3U);
  auto stat = world_.names().stat_directory(world_.context, world_.grant(Action::kRead, "/b/"));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->record, info.record);
  EXPECT_TRUE(stat->record.explicit_directory);
}

TEST_F(Directories, a_mount_point_is_a_bucket_and_leads_into_its_backend) {
  ASSERT_TRUE(world_.put("/cloud/d/k", "1"));
  EXPECT_TRUE(world_.has_native("cloud", "sub/d/k"));
  ASSERT_TRUE(world_.put("/x/y/k", "2"));
  EXPECT_TRUE(world_.has_native("deep", "k"));
  EXPECT_EQ(world_.names_in("/x/"), (std::vector<std::string>{"y/k"}));
  EXPECT_EQ(world_.get("/x/y/k").value(), "2");
  // What the outer backend has below a mount point is hidden.
  world_.foreign_write("disk", "cloud/hidden", "h");
  EXPECT_EQ(world_.names_in("/cloud/"), (std::vector<std::string>{"d/k"}));
  EXPECT_FALSE(world_.stat("/cloud/hidden"));
}

TEST_F(Directories, an_alias_is_another_name_of_a_path) {
  EXPECT_EQ(world_.names().bucket_path("old-name")->text(), "/b/");
  EXPECT_EQ(world_.names().bucket_path("inner")->text(), "/b/d/");
  EXPECT_EQ(world_.names().bucket_path("b")->text(), "/b/");
  EXPECT_FALSE(world_.names().bucket_path("a/b"));
}

TEST_F(Directories, pages_go_on_behind_the_last_name) {
  for (const char* name : {"/a/", "/b/", "/b-c/"}) ASSERT_TRUE(world_.make_directory(name));
  auto page = must(
      world_.names().list_directories(world_.context, world_.grant(Action::kList, "/"), "a", 2));
  ASSERT_EQ(page.size(), 2U);
  EXPECT_EQ(page[0].path.text(), "/b/");
  EXPECT_EQ(page[1].path.text(), "/b-c/");
}

TEST_F(Directories, owners_of_buckets_are_found) {
  TreeOwners owners{world_.parts().tree, world_.parts().store};
  must(world_.evaluator().put(world_.context, {"all", {"*"}, "/", access::Role::kOwner, false}));
  ASSERT_TRUE(world_.make_directory("/b/", "alice"));
  EXPECT_EQ(owners.owner_of(must(Path::parse("/b/d/k"))), "alice");
  EXPECT_EQ(owners.owner_of(must(Path::parse("/none/k"))), "");
  EXPECT_EQ(owners.owner_of(must(Path::parse("/"))), "");
}

class Attributes : public testing::Test {
 protected:
  Attributes() { EXPECT_TRUE(world_.make_directory("/b/")); }
  Result<Entry> set(const AttributePatch& patch) {
    return world_.names().set_attributes(world_.context, world_.grant(Action::kWrite, "/b/k"),
                                         patch);
  }
  World world_;
};

TEST_F(Attributes, change_without_a_new_generation) {
  auto written = world_.put("/b/k", "bytes");
  AttributePatch patch;
  patch.content_type = "text/html";
  patch.metadata = {{"m", "1"}};
  patch.http = {{"cache-control", "no-store"}};
  patch.tags = meta::StringMap{{"t", "2"}};
  auto entry = set(patch);
  ASSERT_TRUE(entry) << entry.error().to_string();
  EXPECT_EQ(entry->record.generation, written->record.generation);
  EXPECT_EQ(entry->record.metageneration, 2U);
  EXPECT_EQ(entry->record.effective_etag(), written->record.effective_etag());
  EXPECT_EQ(world_.get("/b/k").value(), "bytes");
  patch = {};
  patch.metadata = {{"m", ""}, {"n", "3"}};
  entry = set(patch);
  EXPECT_EQ(entry->record.metadata, (meta::StringMap{{"n", "3"}}));
  EXPECT_EQ(entry->record.content_type, "text/html");
  patch = {};
  patch.replace_metadata = true;
  EXPECT_TRUE(set(patch)->record.metadata.empty());
  auto native = must(world_.faults("disk").inner().stat(world_.context, {"b/k"}));
  EXPECT_EQ(native.content_type, "text/html");
  EXPECT_EQ(native.attributes.at("beringia-tag-t"), "2");
}

TEST_F(Attributes, ask_for_an_entry_and_conditions) {
  EXPECT_EQ(set({}).error().code(), Code::kNotFound);
  ASSERT_TRUE(world_.put("/b/k", "bytes"));
  AttributePatch patch;
  patch.conditions.metageneration_match = 2;
  EXPECT_EQ(set(patch).error().tag(), "precondition");
  patch.conditions.metageneration_match = 1;
  EXPECT_TRUE(set(patch));
}

TEST_F(Attributes, are_found_again_by_a_new_catalog) {
  WriteRequest request;
  request.attributes.metadata = {{"m", "1"}};
  request.attributes.tags = {{"t", "2"}};
  request.attributes.http = {{"content-language", "de"}};
  request.attributes.content_type = "text/plain";
  auto written = world_.put("/b/k", "bytes", request);
  ASSERT_TRUE(written);
  auto info = must(world_.faults("disk").inner().stat(world_.context, {"b/k"}));
  const auto record = record_of_native(info);
  EXPECT_EQ(record.metadata, written->record.metadata);
  EXPECT_EQ(record.tags, written->record.tags);
  EXPECT_EQ(record.http, written->record.http);
  EXPECT_EQ(record.content_type, "text/plain");
  EXPECT_EQ(record.owner, "root");
  EXPECT_EQ(record.crc32c, written->record.crc32c);
  EXPECT_EQ(record.effective_etag(), written->record.effective_etag());
}

TEST_F(Attributes, explain_says_where_an_entry_is_and_why) {
  ASSERT_TRUE(world_.put("/b/k", "bytes"));
  auto why = world_.names().explain(world_.context, world_.grant(Action::kRead, "/b/k"));
  ASSERT_TRUE(why);
  EXPECT_EQ(why->mount, "/");
  EXPECT_EQ(why->why, "written here by root");
  ASSERT_EQ(why->copies.size(), 1U);
  EXPECT_EQ(why->copies[0].backend, "disk");
  EXPECT_EQ(why->copies[0].native_name, "b/k");
  EXPECT_EQ(why->copies[0].state, "valid");
  EXPECT_FALSE(why->copies[0].version.empty());
  world_.foreign_write("disk", "b/d/foreign", "bytes");
  world_.restart();
  why = world_.names().explain(world_.context, world_.grant(Action::kRead, "/b/d/foreign"));
  ASSERT_TRUE(why) << why.error().to_string();
  EXPECT_EQ(why->why, "found in the backend");
}

}  // namespace
}  // namespace beringia::core
