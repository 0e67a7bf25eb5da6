#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/encoding.h"
#include "protocol/s3/test_client.h"

namespace beringia::protocol::s3::test {
namespace {

const std::string kMethod = "x-amz-server-side-encryption";
const std::string kCustomer = kMethod + "-customer-";
const std::string kKey(32, 'k');

Headers customer(const std::string& key = kKey) {
  return {{kCustomer + "algorithm", "AES256"},
          {kCustomer + "key", to_base64(key)},
          {kCustomer + "key-md5", to_base64(md5(key))}};
}

class Encryption : public testing::Test {
 protected:
  Encryption() {
    Options options;
    options.customer_keys_over_http = true;
    client.restart_service(options);
    core::test::must(client.world->make_directory("/b/"));
  }
  std::string code_of_put(const Headers& headers) {
    return client.send("PUT", "/b/k", "x", headers).code();
  }
  Client client;
};

TEST_F(Encryption, headers_that_contradict_each_other_are_refused) {
  Headers both = customer();
  both.emplace_back(kMethod, "AES256");
  EXPECT_EQ(code_of_put(both), "InvalidArgument");
  EXPECT_EQ(code_of_put({{kMethod, "aes:kms"}}), "InvalidArgument");
  EXPECT_EQ(code_of_put({{kMethod, "AES256"}, {kMethod + "-aws-kms-key-id", "second"}}),
            "InvalidArgument");
  EXPECT_EQ(code_of_put({{kMethod + "-aws-kms-key-id", "second"}}), "InvalidArgument");
  EXPECT_EQ(code_of_put({{kMethod, "aws:kms"}, {kMethod + "-aws-kms-key-id", "nobody"}}),
            "KMS.NotFoundException");
  EXPECT_EQ(code_of_put({{kMethod, "aws:kms"}, {kMethod + "-context", "%"}}), "InvalidArgument");
  Headers short_key = customer();
  short_key[1].second = to_base64("short");
  EXPECT_EQ(code_of_put(short_key), "InvalidArgument");
  Headers wrong_digest = customer();
  wrong_digest[2].second = to_base64(md5("another"));
  EXPECT_EQ(code_of_put(wrong_digest), "InvalidArgument");
  EXPECT_EQ(code_of_put({{kCustomer + "algorithm", "AES256"}}), "InvalidArgument");
  EXPECT_EQ(client.send("GET", "/b/k").status, 404);
}

TEST_F(Encryption, customers_keys_need_tls) {
  client.restart_service();
  const Answer refused = client.send("PUT", "/b/k", "x", customer());
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.code(), "InvalidRequest");
  EXPECT_EQ(refused.body.find(to_base64(kKey)), std::string::npos);
}

TEST_F(Encryption, readers_may_not_name_a_method) {
  EXPECT_EQ(client.send("PUT", "/b/k", "x", {{kMethod, "AES256"}}).header(kMethod), "AES256");
  EXPECT_EQ(client.send("GET", "/b/k").header(kMethod), "AES256");
  EXPECT_EQ(client.send("GET", "/b/k", "", {{kMethod, "AES256"}}).code(), "InvalidArgument");
  EXPECT_EQ(client.send("HEAD", "/b/k", "", {{kMethod, "AES256"}}).status, 400);
}

TEST_F(Encryption, named_keys_are_shown_with_their_id) {
  const Headers named = {{kMethod, "aws:kms"},
                         {kMethod + "-aws-kms-key-id", "arn:aws:kms:eu-west-1:1:key/second"},
                         {kMethod + "-context", to_base64("{\"a\":\"b\"}")},
                         {kMethod + "-bucket-key-enabled", "true"}};
  EXPECT_EQ(client.send("PUT", "/b/k", "x", named).status, 200);
  const Answer head = client.send("HEAD", "/b/k");
  EXPECT_EQ(head.header(kMethod), "aws:kms");
  EXPECT_EQ(head.header(kMethod + "-aws-kms-key-id"), "second");
  EXPECT_EQ(head.header(kMethod + "-bucket-key-enabled"), "true");
  EXPECT_EQ(client.send("GET", "/b/k").body, "x");
}

TEST_F(Encryption, customers_keys_are_checked_before_anything_is_told) {
  EXPECT_EQ(client.send("PUT", "/b/k", "x", customer()).header(kCustomer + "key-MD5"),
            to_base64(md5(kKey)));
  EXPECT_EQ(client.send("GET", "/b/k", "", customer()).body, "x");
  EXPECT_EQ(client.send("HEAD", "/b/k").status, 400);
  EXPECT_EQ(client.send("GET", "/b/k").code(), "InvalidRequest");
  EXPECT_EQ(client.send("GET", "/b/k", "", customer(std::string(32, 'o'))).code(),
            "InvalidRequest");
}

TEST_F(Encryption, the_buckets_default_is_one_rule) {
  const auto put = [&](const std::string& rules) {
    return client
        .send(
            "PUT", "/b?encryption",
            "<ServerSideEncryptionConfiguration>" + rules + "</ServerSideEncryptionConfiguration>")
        .code();
  };
  const auto rule = [](const std::string& inner, const std::string& outer = "") {
    return "<Rule><ApplyServerSideEncryptionByDefault>" + inner +
           "</ApplyServerSideEncryptionByDefault>" + outer + "</Rule>";
  };
  const std::string server = "<SSEAlgorithm>AES256</SSEAlgorithm>";
  EXPECT_EQ(put(""), "MalformedXML");
  EXPECT_EQ(put(rule(server) + rule(server)), "MalformedXML");
  EXPECT_EQ(put(rule("<SSEAlgorithm>DES</SSEAlgorithm>")), "MalformedXML");
  EXPECT_EQ(put(rule(server, "<BucketKeyEnabled>2</BucketKeyEnabled>")), "MalformedXML");
  EXPECT_EQ(put(rule(server + "<KMSMasterKeyID>second</KMSMasterKeyID>")), "InvalidArgument");
  EXPECT_EQ(put(rule("<SSEAlgorithm>aws:kms:dsse</SSEAlgorithm>")), "NotImplemented");
  EXPECT_EQ(client.send("GET", "/b?encryption").status, 404);
  EXPECT_EQ(put(rule(server)), "(none)");
  EXPECT_EQ(client.send("PUT", "/b/k", "x").header(kMethod), "AES256");
}

}  // namespace
}  // namespace beringia::protocol::s3::test
