#include "protocol/s3/test_client.h"

namespace beringia::protocol::s3 {
namespace {

using test::Client;
using Names = std::vector<std::string>;

constexpr const char* kEnable =
    "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
constexpr const char* kSuspend =
    "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>";

class Versions : public testing::Test {
 protected:
  Versions() { client.bucket(); }
  void enable() { ASSERT_EQ(client.send("PUT", "/b?versioning", kEnable).status, 200); }
  std::string put(const std::string& key, const std::string& body) {
    return client.send("PUT", "/b/" + key, body).header("x-amz-version-id");
  }
  Client client;
};

TEST_F(Versions, the_state_is_told_as_it_was_set) {
  EXPECT_EQ(client.send("GET", "/b?versioning").element("Status"), "(none)");
  enable();
  EXPECT_EQ(client.send("GET", "/b?versioning").element("Status"), "Enabled");
  EXPECT_EQ(client.send("PUT", "/b?versioning", kSuspend).status, 200);
  EXPECT_EQ(client.send("GET", "/b?versioning").element("Status"), "Suspended");
  EXPECT_EQ(client.send("PUT", "/b?versioning", "<VersioningConfiguration/>").code(),
            "IllegalVersioningConfigurationException");
  EXPECT_EQ(client.send("PUT", "/nob?versioning", kEnable).code(), "NoSuchBucket");
  EXPECT_EQ(client.send("DELETE", "/b?versioning").code(), "MethodNotAllowed");
}

TEST_F(Versions, ids_are_told_where_versions_are_kept) {
  EXPECT_EQ(put("k", "null"), "(none)");
  EXPECT_EQ(client.send("GET", "/b/k").header("x-amz-version-id"), "(none)");
  enable();
  EXPECT_EQ(client.send("GET", "/b/k").header("x-amz-version-id"), "null");
  const std::string one = put("k", "one");
  const std::string two = put("k", "two");
  EXPECT_NE(one, two);
  EXPECT_EQ(client.send("GET", "/b/k").header("x-amz-version-id"), two);
  EXPECT_EQ(client.send("GET", "/b/k?versionId=" + one).body, "one");
  EXPECT_EQ(client.send("HEAD", "/b/k?versionId=null").header("Content-Length"), "(none)");
  EXPECT_EQ(client.send("HEAD", "/b/k?versionId=null").content_length, 4u);
  EXPECT_EQ(client.send("GET", "/b?versions").elements("VersionId"), (Names{two, one, "null"}));
  EXPECT_EQ(client.send("GET", "/b?versions").elements("IsLatest"),
            (Names{"true", "false", "false"}));
}

TEST_F(Versions, ids_that_are_none_are_refused) {
  enable();
  put("k", "one");
  for (const char* id : {"x", "0", "-1", "18446744073709551616", "1.5"}) {
    for (const char* method : {"GET", "HEAD", "DELETE"}) {
      EXPECT_EQ(client.send(method, "/b/k?versionId=" + std::string{id}).status, 400) << id;
    }
    EXPECT_EQ(
        client.send("GET", "/b?versions&key-marker=k&version-id-marker=" + std::string{id}).code(),
        "InvalidArgument");
  }
  EXPECT_EQ(client.send("GET", "/b/k?versionId=7").code(), "NoSuchVersion");
  EXPECT_EQ(client.send("DELETE", "/b/k?versionId=7").status, 204);
  EXPECT_EQ(client.send("GET", "/b/k").body, "one");
}

TEST_F(Versions, markers_answer_for_themselves) {
  enable();
  const std::string one = put("k", "one");
  const auto removed = client.send("DELETE", "/b/k");
  EXPECT_EQ(removed.status, 204);
  EXPECT_EQ(removed.header("x-amz-delete-marker"), "true");
  const std::string marker = removed.header("x-amz-version-id");
  const auto absent = client.send("GET", "/b/k");
  EXPECT_EQ(absent.code(), "NoSuchKey");
  EXPECT_EQ(absent.header("x-amz-delete-marker"), "true");
  EXPECT_EQ(absent.header("x-amz-version-id"), marker);
  const auto named = client.send("GET", "/b/k?versionId=" + marker);
  EXPECT_EQ(named.status, 405);
  EXPECT_EQ(named.header("Allow"), "DELETE");
  EXPECT_EQ(named.header("x-amz-delete-marker"), "true");
  EXPECT_EQ(client.send("GET", "/b/k?acl&versionId=" + marker).status, 405);
  EXPECT_EQ(client.send("GET", "/b/none").header("x-amz-delete-marker"), "(none)");
  EXPECT_EQ(client.send("DELETE", "/b/k?versionId=" + marker).header("x-amz-delete-marker"),
            "true");
  EXPECT_EQ(client.send("GET", "/b/k").header("x-amz-version-id"), one);
}

TEST_F(Versions, belong_to_the_bucket_and_not_to_a_part_of_it) {
  core::test::WorldOptions options;
  options.aliases = {{"part", "/b/d/"}};
  Client other{options};
  other.bucket();
  ASSERT_EQ(other.send("PUT", "/part/k", "x").status, 200);
  EXPECT_EQ(other.send("PUT", "/part?versioning", kEnable).status, 501);
  ASSERT_EQ(other.send("PUT", "/b?versioning", kEnable).status, 200);
  ASSERT_EQ(other.send("PUT", "/part/k", "y").status, 200);
  EXPECT_EQ(other.send("GET", "/part?versions").elements("Key"), (Names{"k", "k"}));
  EXPECT_EQ(other.send("GET", "/b?versions").elements("Key"), (Names{"d/k", "d/k"}));
}

}  // namespace
}  // namespace beringia::protocol::s3
