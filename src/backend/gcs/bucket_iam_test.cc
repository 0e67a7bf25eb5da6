#include "backend/gcs/bucket_iam.h"

#include <gtest/gtest.h>

namespace beringia::backend::gcs {
namespace {

constexpr std::string_view kPolicy = R"~({
  "kind": "storage#policy", "version": 3, "etag": "CAE=", "bindings": [
    {"role": "roles/storage.objectViewer", "members": ["user:a@x.com", "user:b@x.com"]},
    {"role": "roles/storage.objectViewer", "members": ["user:c@x.com"],
     "condition": {"title": "t",
                   "expression": "request.time < timestamp(\"2027-01-01T00:00:00Z\")"}}]})~";

TEST(IamPolicy, comes_back_as_it_was_with_its_etag_and_conditions) {
  auto policy = parse_iam_policy(kPolicy);
  ASSERT_TRUE(policy) << policy.error().to_string();
  EXPECT_EQ(policy->etag, "CAE=");
  ASSERT_EQ(policy->bindings.size(), 2u);
  auto again = parse_iam_policy(render_iam_policy(*policy));
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(again->etag, "CAE=");
  ASSERT_EQ(again->bindings.size(), 2u);
  EXPECT_EQ(again->bindings[1].condition, policy->bindings[1].condition);
  EXPECT_NE(again->bindings[1].condition.find("2027-01-01"), std::string::npos);
}

TEST(IamPolicy, a_change_touches_only_the_binding_without_condition) {
  auto policy = parse_iam_policy(kPolicy).value();
  const std::string viewer = "roles/storage.objectViewer";
  EXPECT_FALSE(change_policy(policy, {{viewer, "user:a@x.com", true}}));
  EXPECT_FALSE(change_policy(policy, {{viewer, "user:c@x.com", false}})) << "conditional: not ours";
  EXPECT_TRUE(change_policy(policy, {{viewer, "user:a@x.com", false},
                                     {"roles/storage.objectUser", "user:d@x.com", true}}));
  ASSERT_EQ(policy.bindings.size(), 3u);
  EXPECT_EQ(policy.bindings[0].members, std::vector<std::string>{"user:b@x.com"});
  EXPECT_EQ(policy.bindings[1].members, std::vector<std::string>{"user:c@x.com"});
  EXPECT_EQ(policy.bindings[2].members, std::vector<std::string>{"user:d@x.com"});
}

TEST(IamPolicy, what_is_none_is_refused) {
  EXPECT_FALSE(parse_iam_policy("[]"));
  EXPECT_FALSE(parse_iam_policy(R"({"bindings":[7]})"));
  EXPECT_FALSE(parse_iam_policy(R"({"bindings":[{"role":"r","members":[7]}]})"));
  EXPECT_TRUE(parse_iam_policy("{}")->bindings.empty());
}

}  // namespace
}  // namespace beringia::backend::gcs
