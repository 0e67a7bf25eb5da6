// Objects through the S3 door: bytes, headers, conditions, ranges, copies.
#include <gtest/gtest.h>

#include "protocol/s3/test_client.h"

namespace beringia::protocol::s3 {
namespace {

using test::Answer;
using test::Client;
using test::Headers;

class Objects : public testing::Test {
 protected:
  Objects() { client.bucket(); }
  Answer put(const std::string& key, const std::string& body, const Headers& headers = {}) {
    Answer answer = client.send("PUT", "/b/" + key, body, headers);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer;
  }
  Answer get(const std::string& target, const Headers& headers = {}) {
    return client.send("GET", "/b/" + target, "", headers);
  }
  Client client;
};

TEST_F(Objects, give_back_what_was_stored) {
  const Answer stored = put("a/b.txt", "hello",
                            {{"Content-Type", "text/plain"},
                             {"Cache-Control", "no-store"},
                             {"Content-Encoding", "gzip,aws-chunked"},
                             {"Expires", "Thu, 01 Dec 2033 16:00:00 GMT"},
                             {"x-amz-meta-Color", "deep  blue"},
                             {"x-amz-storage-class", "STANDARD_IA"},
                             {"x-amz-tagging", "a=1&b=two%20words"}});
  EXPECT_EQ(stored.header("ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  for (const char* method : {"GET", "HEAD"}) {
    const Answer answer = client.send(method, "/b/a/b.txt");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("Content-Type"), "text/plain");
    EXPECT_EQ(answer.header("Cache-Control"), "no-store");
    EXPECT_EQ(answer.header("Content-Encoding"), "gzip");
    EXPECT_EQ(answer.header("Expires"), "Thu, 01 Dec 2033 16:00:00 GMT");
    EXPECT_EQ(answer.header("x-amz-meta-color"), "deep  blue");
    EXPECT_EQ(answer.header("x-amz-storage-class"), "STANDARD_IA");
    EXPECT_EQ(answer.header("x-amz-tagging-count"), "2");
    EXPECT_EQ(answer.header("ETag"), stored.header("ETag"));
    EXPECT_EQ(answer.header("Accept-Ranges"), "bytes");
    EXPECT_EQ(answer.content_length, 5u);
    EXPECT_EQ(answer.body, std::string{method} == "GET" ? "hello" : "");
  }
}

TEST_F(Objects, keys_are_plain_bytes) {
  const std::vector<std::pair<std::string, std::string>> keys = {
      {"a", "a"},           {"a/", "a/"},   {"a//b", "a//b"}, {"../x", "../x"},
      {"a%2Fc", "a/c"},     {"p+q", "p+q"}, {"p%20q", "p q"}, {"%C3%BC", "\xC3\xBC"},
      {"a%252Fb", "a%2Fb"}, {".", "."},     {"dot.", "dot."}, {"%E2%82%AC", "\xE2\x82\xAC"}};
  for (const auto& [escaped, key] : keys) put(escaped, "is " + key);
  for (const auto& [escaped, key] : keys) EXPECT_EQ(get(escaped).body, "is " + key) << escaped;
  EXPECT_EQ(client.send("PUT", "/b/" + std::string(1025, 'k'), "x").code(), "KeyTooLongError");
  EXPECT_EQ(client.send("PUT", "/b/" + std::string(1024, 'k'), "x").status, 200);
  EXPECT_EQ(client.send("PUT", "/b/%ff", "x").code(), "InvalidURI");
  EXPECT_EQ(client.send("PUT", "/b/a%00b", "x").status, 400);
}

TEST_F(Objects, absent_names_have_their_codes) {
  EXPECT_EQ(get("none").code(), "NoSuchKey");
  EXPECT_EQ(get("none").status, 404);
  EXPECT_EQ(get("none").element("Key"), "none");
  EXPECT_EQ(client.send("GET", "/nobucket/k").code(), "NoSuchBucket");
  EXPECT_EQ(client.send("PUT", "/nobucket/k", "x").code(), "NoSuchBucket");
  EXPECT_EQ(client.send("DELETE", "/nobucket/k").code(), "NoSuchBucket");
  EXPECT_EQ(client.send("DELETE", "/b/none").status, 204);
  const Answer head = client.send("HEAD", "/b/none");
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.body, "");
  put("k", "x");
  EXPECT_EQ(client.send("GET", "/b/k?versionId=null").status, 200);
  EXPECT_EQ(client.send("GET", "/b/k?versionId=7").code(), "NoSuchVersion");
}

TEST_F(Objects, ranges_are_exact) {
  put("k", "0123456789");
  struct Case {
    const char* range;
    int status;
    const char* body;
  };
  for (const Case& c :
       {Case{"bytes=0-4", 206, "01234"}, Case{"bytes=7-", 206, "789"}, Case{"bytes=-3", 206, "789"},
        Case{"bytes=5-100", 206, "56789"}, Case{"bytes=4-2", 200, "0123456789"},
        Case{"bytes=0-1,3-4", 200, "0123456789"}, Case{"lines=0-1", 200, "0123456789"}}) {
    const Answer answer = get("k", {{"Range", c.range}});
    EXPECT_EQ(answer.status, c.status) << c.range;
    EXPECT_EQ(answer.body, c.body) << c.range;
  }
  EXPECT_EQ(get("k", {{"Range", "bytes=2-3"}}).header("Content-Range"), "bytes 2-3/10");
  const Answer outside = get("k", {{"Range", "bytes=10-"}});
  EXPECT_EQ(outside.status, 416);
  EXPECT_EQ(outside.code(), "InvalidRange");
  EXPECT_EQ(outside.header("Content-Range"), "bytes */10");
  const Answer head = client.send("HEAD", "/b/k", "", {{"Range", "bytes=0-3"}});
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.content_length, 4u);
  EXPECT_EQ(get("k", {{"Range", "bytes=0-1"}, {"If-Range", "\"other\""}}).status, 200);
}

TEST_F(Objects, conditions_of_reads) {
  const std::string etag = put("k", "hello").header("ETag");
  const std::string bare = etag.substr(1, etag.size() - 2);
  EXPECT_EQ(get("k", {{"If-Match", etag}}).status, 200);
  EXPECT_EQ(get("k", {{"If-Match", bare}}).status, 200);
  EXPECT_EQ(get("k", {{"If-Match", "\"other\""}}).status, 412);
  EXPECT_EQ(get("k", {{"If-None-Match", "\"other\""}}).status, 200);
  const Answer same = get("k", {{"If-None-Match", etag}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.header("ETag"), etag);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(client.send("HEAD", "/b/k", "", {{"If-None-Match", etag}}).status, 304);
  const std::string now = to_http_date(client.clock.wall());
  EXPECT_EQ(get("k", {{"If-Modified-Since", now}}).status, 304);
  EXPECT_EQ(get("k", {{"If-Unmodified-Since", now}}).status, 200);
  EXPECT_EQ(get("k", {{"If-Unmodified-Since", "Thu, 01 Jan 1998 00:00:00 GMT"}}).status, 412);
  EXPECT_EQ(get("k", {{"If-Modified-Since", "no date"}}).status, 200);
}

TEST_F(Objects, conditions_of_writes_and_deletes) {
  EXPECT_EQ(client.send("PUT", "/b/k", "1", {{"If-None-Match", "*"}}).status, 200);
  const Answer lost = client.send("PUT", "/b/k", "2", {{"If-None-Match", "*"}});
  EXPECT_EQ(lost.status, 412);
  EXPECT_EQ(lost.code(), "PreconditionFailed");
  const std::string etag = client.send("HEAD", "/b/k").header("ETag");
  EXPECT_EQ(client.send("PUT", "/b/k", "3", {{"If-Match", "\"other\""}}).status, 412);
  EXPECT_EQ(client.send("PUT", "/b/none", "3", {{"If-Match", etag}}).code(), "NoSuchKey");
  EXPECT_EQ(client.send("PUT", "/b/k", "3", {{"If-Match", etag}}).status, 200);
  const std::string third = client.send("HEAD", "/b/k").header("ETag");
  EXPECT_EQ(client.send("PUT", "/b/k", "4", {{"If-None-Match", third}}).status, 412);
  EXPECT_EQ(get("k").body, "3");
  EXPECT_EQ(client.send("DELETE", "/b/k", "", {{"If-Match", etag}}).status, 412);
  EXPECT_EQ(client.send("DELETE", "/b/k", "", {{"If-Match", "*"}}).status, 204);
  EXPECT_EQ(get("k").status, 404);
}

TEST_F(Objects, wrong_checksums_store_nothing) {
  for (const auto& [header, value] :
       Headers{{"Content-MD5", to_base64(md5("other"))},
               {"x-amz-checksum-crc32", "AAAAAA=="},
               {"x-amz-checksum-crc32c", "AAAAAA=="},
               {"x-amz-checksum-crc64nvme", "AAAAAAAAAAA="},
               {"x-amz-checksum-sha1", to_base64(std::string(20, 'x'))},
               {"x-amz-checksum-sha256", to_base64(sha256("x"))}}) {
    const Answer answer = client.send("PUT", "/b/k", "hello", {{header, value}});
    EXPECT_EQ(answer.status, 400) << header;
    EXPECT_EQ(answer.code(), "BadDigest") << header;
  }
  EXPECT_EQ(client.send("PUT", "/b/k", "hello", {{"Content-MD5", "nonsense"}}).code(),
            "InvalidDigest");
  EXPECT_EQ(client.send("PUT", "/b/k", "hello", {{"x-amz-checksum-crc32", "nonsense"}}).code(),
            "InvalidRequest");
  EXPECT_EQ(client
                .send("PUT", "/b/k", "hello",
                      {{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-checksum-sha1", "AA=="}})
                .code(),
            "InvalidRequest");
  EXPECT_EQ(get("k").status, 404);
}

TEST_F(Objects, right_checksums_are_kept_and_served_on_request) {
  const std::string sum = to_base64(sha256("hello"));
  const Answer stored = put("k", "hello", {{"x-amz-checksum-sha256", sum}});
  EXPECT_EQ(stored.header("x-amz-checksum-sha256"), sum);
  EXPECT_EQ(get("k").header("x-amz-checksum-sha256"), "(none)");
  const Answer asked = get("k", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(asked.header("x-amz-checksum-sha256"), sum);
  EXPECT_EQ(asked.header("x-amz-checksum-type"), "FULL_OBJECT");
  EXPECT_EQ(get("k", {{"x-amz-checksum-mode", "ENABLED"}, {"Range", "bytes=0-1"}})
                .header("x-amz-checksum-sha256"),
            "(none)")
      << "a part's bytes have another sum";
  put("plain", "hello");
  EXPECT_NE(get("plain", {{"x-amz-checksum-mode", "ENABLED"}}).header("x-amz-checksum-crc64nvme"),
            "(none)");
}

TEST_F(Objects, lengths_are_a_must) {
  io::HttpRequest request = client.make("PUT", "/b/k", "", {});
  request.content_length.reset();
  core::test::must(
      client.signer.sign("PUT", "/b/k", request.headers, to_hex(sha256("")), client.clock.wall()));
  const Answer answer = client.deliver(std::move(request), "");
  EXPECT_EQ(answer.status, 411);
  EXPECT_EQ(answer.code(), "MissingContentLength");
}

TEST_F(Objects, what_is_not_offered_is_refused_and_never_ignored) {
  for (const auto& [header, value] : Headers{{"x-amz-server-side-encryption", "aws:kms:dsse"},
                                             {"x-amz-write-offset-bytes", "4"}}) {
    EXPECT_EQ(client.send("PUT", "/b/k", "x", {{header, value}}).status, 501) << header;
  }
  EXPECT_EQ(client.send("PUT", "/b/k", "x", {{"x-amz-acl", "public-read"}}).code(),
            "AccessControlListNotSupported");
  EXPECT_EQ(client.send("PUT", "/b/k", "x", {{"x-amz-storage-class", "FAST"}}).code(),
            "InvalidStorageClass");
  EXPECT_EQ(client.send("PUT", "/b/k", "x", {{"x-amz-meta-m", std::string(3000, 'm')}}).code(),
            "MetadataTooLarge");
  EXPECT_EQ(get("k").status, 404);
  EXPECT_EQ(client.send("PUT", "/b/k", "x", {{"x-amz-acl", "private"}}).status, 200);
}

TEST_F(Objects, response_overrides_cannot_split_the_answer) {
  put("k", "hello");
  EXPECT_EQ(get("k?response-content-type=text%2Fcsv").header("Content-Type"), "text/csv");
  const Answer split = get("k?response-content-disposition=a%0d%0aSet-Cookie:%20x");
  EXPECT_EQ(split.status, 400);
  EXPECT_EQ(split.code(), "InvalidArgument");
}

TEST_F(Objects, copies_keep_or_replace_attributes) {
  put("from", "hello",
      {{"Content-Type", "text/plain"}, {"x-amz-meta-a", "1"}, {"x-amz-tagging", "t=1"}});
  const Answer copied = client.send("PUT", "/b/to", "", {{"x-amz-copy-source", "/b/from"}});
  EXPECT_EQ(copied.status, 200) << copied.body;
  EXPECT_EQ(copied.element("ETag"), "&quot;5d41402abc4b2a76b9719d911017c592&quot;");
  EXPECT_EQ(get("to").body, "hello");
  EXPECT_EQ(get("to").header("x-amz-meta-a"), "1");
  EXPECT_EQ(get("to").header("x-amz-tagging-count"), "1");
  const Answer replaced = client.send("PUT", "/b/to", "",
                                      {{"x-amz-copy-source", "b/from"},
                                       {"x-amz-metadata-directive", "REPLACE"},
                                       {"x-amz-meta-b", "2"}});
  EXPECT_EQ(replaced.status, 200);
  EXPECT_EQ(get("to").header("x-amz-meta-a"), "(none)");
  EXPECT_EQ(get("to").header("x-amz-meta-b"), "2");
  EXPECT_EQ(get("to").header("x-amz-tagging-count"), "1") << "tags have a directive of their own";
  EXPECT_EQ(client.send("PUT", "/b/to", "", {{"x-amz-copy-source", "b/to"}}).code(),
            "InvalidRequest");
  EXPECT_EQ(client.send("PUT", "/b/to", "", {{"x-amz-copy-source", "b/none"}}).code(), "NoSuchKey");
  EXPECT_EQ(client.send("PUT", "/b/to", "", {{"x-amz-copy-source", "nob/none"}}).code(),
            "NoSuchBucket");
  EXPECT_EQ(client.send("PUT", "/b/to", "", {{"x-amz-copy-source", "nothing"}}).code(),
            "InvalidArgument");
  EXPECT_EQ(client
                .send("PUT", "/b/to", "",
                      {{"x-amz-copy-source", "b/from"}, {"x-amz-copy-source-if-match", "\"x\""}})
                .status,
            412);
  const Answer summed =
      client.send("PUT", "/b/sum", "",
                  {{"x-amz-copy-source", "b/from"}, {"x-amz-checksum-algorithm", "SHA256"}});
  EXPECT_EQ(summed.element("ChecksumSHA256"), to_base64(sha256("hello")));
}

TEST(CopiesAcrossBackends, keep_bytes_attributes_and_checksums) {
  core::test::WorldOptions options;
  options.memory_backends = {"remote"};
  options.mounts = {{"/", {"disk"}}, {"/cloud/", {"remote"}}};
  Client client{std::move(options)};
  client.bucket();
  const std::string sum = to_base64(sha256("hello"));
  ASSERT_EQ(
      client
          .send("PUT", "/b/from", "hello", {{"x-amz-checksum-sha256", sum}, {"x-amz-meta-a", "1"}})
          .status,
      200);
  const Answer copied = client.send("PUT", "/cloud/to", "", {{"x-amz-copy-source", "b/from"}});
  EXPECT_EQ(copied.element("ChecksumSHA256"), sum) << copied.body;
  const Answer got = client.send("GET", "/cloud/to", "", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.header("x-amz-checksum-sha256"), sum);
  EXPECT_EQ(got.header("x-amz-meta-a"), "1");
  EXPECT_TRUE(client.world->has_native("remote", "to"));
}

TEST_F(Objects, tags_are_set_read_and_removed) {
  put("k", "hello");
  const std::string xml =
      "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
  EXPECT_EQ(client.send("PUT", "/b/k?tagging", xml).status, 200);
  const Answer tags = client.send("GET", "/b/k?tagging");
  EXPECT_EQ(tags.element("Key"), "a");
  EXPECT_EQ(tags.element("Value"), "1");
  EXPECT_EQ(client.send("PUT", "/b/k?tagging", "<Tagging>").code(), "MalformedXML");
  EXPECT_EQ(client.send("DELETE", "/b/k?tagging").status, 204);
  EXPECT_EQ(client.send("GET", "/b/k?tagging").element("Key"), "(none)");
  EXPECT_EQ(get("k").body, "hello");
}

TEST_F(Objects, attributes_tell_what_was_asked_for) {
  put("k", "hello");
  const Answer answer =
      client.send("GET", "/b/k?attributes", "",
                  {{"x-amz-object-attributes", "ETag,ObjectSize,Checksum,StorageClass"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.element("ETag"), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(answer.element("ObjectSize"), "5");
  EXPECT_EQ(answer.element("StorageClass"), "STANDARD");
  EXPECT_NE(answer.element("ChecksumCRC64NVME"), "(none)");
  EXPECT_EQ(client.send("GET", "/b/k?attributes").code(), "InvalidRequest");
}

TEST_F(Objects, many_are_deleted_with_one_request) {
  for (int i = 0; i < 50; ++i) put("k" + std::to_string(i), "x");
  std::string xml = "<Delete>";
  for (int i = 0; i < 49; ++i) xml += "<Object><Key>k" + std::to_string(i) + "</Key></Object>";
  xml += "<Object><Key>none</Key></Object></Delete>";
  const Answer answer = client.send("POST", "/b?delete", xml);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.elements("Deleted").size(), 50u);
  EXPECT_EQ(answer.elements("Error").size(), 0u);
  EXPECT_EQ(client.send("GET", "/b?list-type=2").elements("Key"), std::vector<std::string>{"k49"});
  EXPECT_EQ(client.send("POST", "/nob?delete", xml).code(), "NoSuchBucket");
  EXPECT_EQ(client.send("POST", "/b?delete", "<Delete>").code(), "MalformedXML");
  EXPECT_EQ(
      client.send("POST", "/b?delete", xml, {{"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}}).code(),
      "InvalidRequest")
      << "a body that nothing vouches for";
}

TEST_F(Objects, deletes_may_insist_on_size_and_time) {
  const std::string date = to_http_date(client.clock.wall());
  const Headers right{{"x-amz-if-match-size", "5"}, {"x-amz-if-match-last-modified-time", date}};
  put("k", "hello");
  EXPECT_EQ(client.send("DELETE", "/b/k", "", {{"x-amz-if-match-size", "6"}}).status, 412);
  EXPECT_EQ(client.send("DELETE", "/b/k", "", {{"x-amz-if-match-size", "x"}}).status, 400);
  EXPECT_EQ(client.send("DELETE", "/b/k", "", right).status, 204);
  EXPECT_EQ(client.send("DELETE", "/b/k", "", right).status, 404);
  put("k", "hello");
  const auto with = [&](const std::string& terms) {
    return client.send("POST", "/b?delete",
                       "<Delete><Object><Key>k</Key>" + terms + "</Object></Delete>");
  };
  EXPECT_EQ(with("<Size>6</Size>").code(), "PreconditionFailed");
  EXPECT_EQ(with("<LastModifiedTime>1998-01-01T00:00:00Z</LastModifiedTime>").code(),
            "PreconditionFailed");
  EXPECT_EQ(with("<ETag>\"other\"</ETag>").code(), "PreconditionFailed");
  EXPECT_EQ(with("<Size>many</Size>").code(), "MalformedXML");
  EXPECT_EQ(with("<Size>5</Size>").elements("Deleted").size(), 1u);
}

TEST_F(Objects, an_expected_owner_is_held_to) {
  put("k", "hello");
  EXPECT_EQ(get("k", {{"x-amz-expected-bucket-owner", "root"}}).status, 200);
  EXPECT_EQ(get("k", {{"x-amz-expected-bucket-owner", "123456789012"}}).code(), "AccessDenied");
}

TEST_F(Objects, a_bulk_delete_decides_key_by_key) {
  put("open/k", "x");
  put("closed/k", "x");
  core::test::must(client.world->evaluator().put(
      client.world->context, {"rule", {"alice"}, "/b/open/", access::Role::kWriter, false}));
  client.use("alice");
  const Answer answer = client.send("POST", "/b?delete",
                                    "<Delete><Object><Key>open/k</Key></Object>"
                                    "<Object><Key>closed/k</Key></Object></Delete>");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.elements("Deleted").size(), 1u);
  EXPECT_EQ(answer.code(), "AccessDenied");
  client.use("root");
  EXPECT_EQ(get("closed/k").status, 200);
  EXPECT_EQ(get("open/k").status, 404);
}

TEST_F(Objects, virtual_hosts_name_the_bucket) {
  Options options;
  options.domains = {"s3.test"};
  client.restart_service(options);
  put("k", "hello");
  io::HttpRequest request = client.make("GET", "/k", "", {});
  request.headers.set("Host", "b.s3.test:9000");
  core::test::must(
      client.signer.sign("GET", "/k", request.headers, to_hex(sha256("")), client.clock.wall()));
  EXPECT_EQ(client.deliver(std::move(request), "").body, "hello");
}

}  // namespace
}  // namespace beringia::protocol::s3
