#include "access/bucket_policy.h"

#include <gtest/gtest.h>

#include <map>

#include "identity/principal_verifier.h"

namespace beringia::access {
namespace {

using identity::Principal;

Principal who(const std::string& name) {
  return identity::PrincipalVerifier::verified(name, {}, "TESTKEY");
}

class Told final : public Facts {
 public:
  Told(std::map<std::string, std::vector<std::string>> told = {}) : told_{std::move(told)} {}
  bool find(std::string_view key, std::vector<std::string>& values) const override {
    const auto found = told_.find(std::string{key});
    if (found == told_.end()) return false;
    values.insert(values.end(), found->second.begin(), found->second.end());
    return true;
  }

 private:
  std::map<std::string, std::vector<std::string>> told_;
};

/// One statement of the bucket "b"; `members` as JSON without the braces.
std::string statement(const std::string& members) {
  return R"({"Version":"2012-10-17","Statement":[{)" + members + "}]}";
}

std::string with_condition(const std::string& condition) {
  return statement(R"("Effect":"Allow","Principal":"*","Action":"s3:GetObject",)"
                   R"("Resource":"arn:aws:s3:::b/*","Condition":{)" +
                   condition + "}");
}

BucketPolicy policy(const std::string& json) {
  auto parsed = BucketPolicy::parse(json, "b");
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().to_string());
  return parsed ? std::move(*parsed) : BucketPolicy{};
}

bool allowed(const BucketPolicy& policy, const Principal& principal, Right right,
             std::string_view key, const Told& facts = {}) {
  return policy.decide(principal, right, key, facts).allowed;
}

bool holds(const std::string& condition, const Told& facts) {
  return allowed(policy(with_condition(condition)), who("ann"), Right::kReadObject, "k", facts);
}

void refuses(const std::string& json) {
  const auto parsed = BucketPolicy::parse(json, "b");
  ASSERT_FALSE(parsed) << json;
  EXPECT_EQ(parsed.error().tag(), "MalformedPolicy") << json;
  EXPECT_FALSE(parsed.error().what().empty());
}

TEST(BucketPolicy, gives_what_it_names_and_nothing_else) {
  const auto one =
      policy(statement(R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:user/team/ann"},)"
                       R"("Action":["s3:GetObject","s3:listbucket"],"Resource":["arn:aws:s3:::b",)"
                       R"("arn:aws:s3:::b/in/*"])"));
  EXPECT_TRUE(allowed(one, who("ann"), Right::kReadObject, "in/x"));
  EXPECT_TRUE(allowed(one, who("ann"), Right::kListBucket, ""));
  EXPECT_FALSE(allowed(one, who("ann"), Right::kReadObject, "out/x"));
  EXPECT_FALSE(allowed(one, who("ann"), Right::kWriteObject, "in/x"));
  EXPECT_FALSE(allowed(one, who("bob"), Right::kReadObject, "in/x"));
  EXPECT_FALSE(allowed(one, Principal::anonymous(), Right::kReadObject, "in/x"));
}

TEST(BucketPolicy, denies_whatever_else_allows) {
  const auto one =
      policy(R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"},)"
             R"({"Sid":"no","Effect":"Deny","Principal":{"AWS":["bob"]},"Action":"s3:Put*",)"
             R"("Resource":"arn:aws:s3:::b/*"}]})");
  EXPECT_TRUE(allowed(one, who("ann"), Right::kWriteObject, "k"));
  const auto verdict = one.decide(who("bob"), Right::kWriteObject, "k", Told{});
  EXPECT_TRUE(verdict.denied);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(verdict.statement, "no");
  EXPECT_TRUE(allowed(one, who("bob"), Right::kReadObject, "k"));
}

TEST(BucketPolicy, turns_principals_actions_and_resources_around) {
  const auto principal =
      policy(R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},)"
             R"({"Effect":"Deny","NotPrincipal":{"AWS":"ann"},"Action":"*","Resource":"*"}]})");
  EXPECT_TRUE(allowed(principal, who("ann"), Right::kReadObject, "k"));
  EXPECT_FALSE(allowed(principal, who("bob"), Right::kReadObject, "k"));
  const auto action =
      policy(statement(R"("Effect":"Allow","Principal":"*","NotAction":"s3:Delete*",)"
                       R"("Resource":"arn:aws:s3:::b/*")"));
  EXPECT_TRUE(allowed(action, who("ann"), Right::kReadObject, "k"));
  EXPECT_FALSE(allowed(action, who("ann"), Right::kDeleteObject, "k"));
  const auto resource =
      policy(statement(R"("Effect":"Allow","Principal":"*","Action":"s3:GetObject",)"
                       R"("NotResource":"arn:aws:s3:::b/secret/*")"));
  EXPECT_TRUE(allowed(resource, who("ann"), Right::kReadObject, "k"));
  EXPECT_FALSE(allowed(resource, who("ann"), Right::kReadObject, "secret/k"));
}

TEST(BucketPolicy, compares_texts) {
  const Told prod{{{"s3:existingobjecttag/stage", {"Prod"}}}};
  EXPECT_TRUE(holds(R"("StringEquals":{"s3:ExistingObjectTag/stage":"Prod"})", prod));
  EXPECT_FALSE(holds(R"("StringEquals":{"s3:ExistingObjectTag/stage":"prod"})", prod));
  EXPECT_TRUE(holds(R"("StringEqualsIgnoreCase":{"s3:ExistingObjectTag/stage":"prod"})", prod));
  EXPECT_TRUE(holds(R"("StringLike":{"s3:ExistingObjectTag/stage":["x","P*d"]})", prod));
  EXPECT_FALSE(holds(R"("StringNotLike":{"s3:ExistingObjectTag/stage":["x","P*d"]})", prod));
  EXPECT_FALSE(holds(R"("StringNotEquals":{"s3:ExistingObjectTag/stage":["x","Prod"]})", prod));
}

TEST(BucketPolicy, takes_absent_keys_as_each_operator_says) {
  EXPECT_FALSE(holds(R"("StringEquals":{"s3:prefix":"a"})", {}));
  EXPECT_TRUE(holds(R"("StringNotEquals":{"s3:prefix":"a"})", {}));
  EXPECT_TRUE(holds(R"("StringEqualsIfExists":{"s3:prefix":"a"})", {}));
  EXPECT_TRUE(holds(R"("ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["a"]})", {}));
  EXPECT_FALSE(holds(R"("ForAnyValue:StringEquals":{"s3:RequestObjectTagKeys":["a"]})", {}));
  EXPECT_TRUE(holds(R"("Null":{"s3:prefix":"true"})", {}));
  EXPECT_FALSE(holds(R"("Null":{"s3:prefix":false})", {}));
  EXPECT_TRUE(holds(R"("Null":{"s3:prefix":false})", Told{{{"s3:prefix", {""}}}}));
}

TEST(BucketPolicy, quantifies_over_many_values) {
  const Told both{{{"s3:requestobjecttagkeys", {"a", "b"}}}};
  EXPECT_TRUE(
      holds(R"("ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["a","b","c"]})", both));
  EXPECT_FALSE(holds(R"("ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["a"]})", both));
  EXPECT_TRUE(holds(R"("ForAnyValue:StringEquals":{"s3:RequestObjectTagKeys":["a"]})", both));
  EXPECT_FALSE(holds(R"("ForAnyValue:StringEquals":{"s3:RequestObjectTagKeys":["c"]})", both));
}

TEST(BucketPolicy, compares_addresses_numbers_dates_and_truth) {
  const Told from{{{"aws:sourceip", {"10.1.2.3"}}}};
  EXPECT_TRUE(holds(R"("IpAddress":{"aws:SourceIp":"10.1.0.0/16"})", from));
  EXPECT_FALSE(holds(R"("IpAddress":{"aws:SourceIp":["10.2.0.0/16","::1"]})", from));
  EXPECT_TRUE(holds(R"("NotIpAddress":{"aws:SourceIp":"10.2.0.0/16"})", from));
  EXPECT_TRUE(holds(R"("IpAddress":{"aws:SourceIp":"0.0.0.0/0"})", from));
  const Told keys{{{"s3:max-keys", {"10"}}}};
  EXPECT_TRUE(holds(R"("NumericLessThanEquals":{"s3:max-keys":"10"})", keys));
  EXPECT_FALSE(holds(R"("NumericLessThan":{"s3:max-keys":10})", keys));
  EXPECT_TRUE(holds(R"("NumericNotEquals":{"s3:max-keys":11})", keys));
  const Told now{{{"aws:currenttime", {"2026-02-01T00:00:00Z"}}}};
  EXPECT_TRUE(holds(R"("DateGreaterThan":{"aws:CurrentTime":"2026-01-31T23:59:59Z"})", now));
  EXPECT_FALSE(holds(R"("DateLessThan":{"aws:CurrentTime":"2026-01-01"})", now));
  const Told tls{{{"aws:securetransport", {"false"}}}};
  EXPECT_TRUE(holds(R"("Bool":{"aws:SecureTransport":false})", tls));
  EXPECT_FALSE(holds(R"("Bool":{"aws:SecureTransport":"true"})", tls));
  const Told arn{{{"aws:principalarn", {"arn:aws:iam:::user/ann"}}}};
  EXPECT_TRUE(holds(R"("ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/a*"})", arn));
  EXPECT_FALSE(holds(R"("ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam:::user/ann"})", arn));
}

TEST(BucketPolicy, fills_in_variables) {
  const auto home = policy(statement(R"("Effect":"Allow","Principal":"*","Action":"s3:*",)"
                                     R"("Resource":"arn:aws:s3:::b/home/${aws:username}/*")"));
  EXPECT_TRUE(allowed(home, who("ann"), Right::kReadObject, "home/ann/x",
                      Told{{{"aws:username", {"ann"}}}}));
  EXPECT_FALSE(allowed(home, who("ann"), Right::kReadObject, "home/bob/x",
                       Told{{{"aws:username", {"ann"}}}}));
  EXPECT_FALSE(
      allowed(home, who("ann"), Right::kReadObject, "home/bob/x", Told{{{"aws:username", {"*"}}}}));
  EXPECT_FALSE(allowed(home, who("ann"), Right::kReadObject, "home//x", Told{}));
}

TEST(BucketPolicy, tells_whether_it_is_public) {
  EXPECT_TRUE(policy(with_condition("")).is_public());
  EXPECT_TRUE(policy(with_condition(R"("IpAddress":{"aws:SourceIp":"0.0.0.0/0"})")).is_public());
  EXPECT_FALSE(policy(with_condition(R"("IpAddress":{"aws:SourceIp":"10.0.0.0/8"})")).is_public());
  EXPECT_FALSE(policy(statement(R"("Effect":"Deny","Principal":"*","Action":"*","Resource":"*")"))
                   .is_public());
  EXPECT_FALSE(policy(statement(R"("Effect":"Allow","Principal":{"AWS":"arn:aws:iam::ann:root"},)"
                                R"("Action":"*","Resource":"*")"))
                   .is_public());
}

TEST(BucketPolicy, refuses_what_it_does_not_know) {
  refuses("{");
  refuses("{}");
  refuses(R"({"Version":"2020-01-01","Statement":[]})");
  const std::string rest =
      R"("Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*")";
  refuses(statement(rest));
  refuses(statement(R"("Effect":"allow",)" + rest));
  refuses(statement(R"("Effect":"Allow","Surprise":1,)" + rest));
  refuses(statement(R"("Effect":"Allow","Principal":"ann","Action":"s3:*","Resource":"*")"));
  refuses(statement(
      R"("Effect":"Allow","Principal":{"Federated":"x"},"Action":"s3:*","Resource":"*")"));
  refuses(
      statement(R"("Effect":"Allow","Principal":{"AWS":"an*"},"Action":"s3:*","Resource":"*")"));
  refuses(
      statement(R"("Effect":"Allow","NotPrincipal":{"AWS":"ann"},"Action":"s3:*","Resource":"*")"));
  refuses(statement(R"("Effect":"Allow","Principal":"*","Action":"s3:Fly","Resource":"*")"));
  refuses(statement(R"("Effect":"Allow","Principal":"*","Action":"ec2:*","Resource":"*")"));
  refuses(statement(
      R"("Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other/*")"));
  refuses(statement(R"("Effect":"Allow","Principal":"*","Action":"s3:*",)"
                    R"("Resource":"arn:aws:s3:::b/${aws:Moon}")"));
  refuses(with_condition(R"("StringAlmost":{"s3:prefix":"a"})"));
  refuses(with_condition(R"("StringEquals":{"aws:Moon":"a"})"));
  refuses(with_condition(R"("IpAddress":{"aws:SourceIp":"10.0.0.0/33"})"));
  refuses(with_condition(R"("NumericEquals":{"s3:max-keys":"ten"})"));
  refuses(with_condition(R"("Bool":{"aws:SecureTransport":"maybe"})"));
  refuses(with_condition(R"("StringEquals":{"s3:prefix":[]})"));
  refuses(std::string(kMaxBucketPolicyBytes + 1, ' '));
}

TEST(Pattern, matches_stars_and_question_marks) {
  EXPECT_TRUE(matches_pattern("a*c", "abbbc"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a?c*", "abc"));
  EXPECT_FALSE(matches_pattern("a?c", "ac"));
  EXPECT_FALSE(matches_pattern("a*b", "abc"));
  EXPECT_TRUE(matches_pattern("GET*", "getobject", true));
  const std::string many = "*a*a*a*a*a*a*a*a*a*a*b";
  EXPECT_FALSE(matches_pattern(many, std::string(10'000, 'a')));
}

}  // namespace
}  // namespace beringia::access
