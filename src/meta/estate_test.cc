#include "meta/estate.h"

#include <gtest/gtest.h>

#include "meta/estate_rows.h"

namespace beringia::meta {
namespace {

Estate sample() {
  Estate estate;
  estate.epoch = 3;
  estate.last_backend_id = 9;
  estate.applied = true;
  estate.backends = {{"zeta",
                      2,
                      "gs://bucket/p",
                      "http://127.0.0.1:1",
                      "none",
                      "eu",
                      "europe-west1",
                      {0.02, 0.005, 0.0004, 0.12, 0.01},
                      8},
                     {"alpha", 1, "file:///srv/lake \"q\"", "", "", "", "", {}, 64}};
  estate.mounts = {{*Path::parse("/b/"),
                    {{"zeta", "x/"}, {"alpha", ""}},
                    {false, std::chrono::seconds{5}},
                    true},
                   {*Path::parse("/"), {{"alpha", ""}}, {true, {}}, false}};
  estate.aliases = {{"old-bucket", *Path::parse("/b/c/")}};
  estate.policies = {{"second", "size > 1", {{"zeta", "NEARLINE"}, {"alpha", ""}}, 1000},
                     {"first", "true", {{"alpha", ""}}, 0}};
  return estate;
}

void expect_same(const Estate& a, const Estate& b) {
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.last_backend_id, b.last_backend_id);
  EXPECT_EQ(a.applied, b.applied);
  EXPECT_EQ(a.backends, b.backends);
  EXPECT_EQ(a.mounts, b.mounts);
  EXPECT_EQ(a.aliases, b.aliases);
  EXPECT_EQ(a.policies, b.policies);
}

TEST(Estate, comes_back_as_saved_in_the_declared_order) {
  auto store = std::move(*kv::open_memory());
  expect_same(*load_estate({}, *store), {});
  ASSERT_TRUE(save_estate({}, *store, {}, sample()));
  const auto loaded = load_estate({}, *store);
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  expect_same(*loaded, sample());
}

TEST(Estate, drops_what_is_no_longer_declared) {
  auto store = std::move(*kv::open_memory());
  ASSERT_TRUE(save_estate({}, *store, {}, sample()));
  Estate less = sample();
  less.policies.clear();
  less.backends.pop_back();
  ASSERT_TRUE(save_estate({}, *store, sample(), less));
  expect_same(*load_estate({}, *store), less);
}

TEST(Estate, a_change_behind_the_callers_back_is_a_conflict) {
  auto store = std::move(*kv::open_memory());
  ASSERT_TRUE(save_estate({}, *store, {}, sample()));
  Estate mine = sample();
  mine.epoch = 4;
  const auto refused = save_estate({}, *store, {}, mine);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kConflict);
  EXPECT_NE(refused.error().hint().find("plan"), std::string::npos);
}

TEST(Estate, damaged_rows_are_corrupt) {
  for (const char* json : {"", "[]", "{\"path\":7}", "{\"path\":\"relative\"}",
                           "{\"path\":\"/\",\"locations\":[1]}", "{\"path\":\"/\",\"loc"}) {
    EXPECT_EQ(decode_mount(json).error().code(), Code::kCorrupt) << json;
  }
  EXPECT_TRUE(decode_mount("{\"path\":\"/a/\",\"from_the_future\":{}}"));
}

}  // namespace
}  // namespace beringia::meta
