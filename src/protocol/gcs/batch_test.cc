// POST /batch/storage/v1.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class BatchTest : public LakeTest {
 protected:
  Answer batch(const std::string& body, bool anonymous = false) {
    return ask({.method = "POST",
                .target = "/batch/storage/v1",
                .body = body,
                .headers = {{"Content-Type", "multipart/mixed; boundary=\"===b===\""}},
                .anonymous = anonymous});
  }
  static std::string part(const std::string& id, const std::string& message) {
    return "--===b===\r\nContent-Type: application/http\r\nMIME-Version: 1.0\r\nContent-ID: " + id +
           "\r\n\r\n" + message + "\r\n";
  }
  static constexpr const char* kEnd = "--===b===--\r\n";

  struct Part {
    std::string id;
    std::string status_line;
    std::string head;
    std::string body;
  };
  /// Takes an answer apart strictly: CRLF everywhere, the boundary of the header.
  static std::vector<Part> parts_of(const Answer& answer) {
    std::vector<Part> parts;
    const std::string type = answer.header("Content-Type");
    const std::string boundary = "--" + type.substr(type.find("boundary=") + 9);
    std::string rest = answer.body;
    while (rest.starts_with(boundary + "\r\n")) {
      rest.erase(0, boundary.size() + 2);
      const size_t end = rest.find(boundary);
      std::string text = rest.substr(0, end);
      rest.erase(0, end);
      Part found;
      const size_t outer = text.find("\r\n\r\n");
      const std::string head = text.substr(0, outer);
      const size_t id = head.find("Content-ID: ");
      if (id != std::string::npos) {
        found.id = head.substr(id + 12, head.find("\r\n", id) - id - 12);
      }
      text.erase(0, outer + 4);
      found.status_line = text.substr(0, text.find("\r\n"));
      const size_t inner = text.find("\r\n\r\n");
      found.head = text.substr(0, inner);
      found.body = text.substr(inner + 4);
      parts.push_back(std::move(found));
    }
    EXPECT_EQ(rest, boundary + "--\r\n");
    return parts;
  }
};

TEST_F(BatchTest, every_part_is_answered_under_its_id) {
  ASSERT_EQ(put("x", "1").status, 200);
  ASSERT_EQ(put("y", "2").status, 200);
  const Answer answer = batch(
      part("<abc+1>", "GET /storage/v1/b/lake/o/x?fields=name HTTP/1.1\r\nAccept: a/b\r\n\r\n") +
      part("<abc+2>", "DELETE http://any.host/storage/v1/b/lake/o/y HTTP/1.1\r\n\r\n") +
      part("plain",
           "PATCH /storage/v1/b/lake/o/x HTTP/1.1\r\nContent-Type: application/json\r\n"
           "Content-Length: 23\r\n\r\n{\"contentType\":\"a/b\"}\r\n") +
      part("<abc+4>", "GET /storage/v1/b/lake/o/none HTTP/1.1\r\n\r\n") + kEnd);
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto parts = parts_of(answer);
  ASSERT_EQ(parts.size(), 4u) << answer.body;
  EXPECT_EQ(parts[0].id, "<response-abc+1>");
  EXPECT_EQ(parts[0].status_line, "HTTP/1.1 200 OK");
  EXPECT_EQ(parts[0].body, "{\"name\":\"x\"}\r\n");
  EXPECT_EQ(parts[1].id, "<response-abc+2>");
  EXPECT_EQ(parts[1].status_line, "HTTP/1.1 204 No Content");
  EXPECT_EQ(parts[2].id, "response-plain");
  EXPECT_EQ(parts[2].status_line, "HTTP/1.1 200 OK");
  EXPECT_EQ(parts[3].status_line, "HTTP/1.1 404 Not Found");
  EXPECT_EQ(value_at(parts[3].body, "/error/errors/0/reason"), "notFound");
  EXPECT_EQ(get(object("x")).at("/contentType"), "a/b");
  EXPECT_EQ(get(object("y")).status, 404);
}

TEST_F(BatchTest, parts_authenticate_one_by_one) {
  const std::string read = "GET /storage/v1/b/lake HTTP/1.1\r\n";
  const Answer answer =
      batch(part("1", read + "\r\n") + part("2", read + "Authorization: Bearer wrong\r\n\r\n") +
            part("3", read + "Authorization: Bearer " + token_ + "\r\n\r\n") + kEnd);
  const auto parts = parts_of(answer);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].status_line, "HTTP/1.1 200 OK");
  EXPECT_EQ(parts[1].status_line, "HTTP/1.1 401 Unauthorized");
  EXPECT_EQ(parts[2].status_line, "HTTP/1.1 200 OK");
  const auto anonymous = parts_of(batch(part("1", read + "\r\n") + kEnd, true));
  ASSERT_EQ(anonymous.size(), 1u);
  EXPECT_EQ(anonymous[0].status_line, "HTTP/1.1 401 Unauthorized");
}

TEST_F(BatchTest, media_uploads_and_batches_are_no_parts_of_a_batch) {
  ASSERT_EQ(put("x", "1").status, 200);
  for (const char* line : {"GET /storage/v1/b/lake/o/x?alt=media", "POST /batch/storage/v1",
                           "POST /upload/storage/v1/b/lake/o?uploadType=media&name=n",
                           "POST /upload/storage/v1/b/lake/o?uploadType=resumable&name=n",
                           "POST /token", "GET /lake/x", "PUT /lake/n"}) {
    const auto parts = parts_of(batch(part("1", std::string{line} + " HTTP/1.1\r\n\r\n") + kEnd));
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(parts[0].status_line, "HTTP/1.1 400 Bad Request") << line;
  }
  EXPECT_EQ(get(object("n")).status, 404);
}

TEST_F(BatchTest, malformed_batches_are_refused) {
  EXPECT_EQ(ask({.method = "POST", .target = "/batch/storage/v1", .body = "x"}).status, 400);
  EXPECT_EQ(batch("no delimiter\r\n").status, 400);
  EXPECT_EQ(batch(part("1", "GET /storage/v1/b HTTP/1.1\r\n\r\n")).status, 400);
  std::string many;
  for (int i = 0; i < 101; ++i) many += part("1", "GET /storage/v1/b/none HTTP/1.1\r\n\r\n");
  EXPECT_EQ(batch(many + kEnd).status, 400);
  const auto parts =
      parts_of(batch(part("1", "NONSENSE\r\n\r\n") +
                     part("2", "GET /storage/v1/b HTTP/1.1\r\nno colon\r\n\r\n") + kEnd));
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].status_line, "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(parts[1].status_line, "HTTP/1.1 400 Bad Request");
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
