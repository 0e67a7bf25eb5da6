// Access control lists, IAM policies, HMAC keys.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class AccessTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    ann_ = token_for(make_key("ann"));
    bob_ = token_for(make_key("bob"));
  }
  void make_lake(bool uniform) {
    const Answer made = post("/storage/v1/b?project=l",
                             R"({"name":"lake","iamConfiguration":{"uniformBucketLevelAccess":)"
                             R"({"enabled":)" +
                                 std::string{uniform ? "true" : "false"} + "}}}");
    ASSERT_EQ(made.status, 200) << made.body;
  }
  Answer as(const std::string& token, const std::string& target, const std::string& method = "GET",
            const std::string& body = "") {
    Ask asked{.method = method, .target = target, .body = body};
    if (token.empty()) {
      asked.anonymous = true;
    } else {
      asked.headers = {{"Authorization", "Bearer " + token}};
    }
    return ask(asked);
  }
  static std::string email(const std::string& name) { return name + "@lake.beringia.local"; }

  std::string ann_, bob_;
};

TEST_F(AccessTest, lists_give_what_their_roles_say) {
  make_lake(false);
  ASSERT_EQ(put("x", "1").status, 200);
  EXPECT_EQ(as(ann_, object("x")).status, 403);
  const Answer added =
      post(object("x") + "/acl", R"({"entity":"user-)" + email("ann") + R"(","role":"READER"})");
  ASSERT_EQ(added.status, 200) << added.body;
  EXPECT_EQ(added.at("/entity"), "user-" + email("ann"));
  EXPECT_EQ(as(ann_, object("x")).status, 200);
  EXPECT_EQ(as(bob_, object("x")).status, 403);
  EXPECT_EQ(as(ann_, object("x") + "/acl").status, 403);
  EXPECT_EQ(get(object("x") + "/acl/user-" + email("ann")).at("/role"), "READER");
  EXPECT_EQ(as("", object("x")).status, 401);
  EXPECT_EQ(post(object("x") + "/acl", R"({"entity":"allUsers","role":"READER"})").status, 200);
  EXPECT_EQ(as("", object("x")).status, 200);
  EXPECT_EQ(as("", object("x") + "?alt=media").body, "1");
  EXPECT_EQ(remove(object("x") + "/acl/allUsers").status, 204);
  EXPECT_EQ(remove(object("x") + "/acl/allUsers").status, 404);
  EXPECT_EQ(as("", object("x")).status, 401);
  EXPECT_EQ(post(object("x") + "/acl", R"({"entity":"allUsers","role":"WRITER"})").status, 400);
  EXPECT_EQ(post(object("x") + "/acl", R"({"entity":"mars","role":"READER"})").status, 400);
}

TEST_F(AccessTest, a_buckets_writer_may_list_and_write) {
  make_lake(false);
  ASSERT_EQ(put("x", "1").status, 200);
  const std::string entity = "user-" + email("ann");
  EXPECT_EQ(patch("/storage/v1/b/lake?projection=full",
                  R"({"acl":[{"entity":")" + entity + R"(","role":"WRITER"}]})")
                .status,
            200);
  EXPECT_EQ(get("/storage/v1/b/lake/acl/" + entity).at("/role"), "WRITER");
  EXPECT_EQ(as(ann_, "/storage/v1/b/lake/o").status, 200);
  EXPECT_EQ(as(ann_, "/upload/storage/v1/b/lake/o?uploadType=media&name=a", "POST", "a").status,
            200);
  EXPECT_EQ(as(bob_, "/storage/v1/b/lake/o").status, 403);
  // What ann wrote is ann's, and the bucket's owner's as Google's default has it.
  EXPECT_EQ(as(ann_, object("a")).status, 200);
  EXPECT_EQ(get(object("a")).status, 200);
}

TEST_F(AccessTest, defaults_and_predefined_lists_are_of_new_objects) {
  make_lake(false);
  EXPECT_EQ(put("p", "1", "&predefinedAcl=publicRead").status, 200);
  EXPECT_EQ(as("", object("p")).status, 200);
  EXPECT_EQ(put("q", "1", "&predefinedAcl=nobody").status, 400);
  EXPECT_EQ(get(object("p") + "?projection=full").at("/owner/entity"), "user-" + email("root"));
  EXPECT_EQ(post("/storage/v1/b/lake/defaultObjectAcl",
                 R"({"entity":"user-)" + email("ann") + R"(","role":"READER"})")
                .status,
            200);
  ASSERT_EQ(put("d", "1").status, 200);
  EXPECT_EQ(as(ann_, object("d")).status, 200);
  EXPECT_EQ(as(bob_, object("d")).status, 403);
}

TEST_F(AccessTest, lists_of_a_resource_are_of_the_object_that_it_makes) {
  make_lake(false);
  const std::string list = R"("acl":[{"entity":"user-)" + email("ann") + R"(","role":"READER"}])";
  const Answer made = post("/storage/v1/b/lake/o", R"({"name":"a",)" + list + "}");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/owner/entity"), "user-" + email("root"));  // told, as it was named
  EXPECT_EQ(as(ann_, object("a")).status, 200);
  EXPECT_EQ(as(bob_, object("a")).status, 403);
  ASSERT_EQ(put("plain", "1").status, 200);
  EXPECT_EQ(post(object("plain") + "/copyTo/b/lake/o/copy", "{" + list + "}").status, 200);
  EXPECT_EQ(as(ann_, object("copy")).status, 200);
  EXPECT_EQ(post(object("plain") + "/copyTo/b/lake/o/other", "{}").status, 200);
  EXPECT_EQ(as(ann_, object("other")).status, 403);
  EXPECT_EQ(post(object("sum") + "/compose",
                 R"({"sourceObjects":[{"name":"plain"}],"destination":{)" + list + "}}")
                .status,
            200);
  EXPECT_EQ(as(ann_, object("sum")).status, 200);
  EXPECT_EQ(
      post("/storage/v1/b/lake/o", R"({"name":"b","acl":[{"entity":"x","role":"READER"}]})").status,
      400);
  EXPECT_EQ(patch("/storage/v1/b/lake",
                  R"({"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":true}}})")
                .status,
            200);
  EXPECT_EQ(post("/storage/v1/b/lake/o", R"({"name":"c",)" + list + "}").status, 400);
}

TEST_F(AccessTest, changes_show_all_unless_told_otherwise) {
  make_lake(false);
  ASSERT_EQ(put("x", "1").status, 200);
  const std::string lake = "/storage/v1/b/lake", root = "user-" + email("root");
  EXPECT_EQ(get(lake).at("/owner/entity"), "<none>");
  EXPECT_EQ(patch(lake, R"({"labels":{"a":"b"}})").at("/owner/entity"), root);
  EXPECT_EQ(patch(lake + "?projection=noAcl", R"({"labels":{"a":"c"}})").at("/owner/entity"),
            "<none>");
  EXPECT_EQ(get(object("x")).at("/owner/entity"), "<none>");
  EXPECT_EQ(patch(object("x"), R"({"metadata":{"a":"b"}})").at("/owner/entity"), root);
  EXPECT_EQ(patch(object("x") + "?projection=noAcl", "{}").at("/owner/entity"), "<none>");
  EXPECT_EQ(put("y", "1").at("/owner/entity"), "<none>");
}

TEST_F(AccessTest, uniform_access_turns_lists_off_and_keeps_them) {
  make_lake(false);
  ASSERT_EQ(put("x", "1", "&predefinedAcl=publicRead").status, 200);
  auto set = [&](const char* on) {
    return patch(
        "/storage/v1/b/lake",
        R"({"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":)" + std::string{on} + "}}}");
  };
  const Answer uniform = set("true");
  EXPECT_EQ(uniform.at("/iamConfiguration/uniformBucketLevelAccess/enabled"), "true");
  EXPECT_NE(uniform.at("/iamConfiguration/uniformBucketLevelAccess/lockedTime"), "<none>");
  EXPECT_EQ(get("/storage/v1/b/lake/acl").status, 400);
  EXPECT_EQ(get(object("x") + "/acl").status, 400);
  EXPECT_EQ(as("", object("x")).status, 401);
  EXPECT_EQ(put("y", "1", "&predefinedAcl=publicRead").status, 400);
  ASSERT_EQ(set("false").status, 200);
  EXPECT_EQ(as("", object("x")).status, 200);
  ASSERT_EQ(set("true").status, 200);
  clock_.pass(std::chrono::hours{24 * 91});
  token_ = token_for(*root_key_);
  EXPECT_EQ(set("false").status, 400);
}

TEST_F(AccessTest, nothing_becomes_public_where_that_is_prevented) {
  make_lake(false);
  ASSERT_EQ(put("x", "1", "&predefinedAcl=publicRead").status, 200);
  ASSERT_EQ(
      patch("/storage/v1/b/lake", R"({"iamConfiguration":{"publicAccessPrevention":"enforced"}})")
          .status,
      200);
  EXPECT_EQ(as("", object("x")).status, 401);
  EXPECT_EQ(put("y", "1", "&predefinedAcl=publicRead").status, 412);
  EXPECT_EQ(post(object("x") + "/acl", R"({"entity":"allUsers","role":"READER"})").status, 412);
  EXPECT_EQ(
      patch("/storage/v1/b/lake", R"({"acl":[{"entity":"allUsers","role":"READER"}]})").status,
      412);
  EXPECT_EQ(ask({.method = "PUT",
                 .target = "/storage/v1/b/lake/iam",
                 .body = R"({"bindings":[{"role":"roles/storage.objectViewer",
                             "members":["allUsers"]}]})"})
                .status,
            412);
}

TEST_F(AccessTest, iam_bindings_give_roles_to_members) {
  make_lake(true);
  ASSERT_EQ(put("x", "1").status, 200);
  const std::string iam = "/storage/v1/b/lake/iam";
  EXPECT_EQ(as(ann_, object("x")).status, 403);
  const Answer before = get(iam);
  EXPECT_EQ(before.at("/version"), "1");
  const std::string policy = R"({"bindings":[{"role":"roles/storage.objectViewer","members":[)"
                             R"("serviceAccount:)" +
                             email("ann") + R"("]}],"etag":")";
  EXPECT_EQ(ask({.method = "PUT", .target = iam, .body = policy + "CAAQ\"}"}).status, 412);
  const Answer set =
      ask({.method = "PUT", .target = iam, .body = policy + before.at("/etag") + "\"}"});
  ASSERT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(get(iam).at("/bindings"), set.at("/bindings"));
  EXPECT_EQ(as(ann_, object("x")).status, 200);
  EXPECT_EQ(as(ann_, "/storage/v1/b/lake/o").status, 200);
  EXPECT_EQ(as(ann_, object("x"), "DELETE").status, 403);
  EXPECT_EQ(as(ann_, iam).status, 403);
  EXPECT_EQ(as(bob_, object("x")).status, 403);
  EXPECT_EQ(
      as(ann_, iam + "/testPermissions?permissions=storage.objects.get"
                     "&permissions=storage.objects.delete&permissions=storage.buckets.setIamPolicy")
          .at("/permissions"),
      R"(["storage.objects.get"])");
  EXPECT_EQ(get(object("x")).status, 200) << "the owner keeps what is its";
  for (const char* bad :
       {R"({"bindings":[{"role":"roles/owner","members":[]}]})",
        R"({"bindings":[{"role":"roles/storage.admin","members":["martian:x"]}]})",
        R"({"version":2,"bindings":[]})",
        R"({"bindings":[{"role":"roles/storage.admin",
            "members":["serviceAccount:ann@other.beringia.local"]}]})"}) {
    EXPECT_EQ(ask({.method = "PUT", .target = iam, .body = bad}).status, 400) << bad;
  }
}

TEST_F(AccessTest, iam_conditions_narrow_bindings) {
  make_lake(true);
  ASSERT_EQ(put("in/x", "1").status, 200);
  ASSERT_EQ(put("out/x", "1").status, 200);
  const std::string iam = "/storage/v1/b/lake/iam";
  auto policy = [&](const std::string& expression, const char* version) {
    return ask({.method = "PUT",
                .target = iam,
                .body = R"({"version":)" + std::string{version} +
                        R"(,"bindings":[{"role":"roles/storage.objectViewer","members":["user:ann"],
                        "condition":{"title":"t","expression":")" +
                        expression + "\"}}]}"});
  };
  const std::string prefix = "resource.name.startsWith('projects/_/buckets/lake/objects/in/')";
  EXPECT_EQ(policy(prefix, "1").status, 400);
  EXPECT_EQ(policy("resource.nme == 1 +", "3").status, 400);
  ASSERT_EQ(policy(prefix, "3").status, 200);
  EXPECT_EQ(as(ann_, object("in/x")).status, 200);
  EXPECT_EQ(as(ann_, object("out/x")).status, 403);
  EXPECT_EQ(get(iam).at("/version"), "1");
  EXPECT_EQ(get(iam).at("/bindings/0/condition"), "<none>");
  EXPECT_EQ(get(iam + "?optionsRequestedPolicyVersion=3").at("/bindings/0/condition/expression"),
            prefix);
  const std::string until = to_iso8601(Timestamp{world_.clock().wall().micros + 60'000'000});
  ASSERT_EQ(policy("request.time < timestamp('" + until + "')", "3").status, 200);
  EXPECT_EQ(as(ann_, object("out/x")).status, 200);
  clock_.pass(std::chrono::seconds{61});
  EXPECT_EQ(as(ann_, object("out/x")).status, 403);
  // Only under uniform access.
  ASSERT_EQ(patch("/storage/v1/b/lake",
                  R"({"iamConfiguration":{"uniformBucketLevelAccess":{"enabled":false}}})")
                .status,
            200);
  const Answer refused = policy(prefix, "3");
  EXPECT_EQ(refused.status, 412);
  EXPECT_NE(refused.at("/error/message").find("enable uniform bucket-level access"),
            std::string::npos);
}

TEST_F(AccessTest, hmac_keys_are_the_access_keys_of_a_principal) {
  const std::string keys = "/storage/v1/projects/lake/hmacKeys";
  const Answer made = as(ann_, keys + "?serviceAccountEmail=" + email("ann"), "POST");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/secret").size(), 40u);
  EXPECT_EQ(made.at("/metadata/state"), "ACTIVE");
  const std::string one = keys + "/" + made.at("/metadata/accessId");
  EXPECT_EQ(as(ann_, one).body.find(made.at("/secret")), std::string::npos);
  EXPECT_EQ(as(bob_, one).status, 403);
  EXPECT_EQ(as(bob_, keys + "?serviceAccountEmail=" + email("ann"), "POST").status, 403);
  const std::string id = made.at("/metadata/accessId");
  EXPECT_EQ(as(bob_, keys).body.find(id), std::string::npos);
  EXPECT_NE(as(ann_, keys).body.find(id), std::string::npos);
  EXPECT_NE(get(keys).body.find(id), std::string::npos) << "root sees them all";
  EXPECT_EQ(as(ann_, one, "DELETE").status, 400);
  EXPECT_EQ(as(ann_, one, "PUT", R"({"state":"ASLEEP"})").status, 400);
  EXPECT_EQ(as(ann_, one, "PUT", R"({"state":"INACTIVE"})").at("/state"), "INACTIVE");
  EXPECT_FALSE(world_.directory().find_access_key(world_.context, made.at("/metadata/accessId")));
  EXPECT_EQ(as(ann_, one, "PUT", R"({"state":"ACTIVE"})").at("/state"), "ACTIVE");
  EXPECT_EQ(as(ann_, one, "PUT", R"({"state":"INACTIVE"})").status, 200);
  EXPECT_EQ(as(ann_, one, "DELETE").status, 204);
  EXPECT_EQ(as(ann_, one).status, 404);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
