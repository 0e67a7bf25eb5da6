// Buckets, and what clients ask of them.
#include "access/bucket_access.h"
#include "protocol/gcs/test_service.h"
#include "wire/website.h"

namespace beringia::protocol::gcs::test {
namespace {

using BucketsTest = ServiceTest;

TEST_F(BucketsTest, a_bucket_is_made_shown_changed_and_removed) {
  const Answer made =
      post("/storage/v1/b?project=lake&projection=noAcl&enableObjectRetention=False",
           R"({"name":"lake","location":"EU","labels":{"team":"x"},"storageClass":"NEARLINE"})");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/kind"), "storage#bucket");
  EXPECT_EQ(made.at("/name"), "lake");
  EXPECT_EQ(made.at("/location"), "EU");
  EXPECT_EQ(made.at("/storageClass"), "NEARLINE");
  EXPECT_EQ(made.at("/labels/team"), "x");
  EXPECT_EQ(made.at("/metageneration"), "1");
  EXPECT_EQ(made.at("/iamConfiguration/uniformBucketLevelAccess/enabled"), "true");
  EXPECT_EQ(get("/storage/v1/b/lake?projection=noAcl").body, made.body);
  const Answer again = post("/storage/v1/b?project=lake", R"({"name":"lake"})");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.reason(), "conflict");
  const Answer changed = patch("/storage/v1/b/lake",
                               R"({"labels":{"team":null,"new":"1"},"storageClass":"STANDARD"})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/labels/new"), "1");
  EXPECT_EQ(changed.at("/labels/team"), "<none>");
  EXPECT_EQ(changed.at("/storageClass"), "STANDARD");
  EXPECT_EQ(changed.at("/metageneration"), "2");
  EXPECT_EQ(patch("/storage/v1/b/lake?ifMetagenerationMatch=1", "{}").status, 412);
  EXPECT_EQ(get("/storage/v1/b/lake?ifMetagenerationNotMatch=2").status, 304);
  ASSERT_EQ(put("x", "x").status, 200);
  const Answer full = remove("/storage/v1/b/lake");
  EXPECT_EQ(full.status, 409);
  EXPECT_EQ(full.reason(), "conflict");
  EXPECT_EQ(full.at("/error/message"), "The bucket you tried to delete is not empty.");
  ASSERT_EQ(remove(object("x")).status, 204);
  EXPECT_EQ(remove("/storage/v1/b/lake?ifMetagenerationMatch=9").status, 412);
  EXPECT_EQ(remove("/storage/v1/b/lake").status, 204);
  EXPECT_EQ(get("/storage/v1/b/lake").status, 404);
  EXPECT_EQ(remove("/storage/v1/b/lake").status, 404);
}

TEST_F(BucketsTest, bad_names_and_what_is_not_offered_are_refused) {
  for (const char* name : {"ab", "Upper", "-edge", "edge-", "a..b", "goog-x", "a b", "a/b", ""}) {
    EXPECT_EQ(post("/storage/v1/b?project=l", R"({"name":")" + std::string{name} + "\"}").status,
              400)
        << name;
  }
  EXPECT_EQ(
      post("/storage/v1/b?project=l", R"j({"name":"lake","ipFilter":{"mode":"Enabled"}})j").status,
      501);
  EXPECT_EQ(get("/storage/v1/b/lake").status, 404);
  for (const char* extra : {R"("versioning":{"enabled":false})", R"("lifecycle":{"rule":[]})",
                            R"("retentionPolicy":null)"}) {
    EXPECT_EQ(
        post("/storage/v1/b?project=l", R"({"name":"lake",)" + std::string{extra} + "}").status,
        200)
        << extra;
    EXPECT_EQ(remove("/storage/v1/b/lake").status, 204);
  }
}

TEST_F(BucketsTest, a_website_is_set_in_parts_and_taken_away) {
  const std::string bucket = "/storage/v1/b/lake";
  ASSERT_EQ(post("/storage/v1/b?project=l",
                 R"j({"name":"lake","website":{"mainPageSuffix":"index.html"}})j")
                .status,
            200);
  EXPECT_EQ(get(bucket).at("/website"), R"j({"mainPageSuffix":"index.html"})j");
  const Answer both = patch(bucket, R"j({"website":{"notFoundPage":"errors/404.html"}})j");
  EXPECT_EQ(both.at("/website/mainPageSuffix"), "index.html");
  EXPECT_EQ(both.at("/website/notFoundPage"), "errors/404.html");
  EXPECT_EQ(patch(bucket, R"j({"website":{"mainPageSuffix":"a/b"}})j").status, 400);
  EXPECT_EQ(patch(bucket, R"j({"website":{"mainPageSuffix":7}})j").status, 400);
  EXPECT_EQ(patch(bucket, R"j({"labels":{"a":"b"}})j").at("/website"), both.at("/website"));
  EXPECT_EQ(patch(bucket, R"j({"website":{"mainPageSuffix":null}})j").at("/website"),
            R"j({"notFoundPage":"errors/404.html"})j");
  EXPECT_EQ(patch(bucket, R"j({"website":null})j").at("/website"), "<none>");
}

TEST_F(BucketsTest, redirects_of_s3_are_not_lost_by_a_website_that_cannot_tell_them) {
  make_bucket("lake");
  wire::Website website;
  website.index = "i";
  website.rules.push_back({"old/", 0, {.host = "new.example", .protocol = {}, .status = 301}});
  const auto path = must(world_.names().bucket_path("lake"));
  const auto grant = world_.grant(core::Action::kAdminister, path.text());
  must(world_.names().set_directory_attributes(
      world_.context, grant, {{std::string{access::kWebsiteAttribute}, wire::encode(website)}}));
  EXPECT_EQ(get("/storage/v1/b/lake").at("/website"), R"j({"mainPageSuffix":"i"})j");
  EXPECT_EQ(patch("/storage/v1/b/lake", R"j({"website":{"mainPageSuffix":"j"}})j").status, 400);
  EXPECT_EQ(ask({.method = "PUT", .target = "/storage/v1/b/lake", .body = R"j({"name":"lake"})j"})
                .at("/website/mainPageSuffix"),
            "i");
  EXPECT_EQ(patch("/storage/v1/b/lake", R"j({"website":null})j").at("/website"), "<none>");
}

TEST_F(BucketsTest, clients_questions_have_json_answers) {
  make_bucket("lake");
  const Answer layout = get("/storage/v1/b/lake/storageLayout");
  EXPECT_EQ(layout.status, 200);
  EXPECT_EQ(layout.at("/kind"), "storage#storageLayout");
  EXPECT_EQ(layout.at("/hierarchicalNamespace/enabled"), "false");
  EXPECT_EQ(get("/storage/v1/b/nowhere/storageLayout").reason(), "notFound");
  EXPECT_EQ(get("/storage/v1/b/lake/notificationConfigs").at("/kind"), "storage#notifications");
  EXPECT_EQ(get("/storage/v1/b/lake/iam").at("/kind"), "storage#policy");
  EXPECT_EQ(get("/storage/v1/b/lake/acl").status, 400);
  EXPECT_EQ(get("/storage/v1/b/lake/defaultObjectAcl").status, 400);
  const Answer allowed =
      get("/storage/v1/b/lake/iam/testPermissions?permissions=storage.objects.get"
          "&permissions=storage.buckets.delete&permissions=storage.buckets.flyToTheMoon");
  EXPECT_EQ(allowed.at("/permissions"), R"(["storage.objects.get","storage.buckets.delete"])");
  const KeyFile ann = make_key("ann");
  must(world_.evaluator().put(world_.context,
                              {"ann", {"ann"}, "/lake/", access::Role::kReader, false}));
  const Answer reader =
      get("/storage/v1/b/lake/iam/testPermissions?permissions=storage.objects.get"
          "&permissions=storage.objects.create&permissions=storage.objects.list",
          {{"Authorization", "Bearer " + token_for(ann)}});
  EXPECT_EQ(reader.at("/permissions"), R"(["storage.objects.get","storage.objects.list"])");
  const std::string nowhere =
      "/storage/v1/b/nowhere/iam/testPermissions?permissions=storage.objects.get";
  EXPECT_EQ(get(nowhere).status, 404);
  EXPECT_EQ(get(nowhere, {{"Authorization", "Bearer " + token_for(ann)}}).status, 200);
}

TEST_F(BucketsTest, labels_and_autoclass_go_with_null_and_with_an_update_that_does_not_name_them) {
  const std::string lake = "/storage/v1/b/lake";
  const std::string set = R"({"labels":{"a":"b","c":"d"},"autoclass":{"enabled":true}})";
  ASSERT_EQ(post("/storage/v1/b?project=l", R"({"name":"lake"})").status, 200);
  ASSERT_EQ(patch(lake, set).at("/labels/c"), "d");
  const Answer none = patch(lake, R"({"labels":null,"autoclass":null})");
  EXPECT_EQ(none.at("/labels/a"), "<none>");
  EXPECT_EQ(none.at("/autoclass/enabled"), "false");
  EXPECT_EQ(patch(lake, set).at("/autoclass/enabled"), "true");
  const Answer updated = ask({.method = "PUT", .target = lake, .body = R"({"labels":{"a":"1"}})"});
  EXPECT_EQ(updated.at("/labels/a"), "1");
  EXPECT_EQ(updated.at("/labels/c"), "<none>");
  EXPECT_EQ(updated.at("/autoclass/enabled"), "false");
}

TEST_F(BucketsTest, a_storage_class_that_is_none_is_refused_by_each_verb) {
  EXPECT_EQ(post("/storage/v1/b?project=l", R"({"name":"lake","storageClass":"WARM"})").status,
            400);
  ASSERT_EQ(post("/storage/v1/b?project=l", R"({"name":"lake"})").status, 200);
  EXPECT_EQ(patch("/storage/v1/b/lake", R"({"storageClass":"WARM"})").status, 400);
  EXPECT_EQ(patch("/storage/v1/b/lake", R"({"storageClass":"NEARLINE"})").at("/storageClass"),
            "NEARLINE");
}

TEST_F(BucketsTest, addresses_without_the_version_prefix_are_taken_too) {
  EXPECT_EQ(post("/b?project=lake", R"({"name":"lake"})").status, 200);
  EXPECT_EQ(put("x", "1").status, 200);
  EXPECT_EQ(get("/b/lake/o").at("/items/0/name"), "x");
  EXPECT_EQ(get("/b/lake/o/x?alt=media").body, "1");
}

TEST_F(BucketsTest, lifecycle_rules_are_set_shown_replaced_and_taken_away) {
  const std::string bucket = "/storage/v1/b/lake";
  const std::string rule = R"({"action":{"type":"Delete"},"condition":{"age":7}})";
  EXPECT_EQ(
      post("/storage/v1/b?project=l", R"({"name":"lake","lifecycle":{"rule":[)" + rule + "]}}")
          .at("/lifecycle/rule"),
      "[" + rule + "]");
  const std::string other =
      R"({"action":{"type":"SetStorageClass","storageClass":"NEARLINE"},"condition":{"age":1}})";
  EXPECT_EQ(patch(bucket, R"({"lifecycle":{"rule":[)" + other + "]}}").status, 200);
  EXPECT_EQ(get(bucket).at("/lifecycle/rule"), "[" + other + "]");
  // What another patch does not name stays; what is not offered is refused.
  EXPECT_EQ(patch(bucket, R"({"labels":{"a":"b"}})").status, 200);
  EXPECT_EQ(patch(bucket, R"({"lifecycle":{"rule":[{"action":{"type":"Delete"}}]}})").status, 400);
  EXPECT_EQ(get(bucket).at("/lifecycle/rule"), "[" + other + "]");
  EXPECT_EQ(patch(bucket, R"({"lifecycle":null})").status, 200);
  EXPECT_EQ(get(bucket).body.find("lifecycle"), std::string::npos);
}

TEST_F(BucketsTest, lifecycle_rules_that_cannot_be_shown_are_not_thrown_away_unseen) {
  make_bucket("lake");
  wire::Lifecycle lifecycle;
  lifecycle.rules.resize(2);
  lifecycle.rules[0].id = "tagged";
  lifecycle.rules[0].filter.tags = {{"a", "b"}};
  lifecycle.rules[0].expiration.days = 3;
  lifecycle.rules[1].id = "plain";
  lifecycle.rules[1].expiration.days = 5;
  must(world_.names().set_directory_attributes(
      world_.context, world_.grant(core::Action::kAdminister, "/lake/"),
      {{std::string{access::kLifecycleAttribute}, must(wire::encode(lifecycle))}}));
  const std::string bucket = "/storage/v1/b/lake";
  const std::string shown = R"([{"action":{"type":"Delete"},"condition":{"age":5,"isLive":true}}])";
  EXPECT_EQ(get(bucket).at("/lifecycle/rule"), shown);
  EXPECT_EQ(patch(bucket, R"({"lifecycle":{"rule":)" + shown + "}}").status, 400);
  EXPECT_EQ(ask({.method = "PUT", .target = bucket, .body = "{}"}).status, 200);
  EXPECT_EQ(get(bucket).at("/lifecycle/rule"), shown);
  EXPECT_EQ(patch(bucket, R"({"lifecycle":null})").status, 200);
  EXPECT_EQ(get(bucket).body.find("lifecycle"), std::string::npos);
}

class AliasTest : public ServiceTest {
 protected:
  AliasTest() : ServiceTest{{.aliases = {{"old-name", "/lake/deep/"}}}} {}
};

TEST_F(AliasTest, a_bucket_may_be_another_name_for_a_directory) {
  make_bucket("lake");
  ASSERT_EQ(put("deep/x", "1").status, 200);
  EXPECT_EQ(get("/storage/v1/b/old-name/o/x?alt=media").body, "1");
  EXPECT_EQ(get("/storage/v1/b/old-name/o").at("/items/0/name"), "x");
  EXPECT_EQ(get("/storage/v1/b/old-name/o/x").at("/bucket"), "old-name");
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
