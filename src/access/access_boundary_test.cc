#include "access/access_boundary.h"

#include <gtest/gtest.h>

#include "access/session_policy.h"
#include "identity/principal_verifier.h"

namespace beringia::access {
namespace {

class Prefix final : public Facts {
 public:
  explicit Prefix(std::string value = {}) : value_{std::move(value)} {}
  bool find(std::string_view key, std::vector<std::string>& values) const override {
    if (key != "s3:prefix" || value_.empty()) return false;
    values.push_back(value_);
    return true;
  }

 private:
  std::string value_;
};

Path path(std::string_view text) { return Path::parse(text).value(); }

std::string rule(const std::string& bucket, const std::string& role,
                 const std::string& expression = {}) {
  return R"({"availableResource":"//storage.googleapis.com/projects/_/buckets/)" + bucket +
         R"(","availablePermissions":["inRole:roles/storage.)" + role + "\"]" +
         (expression.empty() ? ""
                             : R"(,"availabilityCondition":{"expression":")" + expression + "\"}") +
         "}";
}
std::string boundary(const std::string& rules) {
  return R"({"accessBoundary":{"accessBoundaryRules":[)" + rules + "]}}";
}
AccessBoundary parsed(const std::string& rules) {
  return AccessBoundary::parse(boundary(rules)).value();
}

TEST(AccessBoundary, allows_what_its_roles_give_in_its_buckets) {
  const auto made = parsed(rule("sales", "objectViewer") + "," + rule("logs", "objectCreator"));
  EXPECT_TRUE(made.allows(Right::kReadObject, path("/sales/a"), Prefix{}));
  EXPECT_TRUE(made.allows(Right::kListBucket, path("/sales/"), Prefix{}));
  EXPECT_FALSE(made.allows(Right::kWriteObject, path("/sales/a"), Prefix{}));
  EXPECT_TRUE(made.allows(Right::kWriteObject, path("/logs/a"), Prefix{}));
  EXPECT_FALSE(made.allows(Right::kReadObject, path("/logs/a"), Prefix{}));
  EXPECT_FALSE(made.allows(Right::kReadObject, path("/sales2/a"), Prefix{}));
  EXPECT_FALSE(made.allows(Right::kListBucket, path("/"), Prefix{}));
}

TEST(AccessBoundary, conditions_look_at_names_and_at_the_prefix_of_lists) {
  const std::string name = "resource.name.startsWith('projects/_/buckets/sales/objects/a/')";
  const std::string listed =
      "api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('a/')";
  const auto by_name = parsed(rule("sales", "objectViewer", name));
  EXPECT_TRUE(by_name.allows(Right::kReadObject, path("/sales/a/1"), Prefix{}));
  EXPECT_FALSE(by_name.allows(Right::kReadObject, path("/sales/b/1"), Prefix{}));
  EXPECT_FALSE(by_name.allows(Right::kListBucket, path("/sales/"), Prefix{"a/"}));
  const auto both = parsed(rule("sales", "objectViewer", name + " || " + listed));
  EXPECT_TRUE(both.allows(Right::kReadObject, path("/sales/a/1"), Prefix{}));
  EXPECT_TRUE(both.allows(Right::kListBucket, path("/sales/"), Prefix{"a/b"}));
  EXPECT_FALSE(both.allows(Right::kListBucket, path("/sales/"), Prefix{"b"}));
  EXPECT_FALSE(both.allows(Right::kListBucket, path("/sales/"), Prefix{}));
  // Written with blanks, in a text, as part of another name.
  EXPECT_TRUE(AccessBoundary::parse(boundary(
      rule("b", "objectViewer",
           "api . getAttribute( 'storage.googleapis.com/objectListPrefix' , '' ) == 'api.x'"))));
  EXPECT_TRUE(AccessBoundary::parse(
      boundary(rule("b", "objectViewer", "resource.name == 'api.getAttribute(1)'"))));
}

TEST(AccessBoundary, refuses_what_it_does_not_understand) {
  const std::string good = rule("b", "objectViewer");
  std::string eleven = good;
  for (int i = 0; i < 10; ++i) eleven += "," + good;
  for (const std::string& text :
       {std::string{}, std::string{"{}"}, boundary(""), boundary(eleven),
        boundary(rule("b", "objectOwner")), boundary(rule("", "objectViewer")),
        boundary(rule("b/objects/x", "objectViewer")),
        boundary(rule("b", "objectViewer", "resource.name")),
        boundary(rule("b", "objectViewer", "request.time < timestamp('2026-01-01T00:00:00Z')")),
        boundary(rule("b", "objectViewer", "api.getAttribute('other', '') == ''")),
        boundary(rule("b", "objectViewer",
                      "api.getAttribute('storage.googleapis.com/objectListPrefix', 'x') == ''")),
        boundary(R"({"availableResource":"//storage.googleapis.com/projects/_/buckets/b"})"),
        boundary(R"({"availableResource":"//storage.googleapis.com/projects/_/buckets/b",)"
                 R"("availablePermissions":["storage.objects.get"]})"),
        boundary(R"({"availableResource":"//pubsub.googleapis.com/projects/_/buckets/b",)"
                 R"("availablePermissions":["inRole:roles/storage.objectViewer"]})"),
        boundary(R"({"availableResource":"//storage.googleapis.com/projects/_/buckets/b","more":1,)"
                 R"("availablePermissions":["inRole:roles/storage.objectViewer"]})")}) {
    EXPECT_FALSE(AccessBoundary::parse(text)) << text;
  }
  EXPECT_TRUE(parsed(rule("*", "objectViewer")).names_every_bucket());
  EXPECT_FALSE(parsed(good).names_every_bucket());
}

TEST(AccessBoundary, scopes_for_reading_only_take_writing_away) {
  const std::string base = "https://www.googleapis.com/auth/";
  for (const char* all : {"devstorage.read_write", "devstorage.full_control", "cloud-platform"}) {
    EXPECT_EQ(policy_of_scopes(base + all), "") << all;
    EXPECT_EQ(policy_of_scopes(base + "devstorage.read_only " + base + all), "") << all;
  }
  EXPECT_EQ(policy_of_scopes(""), "");
  const auto who = identity::PrincipalVerifier::verified("etl", {}, "k");
  const auto policy =
      SessionPolicy::parse_all(policy_of_scopes("openid " + base + "devstorage.read_only")).value();
  EXPECT_TRUE(policy.allows(who, Right::kReadObject, path("/any/x"), Prefix{}));
  EXPECT_TRUE(policy.allows(who, Right::kListBucket, path("/any/"), Prefix{}));
  EXPECT_FALSE(policy.allows(who, Right::kWriteObject, path("/any/x"), Prefix{}));
  EXPECT_FALSE(policy.allows(who, Right::kDeleteObject, path("/any/x"), Prefix{}));
  EXPECT_FALSE(policy.allows(who, Right::kWritePolicy, path("/any/"), Prefix{}));
}

TEST(SessionPolicy, all_policies_of_a_session_must_allow) {
  const auto who = identity::PrincipalVerifier::verified("etl", {}, "k");
  const std::string s3 =
      R"({"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::sales/a/*"}]})";
  const std::string joined = SessionPolicy::join(s3, boundary(rule("sales", "objectViewer")));
  const auto both = SessionPolicy::parse_all(joined).value();
  EXPECT_TRUE(both.allows(who, Right::kReadObject, path("/sales/a/1"), Prefix{}));
  EXPECT_FALSE(both.allows(who, Right::kWriteObject, path("/sales/a/1"), Prefix{}));
  EXPECT_FALSE(both.allows(who, Right::kReadObject, path("/sales/b"), Prefix{}));
  EXPECT_EQ(SessionPolicy::join("", s3), s3);
  EXPECT_EQ(SessionPolicy::join(s3, ""), s3);
  EXPECT_FALSE(SessionPolicy::parse_all(SessionPolicy::join(s3, "{}")));
  EXPECT_FALSE(SessionPolicy::parse(boundary(rule("sales", "objectViewer"))))
      << "not S3's language";
}

}  // namespace
}  // namespace beringia::access
