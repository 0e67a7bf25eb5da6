// Lifecycle configurations of buckets, and what objects tell of them.
#include <gtest/gtest.h>

#include "access/bucket_access.h"
#include "protocol/s3/test_client.h"

namespace beringia::protocol::s3 {
namespace {

using test::Answer;
using test::Client;

std::string document(const std::string& id, const std::string& members) {
  return "<LifecycleConfiguration><Rule><ID>" + id + "</ID><Status>Enabled</Status>" + members +
         "</Rule></LifecycleConfiguration>";
}
const std::string kExpireLogs = document("logs & more",
                                         "<Filter><Prefix>logs/</Prefix></Filter>"
                                         "<Expiration><Days>3</Days></Expiration>");

TEST(BucketLifecycle, is_put_got_replaced_and_deleted) {
  Client client;
  client.bucket();
  EXPECT_EQ(client.send("PUT", "/b?lifecycle", kExpireLogs).status, 200);
  const Answer first = client.send("GET", "/b?lifecycle");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.element("ID"), "logs &amp; more");
  EXPECT_EQ(first.element("Days"), "3");
  EXPECT_EQ(first.header("x-amz-transition-default-minimum-object-size"),
            "varies_by_storage_class");
  const Answer refused = client.send("PUT", "/b?lifecycle", document("a", "<Filter/>"));
  EXPECT_EQ(refused.code(), "InvalidRequest");
  EXPECT_EQ(client.send("GET", "/b?lifecycle").element("Days"), "3");
  EXPECT_EQ(
      client
          .send("PUT", "/b?lifecycle",
                document("b", "<Prefix/><Expiration><Days>4</Days></Expiration>"),
                {{"x-amz-transition-default-minimum-object-size", "all_storage_classes_128K"}})
          .status,
      200);
  const Answer second = client.send("GET", "/b?lifecycle");
  EXPECT_EQ(second.element("Days"), "4");
  EXPECT_EQ(second.header("x-amz-transition-default-minimum-object-size"),
            "all_storage_classes_128K");
  EXPECT_EQ(client.send("DELETE", "/b?lifecycle").status, 204);
  EXPECT_EQ(client.send("GET", "/b?lifecycle").code(), "NoSuchLifecycleConfiguration");
  EXPECT_EQ(client.send("DELETE", "/b?lifecycle").status, 204);
  EXPECT_EQ(client.send("PUT", "/none?lifecycle", kExpireLogs).code(), "NoSuchBucket");
}

TEST(BucketLifecycle, is_set_by_those_who_may_administer_the_bucket) {
  Client client;
  client.bucket();
  core::test::must(client.world->evaluator().put(
      client.world->context, {"rule", {"alice"}, "/b/", access::Role::kWriter, false}));
  client.use("alice");
  EXPECT_EQ(client.send("PUT", "/b?lifecycle", kExpireLogs).code(), "AccessDenied");
  EXPECT_EQ(client.send("DELETE", "/b?lifecycle").code(), "AccessDenied");
}

TEST(BucketLifecycle, is_told_with_every_object_that_it_will_remove) {
  Client client;
  client.bucket();
  ASSERT_EQ(client.send("PUT", "/b?lifecycle", kExpireLogs).status, 200);
  const Answer put = client.send("PUT", "/b/logs/a", "x");
  const std::string told = put.header("x-amz-expiration");
  EXPECT_NE(told.find("expiry-date=\""), std::string::npos) << told;
  EXPECT_NE(told.find(" 00:00:00 GMT\", rule-id=\"logs%20%26%20more\""), std::string::npos) << told;
  EXPECT_EQ(client.send("HEAD", "/b/logs/a").header("x-amz-expiration"), told);
  EXPECT_EQ(client.send("GET", "/b/logs/a").header("x-amz-expiration"), told);
  EXPECT_EQ(client.send("PUT", "/b/other", "x").header("x-amz-expiration"), "(none)");
  EXPECT_EQ(client.send("HEAD", "/b/other").header("x-amz-expiration"), "(none)");
}

TEST(BucketLifecycle, that_s3_cannot_show_is_not_thrown_away_unseen) {
  Client client;
  client.bucket();
  wire::Lifecycle lifecycle;
  lifecycle.rules.resize(1);
  lifecycle.rules[0].id = "google-1";
  lifecycle.rules[0].filter.suffixes = {".tmp"};
  lifecycle.rules[0].expiration.days = 1;
  core::test::must(client.world->names().set_directory_attributes(
      client.world->context, client.world->grant(core::Action::kAdminister, "/b/"),
      {{std::string{access::kLifecycleAttribute}, core::test::must(wire::encode(lifecycle))}}));
  EXPECT_EQ(client.send("GET", "/b?lifecycle").code(), "NoSuchLifecycleConfiguration");
  EXPECT_EQ(client.send("PUT", "/b?lifecycle", kExpireLogs).code(), "InvalidRequest");
  EXPECT_EQ(client.send("DELETE", "/b?lifecycle").status, 204);
  EXPECT_EQ(client.send("PUT", "/b?lifecycle", kExpireLogs).status, 200);
}

TEST(StorageClasses, of_googles_words_are_told_in_s3s) {
  Client client;
  client.bucket();
  core::WriteRequest request;
  request.attributes.storage_class = "COLDLINE";
  core::test::must(client.world->put("/b/k", "x", request));
  EXPECT_EQ(client.send("HEAD", "/b/k").header("x-amz-storage-class"), "GLACIER_IR");
  EXPECT_EQ(client.send("GET", "/b").element("StorageClass"), "GLACIER_IR");
}

}  // namespace
}  // namespace beringia::protocol::s3
