// Media downloads: ranges, hashes, decompressive transcoding.
#include "protocol/gcs/test_gzip.h"
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class DownloadTest : public LakeTest {};

TEST_F(DownloadTest, both_addresses_send_the_bytes_with_googles_headers) {
  const Answer made = put("d.txt", "hello");
  for (const std::string& target :
       {object("d.txt") + "?alt=media", "/download" + object("d.txt") + "?alt=media",
        std::string{"/lake/d.txt"}}) {
    const Answer got = get(target);
    EXPECT_EQ(got.status, 200) << target;
    EXPECT_EQ(got.body, "hello") << target;
    EXPECT_EQ(got.length, 5u) << target;
    EXPECT_EQ(got.header("Content-Type"), "text/plain") << target;
    EXPECT_EQ(got.header("x-goog-hash"), "crc32c=mnG7TA==,md5=XUFAKrxLKna5cZ2REBfFkg==") << target;
    EXPECT_EQ(got.header("x-goog-generation"), made.at("/generation")) << target;
    EXPECT_EQ(got.header("x-goog-metageneration"), "1") << target;
    EXPECT_EQ(got.header("x-goog-stored-content-encoding"), "identity") << target;
    EXPECT_EQ(got.header("x-goog-stored-content-length"), "5") << target;
    EXPECT_EQ(got.header("x-goog-storage-class"), "STANDARD") << target;
    EXPECT_EQ(got.header("Accept-Ranges"), "bytes") << target;
    EXPECT_NE(got.header("ETag"), "") << target;
    EXPECT_NE(got.header("Last-Modified"), "") << target;
    const Answer head = ask({.method = "HEAD", .target = target});
    EXPECT_EQ(head.status, 200) << target;
    EXPECT_EQ(head.length, 5u) << target;
    EXPECT_EQ(head.body, "") << target;
  }
}

TEST_F(DownloadTest, ranges_never_invite_verification_of_a_part) {
  ASSERT_EQ(put("r", "0123456789").status, 200);
  const struct {
    const char* range;
    int status;
    const char* body;
    const char* content_range;
  } cases[] = {
      {"bytes=0-3", 206, "0123", "bytes 0-3/10"}, {"bytes=7-", 206, "789", "bytes 7-9/10"},
      {"bytes=-2", 206, "89", "bytes 8-9/10"},    {"bytes=5-99", 206, "56789", "bytes 5-9/10"},
      {"bytes=0-1,4-5", 200, "0123456789", ""},   {"lines=0-3", 200, "0123456789", ""}};
  for (const auto& c : cases) {
    const Answer got = get(object("r") + "?alt=media", {{"Range", c.range}});
    EXPECT_EQ(got.status, c.status) << c.range;
    EXPECT_EQ(got.body, c.body) << c.range;
    EXPECT_EQ(got.header("Content-Range"), c.content_range) << c.range;
    EXPECT_EQ(got.headers.has("x-goog-hash"), c.status == 200) << c.range;
  }
  const Answer outside = get(object("r") + "?alt=media", {{"Range", "bytes=10-"}});
  EXPECT_EQ(outside.status, 416);
  EXPECT_EQ(outside.header("Content-Range"), "bytes */10");
  EXPECT_EQ(outside.reason(), "requestedRangeNotSatisfiable");
  // All of the object by a range is still all of it, in GCS's eyes too: 206, with the hash.
  const Answer all = get(object("r") + "?alt=media", {{"Range", "bytes=0-9"}});
  EXPECT_EQ(all.status, 206);
  EXPECT_TRUE(all.headers.has("x-goog-hash"));
  const Answer head = ask({.method = "HEAD",
                           .target = object("r") + "?alt=media",
                           .headers = {{"Range", "bytes=2-3"}}});
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.length, 2u);
  EXPECT_FALSE(head.headers.has("x-goog-hash"));
  ASSERT_EQ(put("empty", "").status, 200);
  EXPECT_EQ(media("empty"), "");
  EXPECT_EQ(get(object("empty") + "?alt=media", {{"Range", "bytes=0-"}}).status, 416);
}

TEST_F(DownloadTest, gzip_objects_are_decompressed_unless_the_client_takes_gzip) {
  const std::string plain(100'000, 'x');
  const std::string packed = gzipped(plain);
  const Answer made = put("g", packed, "&contentEncoding=gzip");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/contentEncoding"), "gzip");
  EXPECT_EQ(made.at("/size"), std::to_string(packed.size()));

  const Answer unpacked = get(object("g") + "?alt=media");
  EXPECT_EQ(unpacked.status, 200);
  EXPECT_EQ(unpacked.body, plain);
  EXPECT_FALSE(unpacked.length);  // not known: chunked
  EXPECT_FALSE(unpacked.headers.has("Content-Encoding"));
  EXPECT_EQ(unpacked.header("x-goog-stored-content-encoding"), "gzip");
  EXPECT_EQ(unpacked.header("x-goog-stored-content-length"), std::to_string(packed.size()));
  // Ranges of transcoded objects are ignored.
  EXPECT_EQ(get(object("g") + "?alt=media", {{"Range", "bytes=0-3"}}).body, plain);

  const Answer raw = get(object("g") + "?alt=media", {{"Accept-Encoding", "gzip, deflate"}});
  EXPECT_EQ(raw.body, packed);
  EXPECT_EQ(raw.header("Content-Encoding"), "gzip");
  EXPECT_EQ(
      get(object("g") + "?alt=media", {{"Accept-Encoding", "gzip"}, {"Range", "bytes=0-1"}}).body,
      packed.substr(0, 2));
  ASSERT_EQ(patch(object("g"), R"({"cacheControl":"no-transform"})").status, 200);
  EXPECT_EQ(get(object("g") + "?alt=media").body, packed);
  // What only claims to be gzip breaks off; it is never sent as if it were whole.
  ASSERT_EQ(put("liar", "not gzip at all", "&contentEncoding=gzip").status, 200);
  EXPECT_TRUE(get(object("liar") + "?alt=media").broken);
}

TEST_F(DownloadTest, metadata_with_line_ends_cannot_split_the_answer) {
  ASSERT_EQ(put("m", "x").status, 200);
  ASSERT_EQ(
      patch(object("m"), R"({"metadata":{"a":"1","b":"x\r\nEvil: 1","c d":"2","ü":"3"}})").status,
      200);
  const Answer got = get(object("m") + "?alt=media");
  EXPECT_EQ(got.header("x-goog-meta-a"), "1");
  EXPECT_FALSE(got.headers.has("x-goog-meta-b"));
  EXPECT_FALSE(got.headers.has("x-goog-meta-c d"));
  EXPECT_FALSE(got.headers.has("Evil"));
  EXPECT_EQ(patch(object("m"), R"({"contentType":"a\r\nEvil: 1"})").status, 400);
  EXPECT_EQ(patch(object("m"), R"({"cacheControl":"a\nEvil: 1"})").status, 400);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
