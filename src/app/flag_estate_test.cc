#include "app/flag_estate.h"

#include <gtest/gtest.h>

namespace beringia::app {
namespace {

Settings with_mounts(std::vector<std::string> mounts) {
  Settings settings;
  settings.mount = std::move(mounts);
  settings.freshness = "shared";
  settings.backend_concurrency = 64;
  return settings;
}

TEST(FlagEstate, no_flag_means_the_objects_directory_for_us_alone) {
  const auto estate = estate_of_flags(with_mounts({}), "/d/objects", {});
  ASSERT_TRUE(estate) << estate.error().to_string();
  ASSERT_EQ(estate->mounts.size(), 1u);
  EXPECT_TRUE(estate->mounts[0].path.is_root());
  EXPECT_TRUE(estate->mounts[0].freshness.exclusive);
  EXPECT_EQ(estate->backends.at(0).url, "file:///d/objects");
  EXPECT_EQ(estate->backends.at(0).id, 1u);
}

TEST(FlagEstate, one_path_twice_is_a_union_in_that_order) {
  const auto estate =
      estate_of_flags(with_mounts({"/=file:///srv/lake", "/=gs://lake", "/x=gs://other"}), "", {});
  ASSERT_TRUE(estate) << estate.error().to_string();
  ASSERT_EQ(estate->mounts.size(), 2u);
  ASSERT_EQ(estate->mounts[0].locations.size(), 2u);
  EXPECT_EQ(estate->mounts[0].locations[0].backend, "lake");
  EXPECT_EQ(estate->mounts[0].locations[1].backend, "lake-2");
  EXPECT_EQ(estate->mounts[1].path.text(), "/x/");
  EXPECT_FALSE(estate->mounts[0].freshness.exclusive);
}

TEST(FlagEstate, a_restart_with_the_same_flags_changes_nothing) {
  const auto settings = with_mounts({"/=file:///srv/lake", "/=gs://lake"});
  const auto first = estate_of_flags(settings, "", {}).value();
  const auto second = estate_of_flags(settings, "", first).value();
  EXPECT_EQ(first.backends, second.backends);
  EXPECT_EQ(first.mounts, second.mounts);
  EXPECT_EQ(first.epoch, second.epoch);
  EXPECT_EQ(first.last_backend_id, second.last_backend_id);
}

TEST(FlagEstate, a_backend_that_is_new_never_gets_an_old_id) {
  const auto first = estate_of_flags(with_mounts({"/=file:///a", "/=file:///b"}), "", {}).value();
  const auto second = estate_of_flags(with_mounts({"/=file:///b"}), "", first).value();
  EXPECT_EQ(second.backends.at(0).id, 2u);
  const auto third = estate_of_flags(with_mounts({"/=file:///c"}), "", second).value();
  EXPECT_EQ(third.backends.at(0).id, 3u);
  EXPECT_GT(third.epoch, second.epoch);
}

TEST(FlagEstate, flags_that_cannot_be_read_are_refused) {
  for (const char* bad : {"/srv", "x=file:///a"}) {
    EXPECT_FALSE(estate_of_flags(with_mounts({bad}), "", {})) << bad;
  }
  EXPECT_FALSE(estate_of_flags(with_mounts({"/=file:///a", "/=file:///a"}), "", {}));
}

}  // namespace
}  // namespace beringia::app
