// Holds, retention policies of buckets, retention of objects, customTime, and settings of buckets.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class RetentionTest : public ServiceTest {
 protected:
  void make_lake(const std::string& members, const std::string& query = "") {
    const Answer made =
        post("/storage/v1/b?project=l" + query, R"({"name":"lake")" + members + "}");
    ASSERT_EQ(made.status, 200) << made.body;
  }
  Answer lake() { return get("/storage/v1/b/lake"); }
  Answer patch_lake(const std::string& json) { return patch("/storage/v1/b/lake", json); }
  std::string in_seconds(int64_t seconds) const {
    return to_iso8601(Timestamp{world_.clock().wall().micros + seconds * 1'000'000});
  }
};

TEST_F(RetentionTest, what_is_held_is_neither_removed_nor_replaced) {
  make_lake("");
  ASSERT_EQ(put("x", "1").status, 200);
  for (const char* hold : {"temporaryHold", "eventBasedHold"}) {
    const std::string member = "\"" + std::string{hold} + "\":";
    const Answer held = patch(object("x"), "{" + member + "true}");
    ASSERT_EQ(held.status, 200) << held.body;
    EXPECT_EQ(held.at("/" + std::string{hold}), "true");
    EXPECT_EQ(held.at("/retentionExpirationTime"), "<none>");
    EXPECT_EQ(remove(object("x")).status, 403) << hold;
    EXPECT_EQ(put("x", "2").status, 403) << hold;
    EXPECT_EQ(post(object("x") + "/moveTo/o/y", "").status, 403) << hold;
    EXPECT_EQ(media("x"), "1");
    EXPECT_EQ(patch(object("x"), "{" + member + "false}").status, 200);
  }
  EXPECT_EQ(put("x", "2").status, 200);
  EXPECT_EQ(remove(object("x")).status, 204);
}

TEST_F(RetentionTest, a_default_event_based_hold_is_of_new_objects_and_starts_the_retention) {
  make_lake(R"(,"defaultEventBasedHold":true,"retentionPolicy":{"retentionPeriod":"60"})");
  const Answer made = put("x", "1");
  EXPECT_EQ(made.at("/eventBasedHold"), "true");
  EXPECT_EQ(made.at("/retentionExpirationTime"), "<none>");
  clock_.pass(std::chrono::seconds{100});
  EXPECT_EQ(remove(object("x")).status, 403);
  const Answer released = patch(object("x"), R"({"eventBasedHold":false})");
  EXPECT_EQ(released.at("/retentionExpirationTime"), in_seconds(60));
  EXPECT_EQ(remove(object("x")).status, 403);
  clock_.pass(std::chrono::seconds{61});
  EXPECT_EQ(remove(object("x")).status, 204);
  EXPECT_EQ(patch_lake(R"({"defaultEventBasedHold":false})").at("/defaultEventBasedHold"),
            "<none>");
  EXPECT_EQ(put("y", "1").at("/eventBasedHold"), "<none>");
}

TEST_F(RetentionTest, the_policy_of_a_bucket_keeps_what_is_there_and_can_be_locked) {
  make_lake("");
  ASSERT_EQ(put("x", "1").status, 200);
  EXPECT_EQ(patch_lake(R"({"retentionPolicy":{"retentionPeriod":"0"}})").status, 400);
  const Answer set = patch_lake(R"({"retentionPolicy":{"retentionPeriod":"60"}})");
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.at("/retentionPolicy/retentionPeriod"), "60");
  EXPECT_EQ(set.at("/retentionPolicy/effectiveTime"), in_seconds(0));
  EXPECT_EQ(set.at("/retentionPolicy/isLocked"), "<none>");
  EXPECT_EQ(get(object("x")).at("/retentionExpirationTime"), in_seconds(60));
  EXPECT_EQ(remove(object("x")).status, 403);
  EXPECT_EQ(put("x", "2").status, 403);
  ASSERT_EQ(patch_lake(R"({"retentionPolicy":null})").status, 200);
  EXPECT_EQ(put("x", "2").status, 200);

  ASSERT_EQ(patch_lake(R"({"retentionPolicy":{"retentionPeriod":60}})").status, 200);
  const std::string lock = "/storage/v1/b/lake/lockRetentionPolicy";
  EXPECT_EQ(post(lock, "").status, 400);
  EXPECT_EQ(post(lock + "?ifMetagenerationMatch=1", "").status, 412);
  const Answer locked = post(lock + "?ifMetagenerationMatch=" + lake().at("/metageneration"), "");
  ASSERT_EQ(locked.status, 200) << locked.body;
  EXPECT_EQ(locked.at("/retentionPolicy/isLocked"), "true");
  EXPECT_EQ(patch_lake(R"({"retentionPolicy":null})").status, 403);
  EXPECT_EQ(patch_lake(R"({"retentionPolicy":{"retentionPeriod":"59"}})").status, 403);
  EXPECT_EQ(patch_lake(R"({"retentionPolicy":{"retentionPeriod":"90"}})").status, 200);
  EXPECT_EQ(lake().at("/retentionPolicy/isLocked"), "true");
}

TEST_F(RetentionTest, versions_may_be_covered_but_not_removed) {
  make_lake(R"(,"versioning":{"enabled":true},"retentionPolicy":{"retentionPeriod":"60"})");
  const std::string first = put("x", "1").at("/generation");
  EXPECT_EQ(put("x", "2").status, 200);
  EXPECT_EQ(remove(object("x") + "?generation=" + first).status, 403);
  EXPECT_EQ(remove(object("x")).status, 204);
  clock_.pass(std::chrono::seconds{61});
  EXPECT_EQ(remove(object("x") + "?generation=" + first).status, 204);
}

TEST_F(RetentionTest, objects_have_a_retention_of_their_own_where_it_is_enabled) {
  make_lake("", "&enableObjectRetention=true");
  EXPECT_EQ(lake().at("/objectRetention/mode"), "Enabled");
  ASSERT_EQ(put("x", "1").status, 200);
  auto retain = [&](const char* mode, int64_t seconds, const std::string& query = "") {
    return patch(object("x") + query, R"({"retention":{"mode":")" + std::string{mode} +
                                          R"(","retainUntilTime":")" + in_seconds(seconds) +
                                          R"("}})");
  };
  EXPECT_EQ(retain("Unlocked", -5).status, 400);
  EXPECT_EQ(retain("Sometimes", 60).status, 400);
  const Answer set = retain("Unlocked", 60);
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.at("/retention/mode"), "Unlocked");
  EXPECT_EQ(set.at("/retention/retainUntilTime"), in_seconds(60));
  EXPECT_EQ(remove(object("x")).status, 403);
  EXPECT_EQ(retain("Unlocked", 30).status, 403);
  EXPECT_EQ(retain("Unlocked", 30, "?overrideUnlockedRetention=true").status, 200);
  EXPECT_EQ(patch(object("x"), R"({"retention":null})").status, 403);
  EXPECT_EQ(patch(object("x") + "?overrideUnlockedRetention=true",
                  R"({"retention":{"mode":null,"retainUntilTime":null}})")
                .at("/retention"),
            "<none>");
  EXPECT_EQ(retain("Locked", 60).status, 200);
  EXPECT_EQ(retain("Locked", 30, "?overrideUnlockedRetention=true").status, 403);
  EXPECT_EQ(put("x", "2").status, 403);
  clock_.pass(std::chrono::seconds{61});
  EXPECT_EQ(put("x", "2").status, 200);
}

TEST_F(RetentionTest, retention_needs_a_bucket_that_was_made_for_it) {
  make_lake("");
  ASSERT_EQ(put("x", "1").status, 200);
  EXPECT_EQ(patch(object("x"),
                  R"({"retention":{"mode":"Locked","retainUntilTime":")" + in_seconds(9) + R"("}})")
                .status,
            400);
}

TEST_F(RetentionTest, custom_time_never_goes_back) {
  make_lake("");
  ASSERT_EQ(put("x", "1").status, 200);
  const std::string early = "2020-01-02T03:04:05.123456Z";
  EXPECT_EQ(patch(object("x"), R"({"customTime":"soon"})").status, 400);
  EXPECT_EQ(patch(object("x"), R"({"customTime":")" + early + "\"}").at("/customTime"), early);
  EXPECT_EQ(patch(object("x"), R"({"customTime":null})").status, 400);
  EXPECT_EQ(patch(object("x"), R"({"customTime":"2019-01-02T03:04:05Z"})").status, 400);
  EXPECT_EQ(patch(object("x"), R"({"customTime":"2021-01-02T03:04:05Z"})").status, 200);
  EXPECT_EQ(ask({.method = "PUT", .target = object("x"), .body = R"({"contentType":"a/b"})"})
                .at("/customTime"),
            "2021-01-02T03:04:05Z");
}

TEST_F(RetentionTest, settings_of_a_bucket_read_back_as_they_were_set) {
  make_lake(
      R"(,"cors":[{"origin":["http://a"],"method":["GET"],"responseHeader":["X"],"maxAgeSeconds":9}],
      "billing":{"requesterPays":true},"autoclass":{"enabled":true},"location":"us",
      "customPlacementConfig":{"dataLocations":["US-EAST1","US-WEST1"]},
      "ipFilter":{"mode":"Disabled","publicNetworkSource":{"allowedIpCidrRanges":["1.2.3.4/32"]}},
      "iamConfiguration":{"publicAccessPrevention":"enforced"})");
  Answer lake = this->lake();
  EXPECT_EQ(
      lake.at("/cors"),
      R"([{"origin":["http://a"],"method":["GET"],"responseHeader":["X"],"maxAgeSeconds":9}])");
  EXPECT_EQ(lake.at("/billing/requesterPays"), "true");
  EXPECT_EQ(lake.at("/autoclass/terminalStorageClass"), "NEARLINE");
  EXPECT_EQ(lake.at("/autoclass/toggleTime"), in_seconds(0));
  EXPECT_EQ(lake.at("/location"), "US");
  EXPECT_EQ(lake.at("/locationType"), "dual-region");
  EXPECT_EQ(lake.at("/customPlacementConfig/dataLocations"), R"(["US-EAST1","US-WEST1"])");
  EXPECT_EQ(lake.at("/ipFilter/mode"), "Disabled");
  EXPECT_EQ(lake.at("/iamConfiguration/publicAccessPrevention"), "enforced");
  lake = patch_lake(R"({"cors":null,"billing":null,"ipFilter":null,"autoclass":{"enabled":false},
      "iamConfiguration":{"publicAccessPrevention":"inherited"}})");
  EXPECT_EQ(lake.at("/cors"), "<none>");
  EXPECT_EQ(lake.at("/billing"), "<none>");
  EXPECT_EQ(lake.at("/ipFilter"), "<none>");
  EXPECT_EQ(lake.at("/autoclass/enabled"), "false");
  EXPECT_EQ(lake.at("/iamConfiguration/publicAccessPrevention"), "inherited");
  EXPECT_EQ(patch_lake(R"({"cors":[{"origin":["*"]}]})").status, 400);
  EXPECT_EQ(patch_lake(R"({"iamConfiguration":{"publicAccessPrevention":"maybe"}})").status, 400);
}

TEST_F(RetentionTest, a_method_of_encryption_that_is_refused_takes_no_new_objects) {
  make_lake(R"(,"encryption":{"googleManagedEncryptionEnforcementConfig":
      {"restrictionMode":"FullyRestricted"}})");
  const std::string mode = "/encryption/googleManagedEncryptionEnforcementConfig/restrictionMode";
  EXPECT_EQ(lake().at(mode), "FullyRestricted");
  EXPECT_EQ(put("x", "1").status, 412);
  EXPECT_EQ(
      patch_lake(R"({"encryption":{"googleManagedEncryptionEnforcementConfig":null}})").at(mode),
      "<none>");
  EXPECT_EQ(put("x", "1").status, 200);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
