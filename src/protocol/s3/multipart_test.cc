// Multipart uploads through the S3 door.
#include <gtest/gtest.h>

#include "protocol/s3/checksums.h"
#include "protocol/s3/multipart_terms.h"
#include "protocol/s3/test_client.h"

namespace beringia::protocol::s3 {
namespace {

using test::Answer;
using test::Client;
using test::Headers;

std::string checksum_of(ChecksumAlgorithm algorithm, std::string_view bytes) {
  Checksum sum{algorithm};
  sum.update(bytes);
  return sum.finish();
}

class Multipart : public testing::Test {
 protected:
  Multipart() { client.bucket(); }

  std::string begin(const Headers& headers = {}) {
    const Answer answer = client.send("POST", "/b/k?uploads", "", headers);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.element("UploadId");
  }
  Answer part(const std::string& id, int number, const std::string& body,
              const Headers& headers = {}) {
    return client.send("PUT", target(id) + "&partNumber=" + std::to_string(number), body, headers);
  }
  static std::string target(const std::string& id) { return "/b/k?uploadId=" + id; }
  static std::string list(const std::vector<std::pair<int, std::string>>& parts) {
    std::string xml = "<CompleteMultipartUpload>";
    for (const auto& [number, etag] : parts) {
      xml += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag +
             "</ETag></Part>";
    }
    return xml + "</CompleteMultipartUpload>";
  }

  Client client;
  const std::string big = std::string(kMinPartBytes, 'x');
};

TEST_F(Multipart, joins_parts_in_order) {
  const std::string id = begin({{"Content-Type", "text/plain"}, {"x-amz-meta-a", "1"}});
  const std::string last = part(id, 7, "tail").header("ETag");
  const std::string first = part(id, 2, big).header("ETag");
  EXPECT_EQ(client.send("GET", "/b/k").status, 404) << "nothing is visible before the end";
  const Answer done = client.send("POST", target(id), list({{2, first}, {7, last}}));
  ASSERT_EQ(done.status, 200) << done.body;
  const std::string expected = to_hex(md5(md5(big) + md5("tail"))) + "-2";
  EXPECT_EQ(done.element("ETag"), "&quot;" + expected + "&quot;");
  const Answer got = client.send("GET", "/b/k");
  EXPECT_EQ(got.body, big + "tail");
  EXPECT_EQ(got.header("ETag"), "\"" + expected + "\"");
  EXPECT_EQ(got.header("x-amz-meta-a"), "1");
  EXPECT_EQ(got.header("Content-Type"), "text/plain");
  const Answer again = client.send("POST", target(id), list({{2, first}, {7, last}}));
  EXPECT_EQ(again.status, 200) << "a repeated completion answers the same";
  EXPECT_EQ(again.element("ETag"), done.element("ETag"));
}

TEST_F(Multipart, parts_can_be_read_one_by_one) {
  const std::string id = begin();
  const std::string first = part(id, 1, big).header("ETag");
  const std::string second = part(id, 2, "tail").header("ETag");
  ASSERT_EQ(client.send("POST", target(id), list({{1, first}, {2, second}})).status, 200);
  const Answer got = client.send("GET", "/b/k?partNumber=2");
  EXPECT_EQ(got.status, 206);
  EXPECT_EQ(got.body, "tail");
  EXPECT_EQ(got.header("x-amz-mp-parts-count"), "2");
  EXPECT_EQ(client.send("HEAD", "/b/k?partNumber=1").content_length, kMinPartBytes);
  EXPECT_EQ(client.send("GET", "/b/k?partNumber=3").status, 416);
  const Answer attributes = client.send("GET", "/b/k?attributes", "",
                                        {{"x-amz-object-attributes", "ObjectParts,ObjectSize"}});
  EXPECT_EQ(attributes.element("PartsCount"), "2");
  EXPECT_EQ(attributes.elements("Size").size(), 2u);
}

TEST_F(Multipart, refuses_what_does_not_fit) {
  const std::string id = begin();
  const std::string first = part(id, 1, "small").header("ETag");
  const std::string second = part(id, 2, "tail").header("ETag");
  const auto complete = [&](const std::vector<std::pair<int, std::string>>& parts) {
    return client.send("POST", target(id), list(parts)).code();
  };
  EXPECT_EQ(complete({{1, first}, {2, second}}), "EntityTooSmall");
  EXPECT_EQ(complete({{2, second}, {1, first}}), "InvalidPartOrder");
  EXPECT_EQ(complete({{1, first}, {1, first}}), "InvalidPartOrder");
  EXPECT_EQ(complete({{3, first}}), "InvalidPart");
  EXPECT_EQ(complete({{1, second}}), "InvalidPart");
  EXPECT_EQ(complete({}), "MalformedXML");
  EXPECT_EQ(part(id, 0, "x").code(), "InvalidArgument");
  EXPECT_EQ(part(id, 10'001, "x").code(), "InvalidArgument");
  EXPECT_EQ(part("nosuchupload", 1, "x").code(), "NoSuchUpload");
  EXPECT_EQ(client.send("POST", target("nosuchupload"), list({{1, first}})).code(), "NoSuchUpload");
  EXPECT_EQ(complete({{1, first}}), "(none)");
  EXPECT_EQ(client.send("GET", "/b/k").body, "small");
}

TEST_F(Multipart, an_aborted_upload_is_gone) {
  const std::string id = begin();
  const std::string first = part(id, 1, "x").header("ETag");
  EXPECT_EQ(client.send("DELETE", target(id)).status, 204);
  EXPECT_EQ(client.send("DELETE", target(id)).code(), "NoSuchUpload");
  EXPECT_EQ(client.send("POST", target(id), list({{1, first}})).code(), "NoSuchUpload");
  EXPECT_EQ(client.send("GET", target(id)).code(), "NoSuchUpload");
}

TEST_F(Multipart, the_last_upload_of_a_part_wins) {
  const std::string id = begin();
  const std::string old = part(id, 1, "old").header("ETag");
  const std::string now = part(id, 1, "new").header("ETag");
  EXPECT_EQ(client.send("POST", target(id), list({{1, old}})).code(), "InvalidPart");
  EXPECT_EQ(client.send("POST", target(id), list({{1, now}})).status, 200);
  EXPECT_EQ(client.send("GET", "/b/k").body, "new");
}

TEST_F(Multipart, completion_obeys_conditions) {
  ASSERT_EQ(client.send("PUT", "/b/k", "there").status, 200);
  const std::string id = begin();
  const std::string first = part(id, 1, "x").header("ETag");
  const Answer lost = client.send("POST", target(id), list({{1, first}}), {{"If-None-Match", "*"}});
  EXPECT_EQ(lost.status, 412);
  EXPECT_EQ(client.send("GET", "/b/k").body, "there");
  EXPECT_EQ(
      client.send("POST", target(id), list({{1, first}}), {{"x-amz-mp-object-size", "9"}}).code(),
      "InvalidRequest");
  const std::string etag = client.send("HEAD", "/b/k").header("ETag");
  EXPECT_EQ(client.send("POST", target(id), list({{1, first}}), {{"If-Match", etag}}).status, 200);
}

TEST_F(Multipart, full_object_checksums_are_those_of_the_whole) {
  for (const auto algorithm :
       {ChecksumAlgorithm::kCrc32, ChecksumAlgorithm::kCrc32c, ChecksumAlgorithm::kCrc64Nvme}) {
    const std::string id = begin({{"x-amz-checksum-algorithm", std::string{wire_name(algorithm)}},
                                  {"x-amz-checksum-type", "FULL_OBJECT"}});
    const std::string first = part(id, 1, big).header("ETag");
    const Answer second = part(id, 2, "tail");
    EXPECT_EQ(second.header(header_name(algorithm)), checksum_of(algorithm, "tail"));
    const std::string whole = checksum_of(algorithm, big + "tail");
    const auto parts = list({{1, first}, {2, second.header("ETag")}});
    const std::string zero = to_base64(std::string(digest_bytes(algorithm), '\0'));
    EXPECT_EQ(client.send("POST", target(id), parts, {{header_name(algorithm), zero}}).code(),
              "BadDigest");
    const Answer done = client.send("POST", target(id), parts, {{header_name(algorithm), whole}});
    EXPECT_EQ(done.status, 200) << done.body;
    EXPECT_EQ(done.element("ChecksumType"), "FULL_OBJECT");
    const Answer got = client.send("HEAD", "/b/k", "", {{"x-amz-checksum-mode", "ENABLED"}});
    EXPECT_EQ(got.header(header_name(algorithm)), whole);
  }
}

TEST_F(Multipart, composite_checksums_are_those_of_the_parts) {
  const auto algorithm = ChecksumAlgorithm::kSha256;
  const std::string id = begin({{"x-amz-checksum-algorithm", "SHA256"}});
  const std::string first =
      part(id, 1, big, {{"x-amz-checksum-sha256", checksum_of(algorithm, big)}}).header("ETag");
  const std::string second = part(id, 2, "tail").header("ETag");
  EXPECT_EQ(
      part(id, 3, "x", {{"x-amz-checksum-crc32", checksum_of(ChecksumAlgorithm::kCrc32, "x")}})
          .code(),
      "InvalidRequest");
  EXPECT_EQ(client.send("GET", target(id)).elements("ChecksumSHA256").size(), 2u);
  const Answer done = client.send("POST", target(id), list({{1, first}, {2, second}}));
  EXPECT_EQ(done.element("ChecksumSHA256"), to_base64(sha256(sha256(big) + sha256("tail"))) + "-2");
  EXPECT_EQ(done.element("ChecksumType"), "COMPOSITE");
  const Answer got =
      client.send("GET", "/b/k?partNumber=2", "", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(got.header("x-amz-checksum-sha256"), checksum_of(algorithm, "tail"));
  EXPECT_EQ(got.header("x-amz-checksum-type"), "COMPOSITE");
  const Answer attributes =
      client.send("GET", "/b/k?attributes", "", {{"x-amz-object-attributes", "ObjectParts"}});
  EXPECT_EQ(
      attributes.elements("ChecksumSHA256"),
      (std::vector<std::string>{checksum_of(algorithm, big), checksum_of(algorithm, "tail")}));
}

TEST_F(Multipart, algorithm_and_type_must_fit) {
  EXPECT_EQ(client.send("POST", "/b/k?uploads", "", {{"x-amz-checksum-algorithm", "MD9"}}).code(),
            "InvalidRequest");
  EXPECT_EQ(
      client
          .send("POST", "/b/k?uploads", "",
                {{"x-amz-checksum-algorithm", "SHA1"}, {"x-amz-checksum-type", "FULL_OBJECT"}})
          .code(),
      "InvalidRequest");
  EXPECT_EQ(
      client
          .send("POST", "/b/k?uploads", "",
                {{"x-amz-checksum-algorithm", "CRC64NVME"}, {"x-amz-checksum-type", "COMPOSITE"}})
          .code(),
      "InvalidRequest");
}

TEST_F(Multipart, parts_can_be_copied) {
  ASSERT_EQ(client.send("PUT", "/b/from", "0123456789").status, 200);
  const std::string id = begin();
  const Answer copied =
      part(id, 1, "", {{"x-amz-copy-source", "b/from"}, {"x-amz-copy-source-range", "bytes=2-4"}});
  ASSERT_EQ(copied.status, 200) << copied.body;
  EXPECT_EQ(copied.element("ETag"), "&quot;" + to_hex(md5("234")) + "&quot;");
  EXPECT_EQ(
      part(id, 1, "", {{"x-amz-copy-source", "b/from"}, {"x-amz-copy-source-range", "bytes=2-40"}})
          .code(),
      "InvalidRange");
  EXPECT_EQ(
      part(id, 1, "", {{"x-amz-copy-source", "b/from"}, {"x-amz-copy-source-range", "2-4"}}).code(),
      "InvalidArgument");
  EXPECT_EQ(client.send("POST", target(id), list({{1, to_hex(md5("234"))}})).status, 200);
  EXPECT_EQ(client.send("GET", "/b/k").body, "234");
}

TEST_F(Multipart, uploads_and_parts_are_listed_in_pages) {
  std::vector<std::string> ids;
  for (const char* key : {"a", "d/x", "d/y", "z"}) {
    ids.push_back(client.send("POST", "/b/" + std::string{key} + "?uploads").element("UploadId"));
    client.clock.pass(std::chrono::milliseconds{1});
  }
  using Names = std::vector<std::string>;
  EXPECT_EQ(client.send("GET", "/b?uploads").elements("Key"), (Names{"a", "d/x", "d/y", "z"}));
  EXPECT_EQ(client.send("GET", "/b?uploads&prefix=d/").elements("Key"), (Names{"d/x", "d/y"}));
  const Answer grouped = client.send("GET", "/b?uploads&delimiter=/");
  EXPECT_EQ(grouped.elements("Key"), (Names{"a", "z"}));
  EXPECT_EQ(grouped.elements("Prefix").back(), "d/");
  Names keys;
  std::string marker;
  for (int page = 0; page < 10; ++page) {
    const Answer answer = client.send("GET", "/b?uploads&max-uploads=1" + marker);
    for (auto& key : answer.elements("Key")) keys.push_back(key);
    if (answer.element("IsTruncated") == "false") break;
    marker = "&key-marker=" + percent_encode(answer.element("NextKeyMarker")) +
             "&upload-id-marker=" + answer.element("NextUploadIdMarker");
  }
  EXPECT_EQ(keys, (Names{"a", "d/x", "d/y", "z"}));

  const std::string id = begin();
  for (int number : {1, 3, 5}) part(id, number, "x");
  const Answer first = client.send("GET", target(id) + "&max-parts=2");
  EXPECT_EQ(first.elements("PartNumber"), (Names{"1", "3"}));
  EXPECT_EQ(first.element("IsTruncated"), "true");
  const Answer rest = client.send(
      "GET", target(id) + "&part-number-marker=" + first.element("NextPartNumberMarker"));
  EXPECT_EQ(rest.elements("PartNumber"), Names{"5"});
}

TEST_F(Multipart, small_uploads_without_algorithm_have_a_full_checksum) {
  const std::string id = begin();
  const std::string first = part(id, 1, "hello").header("ETag");
  ASSERT_EQ(client.send("POST", target(id), list({{1, first}})).status, 200);
  EXPECT_EQ(client.send("HEAD", "/b/k", "", {{"x-amz-checksum-mode", "ENABLED"}})
                .header("x-amz-checksum-crc64nvme"),
            checksum_of(ChecksumAlgorithm::kCrc64Nvme, "hello"));
}

}  // namespace
}  // namespace beringia::protocol::s3
