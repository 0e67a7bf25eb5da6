// Buckets and lists through the S3 door.
#include <gtest/gtest.h>

#include "protocol/s3/test_client.h"

namespace beringia::protocol::s3 {
namespace {

using test::Answer;
using test::Client;
using Names = std::vector<std::string>;

TEST(Buckets, are_made_found_listed_and_removed) {
  Client client;
  EXPECT_EQ(client.send("PUT", "/sales").status, 200);
  EXPECT_EQ(client.send("PUT", "/sales").status, 200);  // as in us-east-1
  EXPECT_EQ(client.send("HEAD", "/sales").status, 200);
  EXPECT_EQ(client.send("HEAD", "/sales").header("x-amz-bucket-region"), "us-east-1");
  EXPECT_EQ(client.send("HEAD", "/%24extremelyunlikelytoexist%24").status, 404);
  EXPECT_EQ(client.send("HEAD", "/%24extremelyunlikelytoexist%24").header("x-amz-bucket-region"),
            "us-east-1");
  EXPECT_EQ(client.send("GET", "/sales?location").element("LocationConstraint"), "(none)");
  EXPECT_EQ(client.send("PUT", "/sales/k", "x").status, 200);
  EXPECT_EQ(client.send("DELETE", "/sales").code(), "BucketNotEmpty");
  EXPECT_EQ(client.send("DELETE", "/sales/k").status, 204);
  EXPECT_EQ(client.send("DELETE", "/sales").status, 204);
  EXPECT_EQ(client.send("DELETE", "/sales").code(), "NoSuchBucket");
}

TEST(Buckets, of_another_owner_cannot_be_taken) {
  Client client;
  for (const char* who : {"alice", "bob"}) {
    client.world->principal(who);
    core::test::must(client.world->evaluator().put(
        client.world->context, {who, {who}, "/shared/", access::Role::kOwner, false}));
  }
  client.use("alice");
  EXPECT_EQ(client.send("PUT", "/shared").status, 200);
  client.use("bob");
  EXPECT_EQ(client.send("PUT", "/shared").code(), "BucketAlreadyExists");
}

TEST(Buckets, have_names_that_s3_allows) {
  Client client;
  for (const char* name : {"ab", "Upper", "under_score", "-edge", "a..b", "192.168.1.1", "xn--x"}) {
    EXPECT_EQ(client.send("PUT", "/" + std::string{name}).code(), "InvalidBucketName") << name;
  }
  EXPECT_EQ(client.send("PUT", "/" + std::string(64, 'a')).code(), "InvalidBucketName");
  EXPECT_EQ(client.send("PUT", "/a.b-c1").status, 200);
}

TEST(Buckets, are_listed_in_pages) {
  Client client;
  for (const char* name : {"aa1", "aa2", "bb1", "bb2"}) client.bucket(name);
  EXPECT_EQ(client.send("GET", "/").elements("Name"), (Names{"aa1", "aa2", "bb1", "bb2"}));
  EXPECT_EQ(client.send("GET", "/?prefix=bb").elements("Name"), (Names{"bb1", "bb2"}));
  const Answer first = client.send("GET", "/?max-buckets=3");
  EXPECT_EQ(first.elements("Name"), (Names{"aa1", "aa2", "bb1"}));
  const std::string token = first.element("ContinuationToken");
  const Answer second = client.send("GET", "/?max-buckets=3&continuation-token=" + token);
  EXPECT_EQ(second.elements("Name"), (Names{"bb2"}));
  EXPECT_EQ(second.element("ContinuationToken"), "(none)");
  EXPECT_EQ(client.send("GET", "/?max-buckets=0").code(), "InvalidArgument");
}

TEST(Buckets, are_listed_to_those_who_may_list_them) {
  Client client;
  for (const char* name : {"aa1", "bb1", "cc1"}) client.bucket(name);
  core::test::must(client.world->evaluator().put(
      client.world->context, {"rule", {"alice"}, "/bb1/", access::Role::kReader, false}));
  client.use("alice");
  EXPECT_EQ(client.send("GET", "/").elements("Name"), Names{"bb1"});
  EXPECT_NE(client.audit().back().find("\"visible\""), std::string::npos);
  client.use("bob");
  EXPECT_EQ(client.send("GET", "/").elements("Name"), Names{});
}

TEST(Buckets, tell_the_truth_about_settings) {
  Client client;
  client.bucket();
  ASSERT_EQ(client.send("PUT", "/b/k", "x").status, 200);
  const std::vector<std::pair<std::string, std::string>> missing = {
      {"policy", "NoSuchBucketPolicy"},
      {"cors", "NoSuchCORSConfiguration"},
      {"lifecycle", "NoSuchLifecycleConfiguration"},
      {"encryption", "ServerSideEncryptionConfigurationNotFoundError"},
      {"tagging", "NoSuchTagSet"},
      {"website", "NoSuchWebsiteConfiguration"},
      {"replication", "ReplicationConfigurationNotFoundError"},
      {"object-lock", "ObjectLockConfigurationNotFoundError"},
      {"publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"}};
  for (const auto& [name, code] : missing) {
    const Answer answer = client.send("GET", "/b?" + name);
    EXPECT_EQ(answer.status, 404) << name;
    EXPECT_EQ(answer.code(), code);
    // What can be set is asked for a good document; what cannot is not offered.
    const bool offered = name == "object-lock" || name == "policy" || name == "cors" ||
                         name == "lifecycle" || name == "tagging" || name == "publicAccessBlock" ||
                         name == "encryption" || name == "website";
    EXPECT_EQ(client.send("PUT", "/b?" + name, "<x/>").status, offered ? 400 : 501) << name;
    EXPECT_EQ(client.send("GET", "/nob?" + name).code(), "NoSuchBucket") << name;
  }
  for (const char* name : {"acl", "versioning", "logging", "notification", "ownershipControls",
                           "accelerate", "requestPayment"}) {
    EXPECT_EQ(client.send("GET", "/b?" + std::string{name}).status, 200) << name;
  }
  EXPECT_NE(client.send("GET", "/b/k?acl").body.find("FULL_CONTROL"), std::string::npos);
  EXPECT_EQ(client.send("GET", "/b/none?acl").code(), "NoSuchKey");
  EXPECT_EQ(client.send("GET", "/b/k?legal-hold").code(), "InvalidRequest");
  EXPECT_EQ(client.send("GET", "/b/k?retention").code(), "InvalidRequest");
  EXPECT_EQ(client.send("PATCH", "/b").code(), "MethodNotAllowed");
}

class Lists : public testing::Test {
 protected:
  Lists() {
    client.bucket();
    for (const char* key : {"a", "a%2Fb", "a%2Fc%2Fd", "a-b", "b", "%C3%BC", "p%20q", "p%2Bq"}) {
      EXPECT_EQ(client.send("PUT", "/b/" + std::string{key}, "x").status, 200);
    }
  }
  Client client;
};

TEST_F(Lists, come_in_byte_order_in_both_versions) {
  const Names all = {"a", "a-b", "a/b", "a/c/d", "b", "p q", "p+q", "\xC3\xBC"};
  EXPECT_EQ(client.send("GET", "/b").elements("Key"), all);
  EXPECT_EQ(client.send("GET", "/b?list-type=2").elements("Key"), all);
  EXPECT_EQ(client.send("GET", "/b?list-type=2").element("KeyCount"), "8");
  EXPECT_EQ(client.send("GET", "/b?list-type=2&encoding-type=url").elements("Key").back(),
            "%C3%BC");
  EXPECT_EQ(client.send("GET", "/b?encoding-type=url").elements("Key")[5], "p%20q");
  EXPECT_EQ(client.send("GET", "/b?encoding-type=xml").code(), "InvalidArgument");
  const auto versions = client.send("GET", "/b?versions");
  EXPECT_EQ(versions.elements("Key"), all);
  EXPECT_EQ(versions.elements("VersionId"), Names(8, "null"));
  EXPECT_EQ(versions.elements("IsLatest"), Names(8, "true"));
}

TEST_F(Lists, group_by_any_delimiter) {
  const Answer slash = client.send("GET", "/b?list-type=2&delimiter=/");
  EXPECT_EQ(slash.elements("Key"), (Names{"a", "a-b", "b", "p q", "p+q", "\xC3\xBC"}));
  EXPECT_EQ(slash.elements("Prefix"), (Names{"", "a/"}));
  EXPECT_EQ(slash.element("KeyCount"), "7");
  EXPECT_EQ(client.send("GET", "/b?prefix=a/&delimiter=/").elements("Key"), Names{"a/b"});
  EXPECT_EQ(client.send("GET", "/b?delimiter=-").elements("Prefix"), (Names{"", "a-"}));
}

TEST_F(Lists, resume_without_gap_or_repetition) {
  for (const char* form : {"/b?list-type=2&max-keys=1", "/b?list-type=2&max-keys=1&delimiter=/",
                           "/b?list-type=2&max-keys=2&delimiter=-"}) {
    const std::string base = form;
    Answer whole = client.send(
        "GET", base.substr(0, base.find("&max-keys=")) + base.substr(base.find("&max-keys=") + 11));
    Names keys, prefixes;
    std::string token;
    for (int page = 0; page < 20; ++page) {
      const Answer answer =
          client.send("GET", base + (token.empty() ? "" : "&continuation-token=" + token));
      for (auto& key : answer.elements("Key")) keys.push_back(key);
      const auto found = answer.elements("Prefix");
      prefixes.insert(prefixes.end(), found.begin() + 1, found.end());
      if (answer.element("IsTruncated") == "false") break;
      token = answer.element("NextContinuationToken");
    }
    EXPECT_EQ(keys, whole.elements("Key")) << form;
    const auto all = whole.elements("Prefix");
    EXPECT_EQ(prefixes, Names(all.begin() + 1, all.end())) << form;
  }
}

TEST_F(Lists, check_their_parameters) {
  EXPECT_EQ(client.send("GET", "/b?max-keys=0").elements("Key").size(), 0u);
  EXPECT_EQ(client.send("GET", "/b?max-keys=0").element("IsTruncated"), "false");
  EXPECT_EQ(client.send("GET", "/b?max-keys=-1").code(), "InvalidArgument");
  EXPECT_EQ(client.send("GET", "/b?max-keys=5000").element("MaxKeys"), "1000");
  EXPECT_EQ(client.send("GET", "/b?list-type=2&continuation-token=%21").code(), "InvalidArgument");
  EXPECT_EQ(client.send("GET", "/b?list-type=2&start-after=a/b").elements("Key")[0], "a/c/d");
  EXPECT_EQ(client.send("GET", "/b?marker=b").elements("Key")[0], "p q");
  EXPECT_EQ(client.send("GET", "/b?list-type=2").element("Owner"), "(none)");
  EXPECT_NE(client.send("GET", "/b?list-type=2&fetch-owner=true").element("ID"), "(none)");
  EXPECT_EQ(client.send("GET", "/nob?list-type=2").code(), "NoSuchBucket");
}

}  // namespace
}  // namespace beringia::protocol::s3
