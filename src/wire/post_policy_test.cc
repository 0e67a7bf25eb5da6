#include "wire/post_policy.h"

#include <gtest/gtest.h>

#include "wire/sigv2.h"

namespace beringia::wire {
namespace {

const Timestamp kNow = parse_rfc3339("2026-01-01T00:00:00Z");

std::string document(const std::string& conditions) {
  return R"({"expiration":"2026-01-01T01:00:00Z","conditions":[)" + conditions + "]}";
}

std::string outcome(const std::string& conditions, const FormFields& fields) {
  const auto policy = parse_post_policy(document(conditions));
  if (!policy) return policy.error().tag();
  const auto checked = check_post_policy(*policy, fields, "b", kNow);
  return checked ? "good" : checked.error().tag();
}

TEST(PostPolicy, takes_a_form_of_which_every_field_is_covered) {
  const std::string conditions =
      R"({"bUcKeT":"b"},["StArTs-WiTh","$KeY","in/"],{"acl":"private"},["eq","$x-amz-meta-a","1"])";
  EXPECT_EQ(outcome(conditions, {{"key", "in/x"},
                                 {"acl", "private"},
                                 {"x-amz-meta-a", "1"},
                                 {"policy", "p"},
                                 {"signature", "s"},
                                 {"awsaccesskeyid", "k"},
                                 {"x-ignore-this", "y"}}),
            "good");
  EXPECT_EQ(outcome(conditions, {{"key", "out/x"}, {"acl", "private"}, {"x-amz-meta-a", "1"}}),
            "AccessDenied");
  EXPECT_EQ(outcome(conditions, {{"key", "in/x"}, {"acl", "private"}}), "AccessDenied");
  EXPECT_EQ(
      outcome(conditions,
              {{"key", "in/x"}, {"acl", "private"}, {"x-amz-meta-a", "1"}, {"x-amz-meta-b", "2"}}),
      "AccessDenied");
  EXPECT_EQ(outcome(R"({"bucket":"other"},["starts-with","$key",""])", {{"key", "k"}}),
            "AccessDenied");
}

TEST(PostPolicy, checks_every_value_of_a_repeated_field) {
  EXPECT_EQ(outcome(R"(["starts-with","$key","in/"])", {{"key", "in/x"}, {"key", "out/x"}}),
            "AccessDenied");
}

TEST(PostPolicy, ends) {
  const auto policy = parse_post_policy(document("")).value();
  EXPECT_FALSE(check_post_policy(policy, {}, "b", parse_rfc3339("2026-01-01T01:00:01Z")));
  EXPECT_TRUE(check_post_policy(policy, {}, "b", kNow));
}

TEST(PostPolicy, knows_the_range_of_lengths) {
  const auto policy = parse_post_policy(document(R"(["content-length-range",1,"10"])")).value();
  EXPECT_EQ(policy.least_bytes, 1U);
  EXPECT_EQ(policy.most_bytes, 10U);
}

TEST(PostPolicy, refuses_malformed_documents) {
  for (const std::string& bad :
       {document("{}"), document(R"(["content-length-range",0])"),
        document(R"(["content-length-range",-1,5])"), document(R"(["near","$key","a"])"),
        document(R"(["eq","key","a"])"), std::string{R"({"conditions":[]})"},
        std::string{R"({"expiration":"2026-01-01T01:00:00Z"})"},
        std::string{R"({"expiration":"soon","conditions":[]})"},
        std::string{R"({"expiration":"2026-01-01 01:00:00","conditions":[]})"},
        std::string{R"({"EXPIRATION":"2026-01-01T01:00:00Z","conditions":[]})"},
        std::string{"no"}}) {
    const auto policy = parse_post_policy(bad);
    ASSERT_FALSE(policy) << bad;
    EXPECT_EQ(policy.error().tag(), "InvalidPolicyDocument");
  }
}

TEST(PostPolicy, signs_forms_as_version_2_does) {
  // RFC 2202, test case 2 for HMAC-SHA-1.
  EXPECT_EQ(sign_v2(Secret{"Jefe"}, "what do ya want for nothing?"),
            "7/zfauXrL6LSdBbV8YTfnCWafHk=");
}

}  // namespace
}  // namespace beringia::wire
