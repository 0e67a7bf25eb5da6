#include <gtest/gtest.h>

#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::Call;
using test::HandClock;
using test::must;
using test::World;
using test::WorldOptions;

WorldOptions mounted(std::vector<std::string> backends, bool exclusive, Duration staleness = {},
                     const Clock* clock = nullptr) {
  WorldOptions options;
  options.memory_backends = {"cloud"};
  options.mounts = {{"/", std::move(backends), exclusive, staleness}};
  options.clock = clock;
  return options;
}

TEST(ExclusiveMount, a_tree_that_exists_already_is_readable_as_it_is) {
  for (const char* backend : {"disk", "cloud"}) {
    World world{mounted({backend}, true)};
    for (const char* name : {"b/1", "b/d/2", "b/d/e/3", "c/4"}) {
      world.foreign_write(backend, name, name);
    }
    EXPECT_EQ(world.get("/b/d/e/3").value(), "b/d/e/3");  // before anything was listed
    auto buckets =
        world.names().list_directories(world.context, world.grant(Action::kList, "/"), "", 100);
    ASSERT_TRUE(buckets);
    ASSERT_EQ(buckets->size(), 2U);
    EXPECT_EQ(buckets->front().path.text(), "/b/");
    EXPECT_EQ(world.names_in("/b/"), (std::vector<std::string>{"1", "d/2", "d/e/3"}));
    EXPECT_EQ(world.get("/c/4").value(), "c/4");
    EXPECT_EQ(world.stat("/b/d/none").error().code(), Code::kNotFound);
  }
}

TEST(ExclusiveMount, writing_into_a_tree_that_exists_does_not_hide_the_rest) {
  for (const char* backend : {"disk", "cloud"}) {
    World world{mounted({backend}, true)};
    world.foreign_write(backend, "b/d/old", "old");
    world.foreign_write(backend, "b/d/e/older", "older");
    ASSERT_TRUE(world.put("/b/d/new", "new"));
    ASSERT_TRUE(world.put("/b/d/e/newer", "newer"));
    EXPECT_EQ(world.names_in("/b/"),
              (std::vector<std::string>{"d/e/newer", "d/e/older", "d/new", "d/old"}));
    EXPECT_EQ(world.get("/b/d/e/older").value(), "older");
  }
}

TEST(ExclusiveMount, reading_one_file_of_a_tree_does_not_hide_its_siblings) {
  World world{mounted({"disk"}, true)};
  world.foreign_write("disk", "b/d/e/1", "1");
  world.foreign_write("disk", "b/d/e/2", "2");
  EXPECT_EQ(world.get("/b/d/e/1").value(), "1");
  EXPECT_EQ(world.names_in("/b/"), (std::vector<std::string>{"d/e/1", "d/e/2"}));
}

TEST(ExclusiveMount, making_a_directory_that_exists_natively_does_not_hide_its_files) {
  World world{mounted({"disk"}, true)};
  world.foreign_write("disk", "b/d/1", "1");
  EXPECT_EQ(world.make_directory("/b/").error().code(), Code::kAlreadyExists);
  ASSERT_TRUE(world.make_directory("/b/d/"));
  EXPECT_EQ(world.names_in("/b/"), (std::vector<std::string>{"d/1"}));
}

TEST(ExclusiveMount, asks_no_backend_for_what_it_knows) {
  World world{mounted({"cloud"}, true)};
  ASSERT_TRUE(world.make_directory("/b/"));
  ASSERT_TRUE(world.put("/b/d/k", "1"));
  EXPECT_EQ(world.names_in("/b/").size(), 1U);
  const uint64_t before = world.faults("cloud").calls();
  EXPECT_TRUE(world.stat("/b/d/k"));
  EXPECT_FALSE(world.stat("/b/d/none"));
  EXPECT_FALSE(world.stat("/b/none/none"));
  EXPECT_EQ(world.names_in("/b/").size(), 1U);
  EXPECT_EQ(world.names_in("/b/d/").size(), 1U);
  EXPECT_EQ(world.faults("cloud").calls(), before);
}

TEST(ExclusiveMount, a_clean_restart_trusts_the_catalog_and_another_one_looks_again) {
  World world{mounted({"cloud"}, true)};
  ASSERT_TRUE(world.make_directory("/b/"));
  ASSERT_TRUE(world.put("/b/k", "1"));
  EXPECT_EQ(world.names_in("/b/").size(), 1U);
  world.foreign_write("cloud", "b/foreign", "2");
  world.stop();
  world.start();
  EXPECT_EQ(world.names_in("/b/"), (std::vector<std::string>{"k"}));
  world.restart();
  EXPECT_EQ(world.names_in("/b/"), (std::vector<std::string>{"foreign", "k"}));
}

TEST(ExclusiveMount, a_directory_that_is_older_than_the_last_look_is_looked_at_itself) {
  for (const char* backend : {"disk", "cloud"}) {
    HandClock clock;
    World world{mounted({backend}, true, {}, &clock)};
    ASSERT_TRUE(world.make_directory("/b/"));
    ASSERT_TRUE(world.put("/b/d/1", "1"));
    // A write whose bytes outlived the power loss that took its catalog row.
    world.foreign_write(backend, "b/d/left", "left");
    world.restart();
    clock.pass(std::chrono::seconds{1});
    ListRequest buckets;
    buckets.delimiter = "/";
    EXPECT_TRUE(world.list("/b/", buckets)) << "a look at /b/ is none at /b/d/";
    EXPECT_EQ(world.get("/b/d/left").value(), "left");
    EXPECT_TRUE(world.put("/b/d/left", "new"));
  }
}

TEST(ExclusiveMount, finds_a_newer_generation_that_a_power_loss_took_from_the_catalog) {
  for (const bool lists_first : {false, true}) {
    World world{mounted({"disk", "cloud"}, true)};
    world.foreign_write("cloud", "b/k", "old");
    world.foreign_write("cloud", "b/other", "other");
    ASSERT_EQ(world.names_in("/b/").size(), 2U);
    world.foreign_write("disk", "b/k", "newer");
    EXPECT_EQ(world.get("/b/k").value(), "old") << "only a restart that was not clean looks again";
    world.restart();
    if (lists_first) EXPECT_EQ(world.names_in("/b/"), (std::vector<std::string>{"k", "other"}));
    EXPECT_EQ(world.get("/b/k").value(), "newer");
    EXPECT_EQ(world.stat("/b/other")->record.size, 5U);
    const uint64_t before = world.faults("disk").calls() + world.faults("cloud").calls();
    EXPECT_TRUE(world.stat("/b/other"));
    EXPECT_EQ(world.faults("disk").calls() + world.faults("cloud").calls(), before)
        << "one look is enough";
  }
}

TEST(SharedMount, looks_again_only_when_the_last_look_is_older_than_it_says) {
  HandClock clock;
  World world{mounted({"cloud"}, false, std::chrono::seconds{10}, &clock)};
  ASSERT_TRUE(world.make_directory("/b/"));
  ASSERT_TRUE(world.put("/b/k", "old"));
  EXPECT_EQ(world.names_in("/b/").size(), 1U);
  world.foreign_write("cloud", "b/k", "new bytes");
  world.foreign_write("cloud", "b/other", "other");
  clock.pass(std::chrono::seconds{9});
  EXPECT_EQ(world.stat("/b/k")->record.size, 3U);
  EXPECT_EQ(world.names_in("/b/").size(), 1U);
  clock.pass(std::chrono::seconds{2});
  EXPECT_EQ(world.stat("/b/k")->record.size, 9U);
  EXPECT_EQ(world.names_in("/b/"), (std::vector<std::string>{"k", "other"}));
  EXPECT_EQ(world.get("/b/other").value(), "other");
}

TEST(SharedMount, our_own_writes_and_deletes_are_seen_at_once) {
  HandClock clock;
  World world{mounted({"cloud"}, false, std::chrono::seconds{1000}, &clock)};
  ASSERT_TRUE(world.make_directory("/b/"));
  EXPECT_TRUE(world.names_in("/b/").empty());
  ASSERT_TRUE(world.put("/b/k", "1"));
  EXPECT_EQ(world.names_in("/b/").size(), 1U);
  EXPECT_EQ(world.get("/b/k").value(), "1");
  ASSERT_TRUE(world.remove("/b/k"));
  EXPECT_TRUE(world.names_in("/b/").empty());
  EXPECT_FALSE(world.stat("/b/k"));
}

TEST(SharedMount, a_name_is_absent_only_when_its_backend_said_so_or_is_away) {
  World world{mounted({"cloud"}, false)};
  ASSERT_TRUE(world.make_directory("/b/"));
  EXPECT_TRUE(world.names_in("/b/").empty());  // what lies in it is known
  auto& cloud = world.faults("cloud");
  for (const Error& error : {cancelled("the caller's time is over"), busy("too many calls"),
                             denied("the key was revoked")}) {
    cloud.fail_before(Call::kStat, error, 2);  // both looks
    EXPECT_EQ(world.stat("/b/k").error().code(), error.code());
    cloud.fail_before(Call::kStat, error, 0);
    EXPECT_EQ(world.stat("/b/k").error().code(), Code::kNotFound);
  }
  cloud.set_down(true);
  EXPECT_EQ(world.stat("/b/k").error().code(), Code::kNotFound);  // as learnt before
}

TEST(SharedMount, a_look_that_was_broken_off_is_no_look) {
  World world{mounted({"cloud"}, false)};
  ASSERT_TRUE(world.make_directory("/b/"));
  ASSERT_TRUE(world.put("/b/k", "old"));
  world.foreign_write("cloud", "b/k", "newer");
  world.faults("cloud").fail_before(Call::kStat, cancelled("the caller's time is over"), 2);
  EXPECT_EQ(world.stat("/b/k").error().code(), Code::kCancelled);
  world.faults("cloud").fail_before(Call::kStat, cancelled("the caller's time is over"), 0);
  EXPECT_EQ(world.stat("/b/k")->record.size, 5U);
}

TEST(SharedMount, a_directory_that_was_found_goes_with_what_lay_in_it) {
  World world{mounted({"disk"}, false)};
  world.foreign_write("disk", "b/d/1", "1");
  world.foreign_write("disk", "b/k", "k");
  ListRequest by_directory;
  by_directory.delimiter = "/";
  EXPECT_EQ(must(world.list("/b/", by_directory)).prefixes, std::vector<std::string>{"d/"});
  // Gone before anybody has looked at it; its native directory stays.
  world.foreign_remove("disk", "b/d/1");
  EXPECT_TRUE(must(world.list("/b/", by_directory)).prefixes.empty());
  world.foreign_write("disk", "b/d/2", "2");
  EXPECT_EQ(must(world.list("/b/", by_directory)).prefixes, std::vector<std::string>{"d/"});
  ASSERT_TRUE(world.make_directory("/b/d/"));  // made on purpose: stays
  world.foreign_remove("disk", "b/d/2");
  EXPECT_EQ(must(world.list("/b/", by_directory)).prefixes, std::vector<std::string>{"d/"});
}

class SharedMounts : public testing::TestWithParam<std::string> {
 protected:
  World world_{mounted({GetParam()}, false)};
};

TEST_P(SharedMounts, listings_follow_foreign_writes_overwrites_and_deletes) {
  world_.foreign_write(GetParam(), "b/d/1", "1");
  world_.foreign_write(GetParam(), "b/d/2", "2");
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"d/1", "d/2"}));
  world_.foreign_write(GetParam(), "b/d/2", "longer");
  world_.foreign_write(GetParam(), "b/e/3", "3");
  world_.foreign_remove(GetParam(), "b/d/1");
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"d/2", "e/3"}));
  EXPECT_EQ(world_.list("/b/")->items[0].record.size, 6U);
  EXPECT_EQ(world_.get("/b/d/2").value(), "longer");
}

TEST_P(SharedMounts, an_overwritten_object_keeps_owner_and_tags) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  WriteRequest request;
  request.attributes.tags = {{"hold", "yes"}};
  auto ours = world_.put("/b/k", "ours", request);
  ASSERT_TRUE(ours);
  world_.foreign_write(GetParam(), "b/k", "foreign");
  auto entry = world_.stat("/b/k");
  ASSERT_TRUE(entry);
  EXPECT_GT(entry->record.generation, ours->record.generation);
  EXPECT_EQ(entry->record.owner, "root");
  EXPECT_EQ(entry->record.tags.at("hold"), "yes");
  EXPECT_NE(entry->record.effective_etag(), ours->record.effective_etag());
}

TEST_P(SharedMounts, a_conditional_write_sees_the_foreign_generation) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  auto ours = world_.put("/b/k", "ours");
  world_.foreign_write(GetParam(), "b/k", "foreign");
  WriteRequest request;
  request.conditions.generation_match = ours->record.generation;
  EXPECT_EQ(world_.put("/b/k", "again", request).error().tag(), "precondition");
  request.conditions.generation_match = 0;
  world_.foreign_write(GetParam(), "b/new", "foreign");
  EXPECT_EQ(world_.put("/b/new", "ours", request).error().tag(), "precondition");
  EXPECT_EQ(world_.get("/b/new").value(), "foreign");
}

TEST_P(SharedMounts, a_foreign_delete_is_a_delete) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  ASSERT_TRUE(world_.put("/b/k", "ours"));
  world_.foreign_remove(GetParam(), "b/k");
  EXPECT_EQ(world_.remove("/b/k").error().code(), Code::kNotFound);
  WriteRequest request;
  request.conditions.generation_match = 0;
  ASSERT_TRUE(world_.put("/b/k", "again", request));
  EXPECT_EQ(world_.get("/b/k").value(), "again");
}

TEST_P(SharedMounts, a_listing_that_fails_publishes_nothing) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  ASSERT_TRUE(world_.put("/b/1", "1"));
  EXPECT_EQ(world_.names_in("/b/").size(), 1U);
  world_.foreign_write(GetParam(), "b/2", "2");
  world_.faults(GetParam()).set_down(true);
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"1"}));  // as learnt before
  world_.faults(GetParam()).set_down(false);
  world_.forgive_backends();
  EXPECT_EQ(world_.names_in("/b/").size(), 2U);
}

TEST_P(SharedMounts, an_empty_listing_gets_a_second_look) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  ASSERT_TRUE(world_.put("/b/1", "1"));
  // A backend that lies about the directory, as an unmounted file system does, but not about names.
  world_.faults(GetParam()).set_before([](Call, const std::string&) -> Result<void> { return {}; });
  world_.foreign_remove(GetParam(), "b/1");
  EXPECT_TRUE(world_.names_in("/b/").empty());
  EXPECT_FALSE(world_.stat("/b/1"));
}

TEST_P(SharedMounts, long_directories_are_compared_page_by_page) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  for (int i = 0; i < 2300; ++i) {
    char name[16];
    (void)snprintf(name, sizeof name, "b/%05d", i);
    world_.foreign_write(GetParam(), name, "x");
  }
  ListRequest request;
  request.limit = 700;
  size_t found = 0;
  for (;;) {
    auto page = must(world_.list("/b/", request));
    found += page.items.size();
    if (!page.truncated) break;
    request.start_after = page.last;
  }
  EXPECT_EQ(found, 2300U);
  world_.foreign_remove(GetParam(), "b/01234");
  request = {};
  request.prefix = "0123";
  EXPECT_EQ(world_.names_in("/b/", request).size(), 9U);
}

INSTANTIATE_TEST_SUITE_P(Backends, SharedMounts, testing::Values("disk", "cloud"),
                         [](const auto& info) { return info.param; });

TEST(Deleting, does_not_return_while_a_listing_is_under_way) {
  auto runtime = io::Runtime::make_simulated(9);
  runtime->run([&] {
    World world{mounted({"cloud"}, false), runtime.get()};
    must(world.make_directory("/b/"));
    must(world.put("/b/k", "1"));
    // The backend has answered the listing; before we look at it the entry is deleted.
    bool once = true;
    world.faults("cloud").set_after([&](Call call, const std::string&) -> Result<void> {
      if (call == Call::kList && std::exchange(once, false)) must(world.remove("/b/k"));
      return {};
    });
    (void)world.names_in("/b/");
    world.faults("cloud").set_after({});
    world.faults("cloud").set_down(true);  // nothing can be looked up again
    EXPECT_TRUE(world.names_in("/b/").empty());
  });
}

}  // namespace
}  // namespace beringia::core
