#include "core/soft_delete.h"

#include <gtest/gtest.h>

#include "core/janitor.h"
#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::HandClock;
using test::must;
using test::World;
using test::WorldOptions;

constexpr uint64_t kWeek = 7 * 86'400;

class SoftDeleteTest : public testing::Test {
 protected:
  SoftDeleteTest() : world_{with_clock()} {
    must(world_.make_directory("/b/"));
    keep_for(kWeek);
  }
  void keep_for(uint64_t seconds) {
    must(world_.names().set_directory_attributes(
        world_.context, world_.grant(Action::kAdminister, "/b/"),
        {{std::string{kSoftDeleteAttribute}, encode(SoftDelete{seconds, {1}})}}));
  }
  uint64_t put(const std::string& key, const std::string& bytes) {
    return must(world_.put("/b/" + key, bytes), "put").record.generation;
  }
  /// "a=one b=two [c/]": names and bytes of what was deleted softly.
  std::string kept(ListVersionsRequest request = {}) {
    request.soft_deleted = true;
    const auto page = must(world_.list_versions("/b/", request), "list");
    std::string text;
    for (const auto& item : page.items) {
      ReadRequest read;
      read.generation = item.version.record.generation;
      read.soft_deleted = true;
      text +=
          (text.empty() ? "" : " ") + item.name + "=" + must(world_.get("/b/" + item.name, read));
    }
    for (const auto& prefix : page.prefixes) text += " [" + prefix + "]";
    return text + (page.truncated ? " ..." : "");
  }
  Result<Entry> restore(const std::string& key, uint64_t generation,
                        const Conditions& conditions = {}) {
    CopyRequest request;
    request.source_generation = generation;
    request.source_soft_deleted = true;
    request.conditions = conditions;
    return world_.copy("/b/" + key, "/b/" + key, request);
  }
  void expire() {
    must(expire_soft_deleted(world_.context, world_.parts(), 100));
    must(reap_doomed(world_.context, world_.parts(), 100));
  }
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

  HandClock clock_;
  World world_;

 private:
  WorldOptions with_clock() {
    WorldOptions options;
    options.clock = &clock_;
    return options;
  }
};

TEST_F(SoftDeleteTest, what_is_replaced_or_removed_stays_readable_by_its_generation) {
  const uint64_t one = put("a", "one");
  put("a", "two");
  must(world_.remove("/b/a"));
  EXPECT_EQ(kept(), "a=two a=one");
  EXPECT_TRUE(world_.names_in("/b/").empty());
  EXPECT_FALSE(world_.has_native("disk", "b/a"));
  EXPECT_EQ(native_versions(), 2u);
  EXPECT_EQ(world_.get("/b/a").error().code(), Code::kNotFound);
  ReadRequest ordinary;
  ordinary.generation = one;
  EXPECT_EQ(world_.get("/b/a", ordinary).error().code(), Code::kNotFound) << "it is no version";
  EXPECT_TRUE(must(world_.list_versions("/b/", {})).items.empty());
  const Entry entry = must(
      world_.names().find_soft_deleted(world_.context, world_.grant(Action::kRead, "/b/a"), one));
  EXPECT_EQ(entry.hard_delete.micros - entry.became_noncurrent.micros,
            static_cast<int64_t>(kWeek) * 1'000'000);
}

TEST_F(SoftDeleteTest, a_restored_one_is_a_new_generation_and_the_kept_one_stays) {
  const uint64_t one = put("d/a", "one");
  must(world_.remove("/b/d/a"));
  const Entry back = must(restore("d/a", one), "restore");
  EXPECT_GT(back.record.generation, one);
  EXPECT_EQ(world_.get("/b/d/a").value(), "one");
  EXPECT_EQ(kept(), "d/a=one");
  put("d/a", "two");
  EXPECT_EQ(kept(), "d/a=one d/a=one");
  Conditions absent;
  absent.generation_match = 0;
  EXPECT_EQ(restore("d/a", one, absent).error().tag(), "precondition");
  must(restore("d/a", one), "restore over another");
  EXPECT_EQ(kept(), "d/a=two d/a=one d/a=one");
  EXPECT_EQ(restore("d/a", 12345).error().tag(), "no_version");
}

TEST_F(SoftDeleteTest, its_time_ends_it_with_its_bytes_and_an_audit_record) {
  const uint64_t one = put("a", "one");
  must(world_.remove("/b/a"));
  clock_.pass(std::chrono::hours{24 * 6});
  put("c", "three");
  must(world_.remove("/b/c"));
  expire();
  EXPECT_EQ(kept(), "a=one c=three");
  clock_.pass(std::chrono::hours{24});
  EXPECT_EQ(kept(), "c=three") << "it is not shown though nobody has removed it yet";
  EXPECT_EQ(restore("a", one).error().tag(), "no_version");
  EXPECT_EQ(native_versions(), 2u);
  expire();
  EXPECT_EQ(native_versions(), 1u);
  EXPECT_EQ(kept(), "c=three");
  bool told = false;
  for (const auto& row : must(world_.store().scan(world_.context, "a", "b", 1000))) {
    told = told || (row.value.find("soft-delete.expired") != std::string::npos &&
                    row.value.find("/b/a") != std::string::npos);
  }
  EXPECT_TRUE(told);
}

TEST_F(SoftDeleteTest, without_a_policy_nothing_more_is_kept_and_what_was_stays) {
  put("a", "one");
  must(world_.remove("/b/a"));
  keep_for(0);
  put("a", "two");
  must(world_.remove("/b/a"));
  EXPECT_EQ(kept(), "a=one");
  clock_.pass(std::chrono::hours{24 * 8});
  expire();
  EXPECT_EQ(native_versions(), 0u);
}

TEST_F(SoftDeleteTest, with_versions_only_what_goes_for_good_is_kept) {
  world_.set_versioning("/b/", kVersioningOn);
  const uint64_t one = put("a", "one");
  const uint64_t two = put("a", "two");
  EXPECT_EQ(kept(), "");
  must(world_.remove_generation("/b/a", one, false), "noncurrent");
  EXPECT_EQ(kept(), "a=one");
  must(world_.remove_generation("/b/a", two, false), "current");
  EXPECT_EQ(kept(), "a=two a=one");
  EXPECT_TRUE(must(world_.list_versions("/b/", {})).items.empty());
  must(restore("a", two), "restore");
  EXPECT_EQ(world_.get("/b/a").value(), "two");
}

TEST_F(SoftDeleteTest, suspended_versions_keep_what_takes_each_others_place) {
  put("a", "null");
  world_.set_versioning("/b/", kVersioningOn);
  put("a", "one");
  world_.set_versioning("/b/", kVersioningSuspended);
  put("a", "two");    // ends the unversioned one, which is noncurrent
  put("a", "three");  // ends the unversioned one, which is current
  EXPECT_EQ(kept(), "a=two a=null");
}

TEST_F(SoftDeleteTest, a_generation_that_is_the_only_one_is_kept_when_it_is_named) {
  const uint64_t one = put("a", "one");
  EXPECT_EQ(world_.remove_generation("/b/a", 77, false).error().code(), Code::kNotFound);
  must(world_.remove_generation("/b/a", one, false));
  EXPECT_EQ(kept(), "a=one");
}

TEST_F(SoftDeleteTest, a_rename_keeps_what_it_replaces_only) {
  put("a", "one");
  put("c", "two");
  must(world_.rename("/b/a", "/b/c"));
  EXPECT_EQ(kept(), "c=two");
  EXPECT_EQ(world_.get("/b/c").value(), "one");
}

TEST_F(SoftDeleteTest, lists_have_prefixes_and_pages) {
  for (const char* key : {"a", "d/x", "d/y", "e"}) {
    put(key, key);
    must(world_.remove(std::string{"/b/"} + key));
  }
  ListVersionsRequest request;
  request.delimiter = "/";
  EXPECT_EQ(kept(request), "a=a e=e [d/]");
  request.prefix = "d/";
  EXPECT_EQ(kept(request), "d/x=d/x d/y=d/y");
  request = {};
  request.limit = 2;
  EXPECT_EQ(kept(request), "a=a d/x=d/x ...");
  request.start_after = "d/x";
  EXPECT_EQ(kept(request), "d/y=d/y e=e");
}

TEST_F(SoftDeleteTest, a_bucket_comes_back_as_it_was_and_what_was_in_it_after_it) {
  const uint64_t one = put("a", "one");
  must(world_.remove("/b/a"));
  auto& names = world_.names();
  const auto bucket = world_.grant(Action::kAdminister, "/b/");
  const auto before = must(names.stat_directory(world_.context, bucket));
  must(names.remove_directory(world_.context, world_.grant(Action::kAdminister, "/b/")));
  EXPECT_FALSE(names.stat_directory(world_.context, bucket));
  const auto gone = must(names.list_deleted_buckets(world_.context, bucket, "b", "", 10));
  ASSERT_EQ(gone.items.size(), 1u);
  EXPECT_EQ(gone.items[0].record.generation, before.record.generation);
  EXPECT_GT(gone.items[0].hard_delete.micros, gone.items[0].deleted.micros);
  EXPECT_TRUE(must(names.list_deleted_buckets(world_.context, bucket, "bb", "", 10)).items.empty());
  const auto again = [&](uint64_t generation) {
    return names.restore_bucket(world_.context, world_.grant(Action::kAdminister, "/b/"),
                                generation);
  };
  EXPECT_EQ(again(5).error().code(), Code::kNotFound);
  const auto back = must(again(before.record.generation), "restore");
  EXPECT_EQ(back.record.attributes, before.record.attributes);
  EXPECT_EQ(again(before.record.generation).error().code(), Code::kAlreadyExists);
  EXPECT_EQ(kept(), "a=one");
  must(restore("a", one));
  EXPECT_EQ(world_.get("/b/a").value(), "one");
}

TEST_F(SoftDeleteTest, a_deleted_bucket_and_what_was_in_it_end_in_time) {
  put("a", "one");
  must(world_.remove("/b/a"));
  const auto bucket = world_.grant(Action::kAdminister, "/b/");
  const uint64_t generation =
      must(world_.names().stat_directory(world_.context, bucket)).record.generation;
  must(world_.names().remove_directory(world_.context, bucket));
  clock_.pass(std::chrono::hours{24 * 8});
  EXPECT_FALSE(world_.names().restore_bucket(world_.context, bucket, generation));
  expire();
  EXPECT_EQ(native_versions(), 0u);
  EXPECT_TRUE(must(world_.store().scan(world_.context, "w", "z", 10)).empty());
}

}  // namespace
}  // namespace beringia::core
