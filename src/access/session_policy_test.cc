#include "access/session_policy.h"

#include <gtest/gtest.h>

#include "identity/principal_verifier.h"

namespace beringia::access {
namespace {

class OneFact final : public Facts {
 public:
  OneFact(std::string key, std::string value) : key_{std::move(key)}, value_{std::move(value)} {}
  bool find(std::string_view key, std::vector<std::string>& values) const override {
    if (key != key_) return false;
    values.push_back(value_);
    return true;
  }

 private:
  std::string key_, value_;
};

constexpr std::string_view kPolicy = R"({"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::sales/a/*"},
  {"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::sales/a/closed/*"},
  {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::sales",
   "Condition":{"StringLike":{"s3:prefix":"a/*"}}}]})";

Path path(std::string_view text) { return Path::parse(text).value(); }

TEST(SessionPolicy, allows_what_it_says_and_nothing_else) {
  const auto policy = SessionPolicy::parse(kPolicy).value();
  const auto who = identity::PrincipalVerifier::verified("etl", {}, "k");
  const OneFact prefix{"s3:prefix", "a/b"}, other{"s3:prefix", "b"};
  EXPECT_TRUE(policy.allows(who, Right::kReadObject, path("/sales/a/1"), prefix));
  EXPECT_TRUE(policy.allows(who, Right::kWriteObject, path("/sales/a/1"), prefix));
  EXPECT_FALSE(policy.allows(who, Right::kWriteObject, path("/sales/a/closed/1"), prefix));
  EXPECT_FALSE(policy.allows(who, Right::kReadObject, path("/sales/b"), prefix));
  EXPECT_FALSE(policy.allows(who, Right::kReadObject, path("/sales2/a/1"), prefix));
  EXPECT_FALSE(policy.allows(who, Right::kReadObject, path("/other/sales/a/1"), prefix));
  EXPECT_FALSE(policy.allows(who, Right::kDeleteObject, path("/sales/a/1"), prefix));
  EXPECT_TRUE(policy.allows(who, Right::kListBucket, path("/sales/"), prefix));
  EXPECT_FALSE(policy.allows(who, Right::kListBucket, path("/sales/"), other));
  EXPECT_FALSE(policy.allows(who, Right::kListBucket, Path{}, prefix));
  EXPECT_FALSE(policy.allows(who, Right::kAdminister, path("/sales/"), prefix));
}

TEST(SessionPolicy, refuses_what_it_does_not_understand) {
  for (
      const std::string_view text :
      {"", "{", "[]", R"({"Statement":[]})",
       R"({"Statement":[{"Effect":"Allow","Action":"s3:GetObject"}]})",
       R"({"Statement":[{"Effect":"Allow","Action":"s3:Nothing","Resource":"*"}]})",
       R"({"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]})",
       R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]})",
       R"({"Statement":[{"Effect":"Allow","NotPrincipal":"*","Action":"s3:*","Resource":"*"}]})"}) {
    EXPECT_FALSE(SessionPolicy::parse(text)) << text;
  }
  EXPECT_FALSE(SessionPolicy::parse(std::string(kMaxSessionPolicyBytes + 1, ' ')));
}

TEST(SessionPolicies, remember_a_bounded_number_and_close_what_does_not_compile) {
  const SessionPolicies policies;
  const auto who = identity::PrincipalVerifier::verified("etl", {}, "k");
  const OneFact none{"x", "y"};
  const std::string text{kPolicy};
  const auto first = policies.get(text);
  EXPECT_EQ(policies.get(text), first);
  EXPECT_FALSE(policies.get("{")->allows(who, Right::kReadObject, path("/sales/a/1"), none));
  for (size_t i = 0; i < 2 * SessionPolicies::kMax; ++i) {
    policies.get(text + std::string(i % 3000, ' '));
  }
  EXPECT_TRUE(first->allows(who, Right::kReadObject, path("/sales/a/1"), none));
}

}  // namespace
}  // namespace beringia::access
