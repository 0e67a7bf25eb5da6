// Tokens on other grounds than a key's own assertion: what they give, and what is refused.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

constexpr std::string_view kScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr std::string_view kReadScope = "https://www.googleapis.com/auth/devstorage.read_only";

class OAuthTest : public LakeTest {
 protected:
  void SetUp() override {
    LakeTest::SetUp();
    ann_ = token_for(make_key("ann"));
    must(world_.directory().put_principal(world_.context, {"etl", {}, false, {"ann"}}));
    must(world_.evaluator().put(world_.context,
                                {"etl", {"etl"}, "/lake/", access::Role::kWriter, false}));
    ASSERT_EQ(put("a/1", "one").status, 200);
    ASSERT_EQ(put("b/1", "two").status, 200);
  }
  Answer with(const std::string& token, const std::string& target,
              const std::string& method = "GET", const std::string& body = "") {
    return ask({.method = method,
                .target = target,
                .body = body,
                .headers = {{"Authorization", "Bearer " + token}}});
  }
  Answer form(const std::string& target,
              const std::vector<std::pair<std::string, std::string>>& members) {
    std::string body;
    for (const auto& [name, value] : members) {
      body += (body.empty() ? "" : "&") + name + "=" + percent_encode(value);
    }
    return ask({.method = "POST",
                .target = target,
                .body = body,
                .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                .anonymous = true});
  }
  Answer act_as(const std::string& token, const std::string& account, const std::string& body) {
    return with(token, "/v1/projects/-/serviceAccounts/" + account + ":generateAccessToken", "POST",
                body);
  }
  static std::string scoped(std::string_view scope, const std::string& more = "") {
    return R"({"scope":[")" + std::string{scope} + "\"]" + more + "}";
  }
  static std::string boundary(const std::string& role, const std::string& bucket = "lake",
                              const std::string& expression = "") {
    return R"({"accessBoundary":{"accessBoundaryRules":[{"availableResource":)"
           R"("//storage.googleapis.com/projects/_/buckets/)" +
           bucket + R"(","availablePermissions":["inRole:roles/storage.)" + role + "\"]" +
           (expression.empty()
                ? ""
                : R"(,"availabilityCondition":{"expression":")" + expression + "\"}") +
           "}]}}";
  }
  Answer narrow(const std::string& token, const std::string& options) {
    return form("/v1/token", {{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
                              {"subject_token_type", std::string{kAccess}},
                              {"requested_token_type", std::string{kAccess}},
                              {"subject_token", token},
                              {"options", options}});
  }
  int write(const std::string& token, const std::string& name) {
    return with(token, "/upload/storage/v1/b/lake/o?uploadType=media&name=" + name, "POST", "x")
        .status;
  }

  static constexpr std::string_view kAccess = "urn:ietf:params:oauth:token-type:access_token";
  static constexpr const char* kEtl = "etl@lake.beringia.local";
  std::string ann_;
};

TEST_F(OAuthTest, who_is_named_acts_as_another_principal) {
  EXPECT_EQ(with(ann_, object("a/1")).status, 403);
  const Answer answer = act_as(ann_, kEtl, scoped(kScope, R"(,"lifetime":"600s")"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.at("/expireTime").size(), std::string{"2026-01-01T00:00:00Z"}.size());
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  const std::string etl = answer.at("/accessToken");
  EXPECT_EQ(with(etl, object("a/1") + "?alt=media").body, "one");
  EXPECT_EQ(write(etl, "new"), 200);
  EXPECT_EQ(act_as(etl, kEtl, scoped(kScope)).status, 403) << "it goes no further";
  clock_.pass(std::chrono::seconds{601});
  EXPECT_EQ(with(etl, object("a/1")).status, 401);
  const Answer reads = act_as(ann_, kEtl, scoped(kReadScope));
  EXPECT_EQ(with(reads.at("/accessToken"), object("a/1")).status, 200);
  EXPECT_EQ(write(reads.at("/accessToken"), "new"), 403) << "the scope is for reading";
}

TEST_F(OAuthTest, nobody_else_does) {
  const std::string bob = token_for(make_key("bob"));
  EXPECT_EQ(act_as(bob, kEtl, scoped(kScope)).status, 403);
  EXPECT_EQ(act_as(ann_, "root@lake.beringia.local", scoped(kScope)).status, 403);
  EXPECT_EQ(act_as(ann_, "nobody@lake.beringia.local", scoped(kScope)).status, 403);
  EXPECT_EQ(act_as(token_, "nobody@lake.beringia.local", scoped(kScope)).status, 403);
  EXPECT_EQ(act_as("ya29.none", kEtl, scoped(kScope)).status, 401);
  EXPECT_EQ(act_as(token_, kEtl, scoped(kScope)).status, 200) << "root";
  for (const std::string& body :
       {std::string{"{}"}, std::string{"["}, scoped(kScope, R"(,"lifetime":"43201s")"),
        scoped(kScope, R"(,"lifetime":"0s")"), scoped(kScope, R"(,"lifetime":"1h")"),
        scoped(kScope, R"(,"delegates":"x")")}) {
    EXPECT_EQ(act_as(ann_, kEtl, body).status, 400) << body;
  }
  EXPECT_EQ(with(ann_, "/v1/projects/-/serviceAccounts/x:signEverything", "POST", "{}").status,
            404);
  EXPECT_EQ(with(ann_, "/v1/projects/-/serviceAccounts/x:generateAccessToken").status, 405);
}

TEST_F(OAuthTest, delegates_are_a_chain_in_which_each_may_act_as_the_next) {
  world_.principal("bob");
  must(world_.directory().put_principal(world_.context, {"mid", {}, false, {"bob"}}));
  must(world_.directory().put_principal(world_.context, {"etl", {}, false, {"mid"}}));
  const std::string bob = token_for(make_key("bob"));
  must(world_.directory().put_principal(world_.context, {"mid", {}, false, {"bob"}}));
  EXPECT_EQ(act_as(bob, kEtl, scoped(kScope)).status, 403);
  const std::string through =
      scoped(kScope, R"(,"delegates":["projects/-/serviceAccounts/mid@lake.beringia.local"])");
  const Answer answer = act_as(bob, kEtl, through);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(with(answer.at("/accessToken"), object("a/1")).status, 200);
  EXPECT_EQ(act_as(ann_, kEtl, through).status, 403);
}

TEST_F(OAuthTest, narrowed_tokens_give_no_more_than_both_say) {
  const std::string etl = act_as(ann_, kEtl, scoped(kScope)).at("/accessToken");
  const std::string below_a =
      "resource.name.startsWith('projects/_/buckets/lake/objects/a/') || "
      "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('a/')";
  const Answer answer = narrow(etl, boundary("objectViewer", "lake", below_a));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.at("/issued_token_type"), kAccess);
  EXPECT_EQ(answer.at("/token_type"), "Bearer");
  EXPECT_EQ(answer.at("/expires_in"), "3600");
  const std::string narrowed = answer.at("/access_token");
  EXPECT_EQ(with(narrowed, object("a/1") + "?alt=media").body, "one");
  EXPECT_EQ(with(narrowed, object("b/1")).status, 403);
  EXPECT_EQ(with(narrowed, "/storage/v1/b/lake/o?prefix=a/").status, 200);
  EXPECT_EQ(with(narrowed, "/lake?prefix=a/").status, 200) << "XML";
  EXPECT_EQ(with(narrowed, "/storage/v1/b/lake/o?prefix=b/").status, 403);
  EXPECT_EQ(with(narrowed, "/storage/v1/b/lake/o").status, 403);
  EXPECT_EQ(write(narrowed, "a/2"), 403);
  EXPECT_EQ(narrow(etl, percent_encode(boundary("objectViewer"))).status, 200) << "escaped twice";
  // Once more: both hold.
  const Answer twice = narrow(narrowed, boundary("objectAdmin"));
  ASSERT_EQ(twice.status, 200) << twice.body;
  EXPECT_EQ(with(twice.at("/access_token"), object("a/1")).status, 200);
  EXPECT_EQ(with(twice.at("/access_token"), object("b/1")).status, 403);
  EXPECT_EQ(write(twice.at("/access_token"), "a/2"), 403);
  // What the principal may not, no boundary gives: nor root's, where it does not name the bucket.
  EXPECT_EQ(with(narrow(ann_, boundary("admin")).at("/access_token"), object("a/1")).status, 403);
  EXPECT_EQ(
      with(narrow(token_, boundary("admin", "other")).at("/access_token"), object("a/1")).status,
      403);
  EXPECT_EQ(act_as(narrowed, kEtl, scoped(kScope)).status, 403);
  clock_.pass(std::chrono::seconds{3601});
  EXPECT_EQ(with(narrowed, object("a/1")).status, 401) << "it ends with the other";
}

TEST_F(OAuthTest, bad_exchanges_get_oauths_error) {
  EXPECT_EQ(narrow("ya29.bs.x", boundary("objectViewer")).at("/error"), "invalid_grant");
  for (const std::string& options :
       {std::string{}, std::string{"{}"}, boundary("objectViewer", "*"), boundary("nothing"),
        boundary("objectViewer", "lake", "true ||"), std::string(20'000, ' ')}) {
    const Answer answer = narrow(token_, options);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(answer.at("/error"), "invalid_request") << answer.body;
  }
  const std::string grant = "urn:ietf:params:oauth:grant-type:token-exchange";
  EXPECT_EQ(form("/v1/token", {{"grant_type", "password"}}).at("/error"), "unsupported_grant_type");
  for (const char* type : {"urn:ietf:params:oauth:token-type:saml2",
                           "urn:ietf:params:aws:token-type:aws4_request", ""}) {
    const Answer answer = form("/v1/token", {{"grant_type", grant}, {"subject_token_type", type}});
    EXPECT_EQ(answer.at("/error"), "invalid_request") << type;
    EXPECT_NE(answer.at("/error_description").find("not offered"), std::string::npos);
  }
  const std::string jwt = "urn:ietf:params:oauth:token-type:jwt";
  EXPECT_EQ(form("/v1/token", {{"grant_type", grant}, {"subject_token_type", jwt}}).at("/error"),
            "invalid_target");
  EXPECT_EQ(form("/v1/token", {{"grant_type", grant},
                               {"subject_token_type", jwt},
                               {"audience", "//iam.googleapis.com/x/providers/corp"},
                               {"subject_token", "a.b.c"}})
                .at("/error"),
            "invalid_grant");
  EXPECT_EQ(
      form("/v1/token", {{"grant_type", grant}, {"subject_token_type", jwt}, {"actor_token", "x"}})
          .at("/error"),
      "invalid_request");
}

TEST_F(OAuthTest, holders_learn_what_a_token_says_and_end_it) {
  const std::string etl = act_as(ann_, kEtl, scoped(kScope)).at("/accessToken");
  const Answer info = ask({.target = "/tokeninfo?access_token=" + etl, .anonymous = true});
  ASSERT_EQ(info.status, 200) << info.body;
  EXPECT_EQ(info.at("/email"), kEtl);
  EXPECT_EQ(info.at("/scope"), kScope);
  EXPECT_EQ(info.at("/expires_in"), "3600");
  EXPECT_EQ(form("/oauth2/v3/tokeninfo", {{"access_token", etl}}).at("/azp"), kEtl);
  EXPECT_EQ(form("/oauth2/v1/tokeninfo", {{"access_token", etl}}).at("/issued_to"), kEtl);
  EXPECT_EQ(form("/tokeninfo", {{"access_token", token_}}).at("/email"),
            "root@lake.beringia.local");
  EXPECT_EQ(with(ann_, "/oauth2/v3/userinfo").at("/sub"), "ann");
  EXPECT_EQ(with("ya29.x", "/oauth2/v3/userinfo").status, 401);
  for (const std::string& token : {std::string{"x"}, std::string{}, etl + "A"}) {
    EXPECT_EQ(form("/tokeninfo", {{"access_token", token}}).at("/error"), "invalid_token");
    EXPECT_EQ(form("/revoke", {{"token", token}}).at("/error"), "invalid_token");
  }
  for (const std::string& token : {etl, ann_}) {
    EXPECT_EQ(with(token, "/oauth2/v3/userinfo").status, 200);
    EXPECT_EQ(form("/revoke", {{"token", token}}).status, 200);
    EXPECT_EQ(with(token, "/oauth2/v3/userinfo").status, 401);
    EXPECT_EQ(with(token, object("a/1")).status, 401);
    EXPECT_EQ(narrow(token, boundary("objectViewer")).at("/error"), "invalid_grant");
  }
}

TEST_F(OAuthTest, one_address_may_ask_for_so_many_tokens_and_no_more) {
  int refused = 0;
  for (int i = 0; i < static_cast<int>(CallerRate::kAtOnce) + 10; ++i) {
    refused += form("/v1/token", {{"grant_type", "x"}}).status == 429 ? 1 : 0;
  }
  EXPECT_GE(refused, 9);
  EXPECT_EQ(with(token_, object("a/1")).status, 200) << "other requests go on";
  clock_.pass(std::chrono::seconds{1});
  EXPECT_EQ(form("/v1/token", {{"grant_type", "x"}}).status, 400);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
