// The Retry Test API of Google's storage-testbench: what it takes, and what each fault does.
#include "protocol/gcs/fault_tests.h"
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

using Kind = Fault::Kind;

TEST(Fault, instructions_are_told_apart) {
  struct Case {
    const char* text;
    Kind kind;
    int status = 0;
    uint64_t bytes = 0;
    int seconds = 0;
    const char* token = "";
  };
  const Case cases[] = {
      {"return-503", Kind::kStatus, 503},
      {"return-400", Kind::kStatus, 400},
      {"return-504-after-256K", Kind::kStatusAfter, 504, 256 << 10},
      {"return-reset-connection", Kind::kReset},
      {"return-broken-stream", Kind::kBreakAfter, 0, 4},
      {"return-broken-stream-after-512K", Kind::kBreakAfter, 0, 512 << 10},
      {"return-broken-stream-final-chunk-after-100B", Kind::kShortAnswer, 0, 100},
      {"stall-for-10s-after-12288K", Kind::kStall, 0, 12288 << 10, 10},
      {"redirect-send-token-T 1", Kind::kRedirect, 0, 0, 0, "T 1"},
      {"redirect-send-handle-and-token-T", Kind::kRedirectHandle, 0, 0, 0, "T"},
      {"redirect-expect-token-T", Kind::kExpectRedirect, 0, 0, 0, "T"},
  };
  for (const Case& one : cases) {
    const auto fault = Fault::parse(one.text);
    ASSERT_TRUE(fault) << one.text;
    EXPECT_EQ(fault->kind, one.kind) << one.text;
    EXPECT_EQ(fault->status, one.status) << one.text;
    EXPECT_EQ(fault->bytes, one.bytes) << one.text;
    EXPECT_EQ(fault->seconds, one.seconds) << one.text;
    EXPECT_EQ(fault->token, one.token) << one.text;
  }
}

TEST(Fault, other_texts_are_no_instruction) {
  for (const char* text :
       {"", "return-", "return-200", "return-600", "return-503x", "return-503-after-", "503",
        "return-503-after-256", "return-503-after-1048577K", "return-503-after-K",
        "return-broken-stream-after-1B", "return-broken-stream-final-chunk-after-1K",
        "return-broken-stream-", "stall-for-601s-after-0K", "stall-for-1s", "stall-for-s-after-1K",
        "redirect-send-token-", "redirect-", "return-99999999999999999999"}) {
    EXPECT_FALSE(Fault::parse(text)) << text;
  }
}

std::string id_of(const Result<std::string>& made) { return value_at(must(made), "/id"); }

TEST(FaultTests, faults_are_met_in_order_and_by_one_transport) {
  FaultTests tests;
  const std::string id =
      id_of(tests.add(R"({"instructions":{"a.b":["return-503","return-504"],"c.d":[]},)"
                      R"("transport":"HTTP"})"));
  EXPECT_EQ(value_at(must(tests.show(id)), "/completed"), "false");
  EXPECT_EQ(value_at(must(tests.show(id)), "/transport"), "HTTP");
  EXPECT_FALSE(tests.next(id, "a.b", true));
  EXPECT_FALSE(tests.next(id, "c.d", false));
  EXPECT_FALSE(tests.next("other", "a.b", false));
  EXPECT_EQ(tests.next(id, "a.b", false)->status, 503);
  EXPECT_EQ(tests.next(id, "a.b", false)->status, 503);  // it stays until it was met
  tests.take(id, "a.b");
  EXPECT_EQ(tests.next(id, "a.b", false)->status, 504);
  EXPECT_EQ(value_at(must(tests.show(id)), "/instructions/a.b"), R"(["return-504"])");
  tests.take(id, "a.b");
  tests.take(id, "a.b");  // nothing is left
  EXPECT_FALSE(tests.next(id, "a.b", false));
  EXPECT_EQ(value_at(must(tests.show(id)), "/completed"), "true");
  EXPECT_TRUE(tests.remove(id));
  EXPECT_EQ(tests.remove(id).error().code(), Code::kNotFound);
  EXPECT_EQ(tests.show(id).error().code(), Code::kNotFound);
}

TEST(FaultTests, what_is_wrong_or_too_much_is_refused) {
  FaultTests tests;
  for (const char* json :
       {"", "[]", "{}", R"({"instructions":[]})", R"({"instructions":{"a":["return-1"]}})",
        R"({"instructions":{"a":[5]}})", R"({"instructions":{},"transport":"FTP"})"}) {
    EXPECT_EQ(tests.add(json).error().code(), Code::kInvalid) << json;
  }
  std::string many = R"({"instructions":{"a":[)";
  for (size_t i = 0; i < FaultTests::kMaxInstructions; ++i) many += R"("return-503",)";
  EXPECT_EQ(tests.add(many + R"("return-503"]}})").error().code(), Code::kInvalid);
  many.back() = ']';
  EXPECT_TRUE(tests.add(many + "}}"));
  EXPECT_EQ(tests.add(std::string(FaultTests::kMaxBody + 1, ' ')).error().code(), Code::kInvalid);
}

TEST(FaultTests, methods_that_grpc_does_not_have_are_not_offered_for_it) {
  FaultTests tests;
  for (const char* method :
       {"storage.bucket_acl.list", "storage.hmacKey.get", "storage.notifications.delete"}) {
    const std::string json =
        R"({"instructions":{")" + std::string{method} + R"(":["return-503"]},"transport":)";
    EXPECT_EQ(tests.add(json + R"("GRPC"})").error().code(), Code::kUnsupported);
    EXPECT_TRUE(tests.add(json + R"("HTTP"})"));
  }
}

TEST(FaultTests, the_oldest_tests_make_room) {
  FaultTests tests;
  const std::string json = R"({"instructions":{"a":["return-503"]}})";
  const std::string first = id_of(tests.add(json));
  const std::string second = id_of(tests.add(json));
  for (size_t i = 2; i < FaultTests::kMaxTests; ++i) ASSERT_TRUE(tests.add(json));
  EXPECT_TRUE(tests.show(first));
  ASSERT_TRUE(tests.add(json));
  EXPECT_FALSE(tests.show(first));
  EXPECT_TRUE(tests.show(second));
}

TEST_F(LakeTest, without_the_setting_there_is_no_such_address_and_no_fault) {
  // It is a bucket of the XML API like another, and POST is a form of a browser.
  EXPECT_EQ(post("/retry_test", R"({"instructions":{"a":["return-503"]}})").status, 400);
  EXPECT_EQ(get("/retry_test").status, 404);
  EXPECT_EQ(get("/retry_test/1").status, 404);
  EXPECT_EQ(get("/storage/v1/b/lake", {{"x-retry-test-id", "1"}}).status, 200);
}

class FaultsTest : public LakeTest {
 protected:
  void SetUp() override {
    Options options;
    options.fault_injection = true;
    service_ = std::make_unique<Service>(world_.names(), world_.gate(), world_.directory(),
                                         operations_, world_.clock(), options);
    LakeTest::SetUp();
  }
  Headers test_of(const std::string& method, const std::string& fault) {
    const Answer made =
        post("/retry_test", R"({"instructions":{")" + method + R"(":[")" + fault + "\"]}}");
    EXPECT_EQ(made.status, 200) << made.body;
    id_ = made.at("/id");
    return {{"x-retry-test-id", id_}};
  }
  std::string completed() { return get("/retry_test/" + id_).at("/completed"); }
  std::string begin(const std::string& name) {
    const Answer answer =
        ask({.method = "POST",
             .target = "/upload/storage/v1/b/lake/o?uploadType=resumable&name=" + name});
    return answer.header("Location").substr(std::string{kUrl}.size());
  }
  Answer send(const std::string& target, const std::string& range, std::string bytes,
              Headers headers) {
    headers.emplace_back("Content-Range", range);
    return ask({.method = "PUT",
                .target = target,
                .body = std::move(bytes),
                .headers = std::move(headers)});
  }
  std::string id_;
};

TEST_F(FaultsTest, tests_are_made_shown_and_removed_by_who_has_a_credential) {
  const std::string json = R"({"instructions":{"storage.buckets.get":["return-503"]}})";
  EXPECT_EQ(
      ask({.method = "POST", .target = "/retry_test", .body = json, .anonymous = true}).status,
      401);
  EXPECT_EQ(post("/retry_test", R"({"instructions":{"a":["eat"]}})").status, 400);
  const std::string address = "/retry_test/" + post("/retry_test", json).at("/id");
  EXPECT_EQ(ask({.target = address, .anonymous = true}).status, 401);
  EXPECT_EQ(get(address).at("/instructions/storage.buckets.get/0"), "return-503");
  EXPECT_EQ(remove(address).status, 200);
  EXPECT_EQ(get(address).status, 404);
  EXPECT_EQ(ask({.method = "PUT", .target = address, .body = json}).status, 405);
  EXPECT_EQ(post("/retry_test", std::string(FaultTests::kMaxBody + 1, ' ')).status, 413);
}

TEST_F(FaultsTest, a_status_is_answered_once_and_nothing_is_done) {
  const Headers headers = test_of("storage.objects.delete", "return-503");
  put("x", "abc");
  EXPECT_EQ(get(object("x"), headers).status, 200);  // another method
  const Ask deletion{.method = "DELETE", .target = object("x"), .headers = headers};
  EXPECT_EQ(ask(deletion).status, 503);
  EXPECT_EQ(media("x"), "abc");
  EXPECT_EQ(completed(), "true");
  EXPECT_EQ(ask(deletion).status, 204);
}

TEST_F(FaultsTest, a_connection_is_reset) {
  const Headers headers = test_of("storage.buckets.get", "return-reset-connection");
  EXPECT_TRUE(get("/storage/v1/b/lake", headers).reset);
  const Answer next = get("/storage/v1/b/lake", headers);
  EXPECT_FALSE(next.reset);
  EXPECT_EQ(next.status, 200);
}

TEST_F(FaultsTest, an_upload_fails_where_the_fault_lies_and_keeps_what_came_before) {
  const Headers headers = test_of("storage.objects.insert", "return-504-after-256K");
  const std::string at = begin("up");
  const std::string bytes(400 << 10, 'a');
  EXPECT_EQ(send(at, "bytes 0-409599/409600", bytes, headers).status, 504);
  EXPECT_EQ(completed(), "true");
  EXPECT_EQ(send(at, "bytes */*", "", {}).header("Range"), "bytes=0-262143");
  EXPECT_EQ(send(at, "bytes 262144-409599/409600", bytes.substr(256 << 10), headers).status, 200);
  EXPECT_EQ(media("up"), bytes);
}

TEST_F(FaultsTest, an_answer_breaks_off_where_the_fault_lies) {
  put("x", std::string(300 << 10, 'x'));
  const Headers headers = test_of("storage.objects.get", "return-broken-stream-after-256K");
  EXPECT_FALSE(get(object("x"), headers).broken);  // it is too short
  const Answer broken = get(object("x") + "?alt=media", headers);
  EXPECT_TRUE(broken.broken);
  EXPECT_EQ(broken.length, 300 << 10);
  EXPECT_EQ(completed(), "true");
  EXPECT_EQ(get(object("x") + "?alt=media", headers).body.size(), 300 << 10);
}

TEST_F(FaultsTest, the_answer_to_an_upload_is_shortened) {
  const Headers headers =
      test_of("storage.objects.insert", "return-broken-stream-final-chunk-after-10B");
  const Answer answer = send(begin("up"), "bytes 0-2/3", "abc", headers);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.size(), 10);
  EXPECT_EQ(media("up"), "abc");
  EXPECT_EQ(completed(), "true");
}

TEST_F(FaultsTest, faults_of_grpc_are_not_met_by_json) {
  const Answer made =
      post("/retry_test", R"({"instructions":{"storage.buckets.get":["return-503"]},)"
                          R"("transport":"GRPC"})");
  EXPECT_EQ(get("/storage/v1/b/lake", {{"x-retry-test-id", made.at("/id")}}).status, 200);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
