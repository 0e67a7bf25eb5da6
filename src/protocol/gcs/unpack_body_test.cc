// Bodies that clients send packed, as Google's Java libraries do.
#include "protocol/gcs/test_gzip.h"
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class UnpackBodyTest : public LakeTest {
 protected:
  Answer send(const std::string& method, const std::string& target, const std::string& body,
              Headers headers = {}) {
    headers.emplace_back("Content-Encoding", "gzip");
    return ask({.method = method, .target = target, .body = gzipped(body), .headers = headers});
  }
};

const std::string kUpload = "/upload/storage/v1/b/lake/o?name=p&uploadType=";

TEST_F(UnpackBodyTest, an_object_is_what_was_packed) {
  const std::string bytes(300'000, 'x');
  const Answer made = send("POST", kUpload + "media", bytes);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/size"), "300000");
  EXPECT_EQ(media("p"), bytes);
  EXPECT_EQ(get(object("p")).at("/contentEncoding"), "<none>");  // it is not stored packed
}

TEST_F(UnpackBodyTest, chunks_of_a_session_count_the_bytes_behind_the_packing) {
  const Answer begun = send("POST", kUpload + "resumable", R"({"contentType":"a/b"})");
  ASSERT_EQ(begun.status, 200) << begun.body;
  const std::string at = begun.header("Location").substr(std::string{kUrl}.size());
  const std::string step(256 << 10, 'a');
  EXPECT_EQ(send("PUT", at, step, {{"Content-Range", "bytes 0-262143/*"}}).header("Range"),
            "bytes=0-262143");
  const Answer last = send("PUT", at, "end", {{"Content-Range", "bytes 262144-262146/262147"}});
  ASSERT_EQ(last.status, 200) << last.body;
  EXPECT_EQ(last.at("/contentType"), "a/b");
  EXPECT_EQ(media("p"), step + "end");
}

TEST_F(UnpackBodyTest, changes_and_batches_are_read) {
  put("p", "x");
  EXPECT_EQ(send("PATCH", object("p"), R"({"metadata":{"k":"v"}})").at("/metadata/k"), "v");
  const Answer batch = send("POST", "/batch/storage/v1",
                            "--b\r\nContent-Type: application/http\r\n\r\nDELETE " + object("p") +
                                " HTTP/1.1\r\n\r\n\r\n--b--\r\n",
                            {{"Content-Type", "multipart/mixed; boundary=b"}});
  EXPECT_EQ(batch.status, 200) << batch.body;
  EXPECT_EQ(get(object("p")).status, 404);
}

TEST_F(UnpackBodyTest, what_is_cut_off_stores_nothing) {
  const std::string packed = gzipped(std::string(100'000, 'x'));
  const Answer answer = ask({.method = "POST",
                             .target = kUpload + "media",
                             .body = packed.substr(0, packed.size() - 4),
                             .headers = {{"Content-Encoding", "gzip"}}});
  EXPECT_EQ(answer.status, 400) << answer.body;
  EXPECT_EQ(get(object("p")).status, 404);
}

TEST_F(UnpackBodyTest, the_xml_api_keeps_the_header_as_the_objects_own) {
  const std::string packed = gzipped("hello");
  ASSERT_EQ(ask({.method = "PUT",
                 .target = "/lake/x",
                 .body = packed,
                 .headers = {{"Content-Encoding", "gzip"}}})
                .status,
            200);
  EXPECT_EQ(get(object("x")).at("/contentEncoding"), "gzip");
  EXPECT_EQ(get(object("x")).at("/size"), std::to_string(packed.size()));
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
