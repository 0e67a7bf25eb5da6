// Directories of more than one page: how they are learnt, and by how many calls.

#include <gtest/gtest.h>

#include <set>

#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::Call;
using test::HandClock;
using test::must;
using test::World;
using test::WorldOptions;

constexpr int kFiles = 3500;  // four pages of a backend

std::string name_of(int i) {
  char name[16];
  (void)snprintf(name, sizeof name, "%05d", i);
  return name;
}

/// A bucket in a backend of memory, filled by somebody else; counts the listings it is asked for.
class Learning : public testing::Test {
 protected:
  explicit Learning(bool exclusive = true, Duration staleness = {}) {
    WorldOptions options;
    options.memory_backends = {"cloud"};
    options.mounts = {{"/", {"cloud"}, exclusive, staleness}};
    options.clock = &clock_;
    world_ = std::make_unique<World>(options);
    for (int i = 0; i < kFiles; ++i) world_->foreign_write("cloud", "b/" + name_of(i), "x");
    ListRequest by_directory;
    by_directory.delimiter = "/";
    must(world_->list("/", by_directory));  // the bucket is known, what lies in it is not
    world_->faults("cloud").set_before([this](Call call, const std::string&) -> Result<void> {
      if (call != Call::kList) return {};
      ++lists_;
      if (failing_ != 0 && lists_ == failing_) return std::unexpected(denied("not now"));
      return {};
    });
  }

  Result<core::ListPage> page(const std::string& after, size_t limit = 1000) {
    ListRequest request;
    request.start_after = after;
    request.limit = limit;
    return world_->list("/b/", request);
  }
  std::vector<std::string> all() {
    std::vector<std::string> names;
    for (std::string after;;) {
      auto next = must(page(after));
      for (const auto& item : next.items) names.push_back(item.name);
      if (!next.truncated) return names;
      after = next.last;
    }
  }

  HandClock clock_;
  std::unique_ptr<World> world_;
  int lists_ = 0;
  int failing_ = 0;  // the listing that is refused, counted from 1
};

class LearningShared : public Learning {
 protected:
  LearningShared() : Learning{false, std::chrono::seconds{10}} {}
};

TEST_F(Learning, a_page_waits_for_a_page_only) {
  const auto first = must(page(""));
  EXPECT_EQ(first.items.size(), 1000U);
  EXPECT_TRUE(first.truncated);
  EXPECT_LE(lists_, 2);
}

TEST_F(Learning, all_pages_cost_one_look_at_each_name) {
  EXPECT_EQ(all().size(), static_cast<size_t>(kFiles));
  EXPECT_LE(lists_, 5);
  lists_ = 0;
  EXPECT_EQ(all().size(), static_cast<size_t>(kFiles));
  EXPECT_EQ(lists_, 0) << "it is known by now";
}

TEST_F(Learning, who_comes_after_a_failure_goes_on_where_it_came) {
  failing_ = 3;
  std::string last;
  Error error = internal("none");
  for (std::string after;;) {
    auto next = page(after);
    if (!next) {
      error = next.error();
      break;
    }
    ASSERT_TRUE(next->truncated);
    last = after = next->last;
  }
  EXPECT_EQ(error.code(), Code::kDenied);
  EXPECT_GE(last, name_of(999));
  failing_ = 0;
  lists_ = 0;
  const auto names = all();
  ASSERT_EQ(names.size(), static_cast<size_t>(kFiles));
  EXPECT_EQ(names.front(), name_of(0));
  EXPECT_EQ(names.back(), name_of(kFiles - 1));
  EXPECT_LE(lists_, 3) << "what was learnt before the failure is not asked for again";
}

TEST_F(Learning, a_page_in_the_middle_needs_nothing_before_it) {
  const auto middle = must(page(name_of(2499), 10));
  ASSERT_EQ(middle.items.size(), 10U);
  EXPECT_EQ(middle.items.front().name, name_of(2500));
  EXPECT_LE(lists_, 1);
  EXPECT_EQ(all().size(), static_cast<size_t>(kFiles));
}

TEST_F(Learning, our_own_changes_are_seen_while_it_is_under_way) {
  must(page(""));
  must(world_->remove("/b/" + name_of(7)));
  must(world_->remove("/b/" + name_of(3000)));
  must(world_->put("/b/00007a", "new"));
  must(world_->put("/b/03000a", "new"));
  const auto names = all();
  EXPECT_EQ(names.size(), static_cast<size_t>(kFiles));
  const std::set<std::string> there{names.begin(), names.end()};
  EXPECT_EQ(there.size(), names.size());
  EXPECT_TRUE(there.contains("00007a") && there.contains("03000a"));
  EXPECT_FALSE(there.contains(name_of(7)) || there.contains(name_of(3000)));
}

TEST_F(Learning, a_directory_that_is_half_known_is_not_taken_for_empty) {
  must(page("", 1));
  const auto removed =
      world_->names().remove_directory(world_->context, world_->grant(Action::kAdminister, "/b/"));
  EXPECT_EQ(removed.error().tag(), "not_empty");
}

TEST_F(LearningShared, what_was_learnt_too_long_ago_is_looked_at_again) {
  must(page(""));
  world_->foreign_write("cloud", "b/00000a", "later");
  EXPECT_EQ(all().size(), static_cast<size_t>(kFiles)) << "as fresh as the mount asks";
  clock_.pass(std::chrono::seconds{11});
  lists_ = 0;
  EXPECT_EQ(all().size(), static_cast<size_t>(kFiles) + 1);
  EXPECT_LE(lists_, 5);
  lists_ = 0;
  EXPECT_EQ(all().size(), static_cast<size_t>(kFiles) + 1);
  EXPECT_EQ(lists_, 0);
}

TEST_F(LearningShared, a_listing_that_takes_longer_than_it_is_fresh_comes_to_its_end) {
  size_t found = 0;
  for (std::string after;;) {
    const auto next = must(page(after));
    found += next.items.size();
    clock_.pass(std::chrono::seconds{6});
    if (!next.truncated) break;
    after = next.last;
  }
  EXPECT_EQ(found, static_cast<size_t>(kFiles));
}

}  // namespace
}  // namespace beringia::core
