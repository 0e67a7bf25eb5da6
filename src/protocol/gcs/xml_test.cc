// The XML API's object calls, as object_store and Google's Go client use them.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class XmlTest : public LakeTest {
 protected:
  Answer put_xml(const std::string& target, std::string bytes, Headers headers = {}) {
    return ask({.method = "PUT",
                .target = target,
                .body = std::move(bytes),
                .headers = std::move(headers)});
  }
  static std::string element(const Answer& answer, const std::string& name) {
    const size_t begin = answer.body.find("<" + name + ">");
    if (begin == std::string::npos) return "<none>";
    const size_t text = begin + name.size() + 2;
    return answer.body.substr(text, answer.body.find("</" + name + ">", text) - text);
  }
};

TEST_F(XmlTest, names_may_be_percent_encoded_throughout) {
  make_bucket("os-bucket");
  const Answer made = put_xml("/os%2Dbucket/dir%2Ffile%2Ejson", "hello",
                              {{"Content-Type", "a/b"}, {"x-goog-meta-Key", "v"}});
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_NE(made.header("ETag"), "");
  EXPECT_EQ(made.header("x-goog-hash"), "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==");
  const Answer shown = get("/storage/v1/b/os-bucket/o/dir%2Ffile.json");
  EXPECT_EQ(shown.at("/generation"), made.header("x-goog-generation"));
  EXPECT_EQ(shown.at("/contentType"), "a/b");
  EXPECT_EQ(shown.at("/metadata/key"), "v");
  const Answer got = get("/os-bucket/dir/file.json");
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.header("x-goog-meta-key"), "v");
  EXPECT_EQ(got.header("ETag"), made.header("ETag"));
  EXPECT_EQ(ask({.method = "HEAD", .target = "/os-bucket/dir%2Ffile.json"}).length, 5u);
  EXPECT_EQ(remove("/os%2Dbucket/dir/file%2Ejson").status, 204);
  EXPECT_EQ(get("/os-bucket/dir/file.json").status, 404);
}

TEST_F(XmlTest, preconditions_are_headers) {
  const Answer made = put_xml("/lake/p", "1", {{"x-goog-if-generation-match", "0"}});
  ASSERT_EQ(made.status, 200);
  const Answer refused = put_xml("/lake/p", "2", {{"x-goog-if-generation-match", "0"}});
  EXPECT_EQ(refused.status, 412);
  EXPECT_EQ(element(refused, "Code"), "PreconditionFailed");
  EXPECT_EQ(put_xml("/lake/p", "2", {{"x-goog-if-generation-match", "x"}}).status, 400);
  EXPECT_EQ(get("/lake/p", {{"If-None-Match", made.header("ETag")}}).status, 304);
  EXPECT_EQ(get("/lake/p", {{"If-Match", "\"other\""}}).status, 412);
  EXPECT_EQ(get("/lake/p", {{"If-Match", made.header("ETag")}}).status, 200);
  EXPECT_EQ(get("/lake/p?generation=" + made.header("x-goog-generation")).body, "1");
  EXPECT_EQ(get("/lake/p?generation=1").status, 404);
  EXPECT_EQ(get("/lake/p", {{"If-Modified-Since", made.header("Last-Modified")}}).status, 200);
  const std::string modified = get("/lake/p").header("Last-Modified");
  EXPECT_EQ(get("/lake/p", {{"If-Modified-Since", modified}}).status, 304);
  const Answer wrong = ask(
      {.method = "DELETE", .target = "/lake/p", .headers = {{"x-goog-if-generation-match", "1"}}});
  EXPECT_EQ(wrong.status, 412);
}

TEST_F(XmlTest, wrong_sums_and_missing_things_have_xml_errors) {
  const Answer sum =
      put_xml("/lake/s", "hello", {{"Content-MD5", to_base64(std::string(16, 'x'))}});
  EXPECT_EQ(sum.status, 400);
  EXPECT_EQ(element(sum, "Code"), "BadDigest");
  EXPECT_EQ(element(get("/lake/s"), "Code"), "NoSuchKey");
  EXPECT_EQ(element(get("/nowhere/s"), "Code"), "NoSuchBucket");
  EXPECT_EQ(get("/lake/s").header("Content-Type"), "application/xml; charset=UTF-8");
  const Answer anonymous = ask({.target = "/lake/s", .anonymous = true});
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_EQ(element(anonymous, "Code"), "AuthenticationRequired");
  EXPECT_EQ(element(get("/lake/x?tagging"), "Code"), "NotImplemented");
}

TEST_F(XmlTest, copies_are_made_by_header) {
  ASSERT_EQ(put("a/from", "hello").status, 200);
  const Answer made = put_xml("/lake/to", "", {{"x-goog-copy-source", "/lake/a%2Ffrom"}});
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_NE(element(made, "ETag"), "<none>");
  EXPECT_EQ(media("to"), "hello");
  EXPECT_EQ(put_xml("/lake/to", "",
                    {{"x-goog-copy-source", "lake/a/from"}, {"x-goog-if-generation-match", "0"}})
                .status,
            412);
  EXPECT_EQ(put_xml("/lake/to", "", {{"x-goog-copy-source", "lake"}}).status, 400);
  EXPECT_EQ(put_xml("/lake/to", "", {{"x-goog-copy-source", "lake/none"}}).status, 404);
}

TEST_F(XmlTest, lists_come_in_both_versions_and_page) {
  for (const char* name : {"a", "b/1", "b/2", "c&d"}) ASSERT_EQ(put(name, "x").status, 200);
  const Answer first = get("/lake?list-type=2&max-keys=2&delimiter=/&prefix=");
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(element(first, "IsTruncated"), "true");
  EXPECT_EQ(element(first, "KeyCount"), "2");
  EXPECT_EQ(element(first, "Key"), "a");
  EXPECT_NE(first.body.find("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"),
            std::string::npos);
  const Answer second = get("/lake/?list-type=2&max-keys=2&delimiter=/&continuation-token=" +
                            element(first, "NextContinuationToken"));
  EXPECT_EQ(element(second, "IsTruncated"), "false");
  EXPECT_EQ(element(second, "Key"), "c&amp;d");
  EXPECT_EQ(element(get("/lake?marker=b/1"), "Key"), "b/2");
  EXPECT_EQ(element(get("/lake?encoding-type=url&marker=b/2"), "Key"), "c%26d");
  EXPECT_NE(get("/").body.find("<Name>lake</Name>"), std::string::npos);
  EXPECT_EQ(ask({.method = "HEAD", .target = "/lake"}).status, 200);
  EXPECT_EQ(ask({.method = "HEAD", .target = "/nowhere"}).status, 404);
}

TEST_F(XmlTest, multipart_uploads_join_their_parts) {
  const Answer begun = ask(
      {.method = "POST", .target = "/lake/m%2Fx?uploads", .headers = {{"Content-Type", "a/b"}}});
  ASSERT_EQ(begun.status, 200) << begun.body;
  EXPECT_EQ(element(begun, "Key"), "m/x");
  const std::string id = element(begun, "UploadId");
  const std::string at = "/lake/m%2Fx?uploadId=" + id;
  const Answer two = put_xml(at + "&partNumber=2", " world");
  const Answer one = put_xml(at + "&partNumber=1", "hello");
  ASSERT_EQ(one.status, 200);
  EXPECT_EQ(put_xml(at + "&partNumber=0", "x").status, 400);
  EXPECT_EQ(put_xml(at + "&partNumber=10001", "x").status, 400);
  auto complete = [&](const std::string& parts) {
    return ask({.method = "POST",
                .target = at,
                .body = "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>"});
  };
  auto part = [](int number, const std::string& etag) {
    return "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + etag +
           "</ETag></Part>";
  };
  EXPECT_EQ(complete(part(2, two.header("ETag")) + part(1, one.header("ETag"))).status, 400);
  EXPECT_EQ(element(complete(part(1, "\"wrong\"")), "Code"), "InvalidPart");
  EXPECT_EQ(complete("").status, 400);
  EXPECT_EQ(get("/lake/m/x").status, 404);
  const Answer done = complete(part(1, one.header("ETag")) + part(2, two.header("ETag")));
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(media("m/x"), "hello world");
  EXPECT_EQ(get(object("m/x")).at("/contentType"), "a/b");
  EXPECT_EQ(get(object("m/x")).at("/md5Hash"), "<none>");
  const Answer aborted = ask({.method = "POST", .target = "/lake/n?uploads"});
  const std::string gone = "/lake/n?uploadId=" + element(aborted, "UploadId");
  EXPECT_EQ(remove(gone).status, 204);
  EXPECT_EQ(element(put_xml(gone + "&partNumber=1", "x"), "Code"), "NoSuchUpload");
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
