// The resumable upload protocol, as clients (and their retries) speak it.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class ResumableTest : public LakeTest {
 protected:
  Answer begin(const std::string& name, Headers headers = {}, const std::string& json = "",
               const std::string& extra = "") {
    return ask({.method = "POST",
                .target = "/upload/storage/v1/b/lake/o?uploadType=resumable&name=" + name + extra,
                .body = json,
                .headers = std::move(headers)});
  }
  /// Begins, and returns the session's address without the host.
  std::string session(const std::string& name, Headers headers = {}, const std::string& json = "",
                      const std::string& extra = "") {
    const Answer answer = begin(name, std::move(headers), json, extra);
    EXPECT_EQ(answer.status, 200) << answer.body;
    const std::string location = answer.header("Location");
    EXPECT_TRUE(location.starts_with(std::string{kUrl} + "/")) << location;
    return location.substr(std::string{kUrl}.size());
  }
  Answer send(const std::string& target, const std::string& range, std::string bytes,
              Headers headers = {}, std::optional<size_t> breaks_at = {}) {
    if (!range.empty()) headers.emplace_back("Content-Range", range);
    return ask({.method = "PUT",
                .target = target,
                .body = std::move(bytes),
                .headers = std::move(headers),
                .breaks_at = breaks_at});
  }
  Answer status_of(const std::string& target) { return send(target, "bytes */*", ""); }
};

constexpr size_t kStep = 256 << 10;  // GCS: chunks but the last are multiples of it

TEST_F(ResumableTest, chunks_in_order_become_one_object_that_is_invisible_before) {
  const std::string bytes = std::string(kStep, 'a') + std::string(kStep, 'b') + "end";
  const std::string total = std::to_string(bytes.size());
  const std::string at =
      session("big", {{"X-Upload-Content-Type", "text/x"}, {"X-Upload-Content-Length", total}},
              R"({"metadata":{"k":"v"}})");
  EXPECT_EQ(status_of(at).status, 308);
  EXPECT_EQ(status_of(at).header("Range"), "");  // nothing is kept yet
  const Answer first = send(at, "bytes 0-262143/*", bytes.substr(0, kStep));
  EXPECT_EQ(first.status, 308);
  EXPECT_EQ(first.header("Range"), "bytes=0-262143");
  EXPECT_EQ(get(object("big")).status, 404);
  EXPECT_EQ(get("/storage/v1/b/lake/o").at("/items"), "<none>");
  EXPECT_EQ(send(at, "bytes 262144-524287/*", bytes.substr(kStep, kStep)).header("Range"),
            "bytes=0-524287");
  EXPECT_EQ(status_of(at).header("Range"), "bytes=0-524287");
  const Answer last = send(at, "bytes 524288-524290/" + total, "end");
  ASSERT_EQ(last.status, 200) << last.body;
  EXPECT_EQ(last.at("/size"), total);
  EXPECT_EQ(last.at("/contentType"), "text/x");
  EXPECT_EQ(last.at("/metadata/k"), "v");
  EXPECT_EQ(media("big"), bytes);
  // The answer was lost: the session tells it again, to a repeated chunk and to a status query.
  EXPECT_EQ(send(at, "bytes 524288-524290/" + total, "end").body, last.body);
  EXPECT_EQ(status_of(at).body, last.body);
}

TEST_F(ResumableTest, one_request_may_carry_all_and_a_length_is_enough) {
  const std::string at = session("one");
  const Answer made = send(at, "", "all of it");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(media("one"), "all of it");
  const Answer empty = send(session("empty"), "bytes */0", "");
  ASSERT_EQ(empty.status, 200) << empty.body;
  EXPECT_EQ(empty.at("/size"), "0");
  EXPECT_EQ(empty.at("/crc32c"), "AAAAAA==");
  EXPECT_EQ(send(session("empty2"), "", "").status, 200);
  // Chunked, of unknown length.
  const std::string stream = session("stream");
  const Answer streamed = ask({.method = "PUT",
                               .target = stream,
                               .body = "streamed",
                               .headers = {{"Content-Range", "bytes 0-*/*"}},
                               .chunked = true});
  EXPECT_EQ(streamed.status, 200) << streamed.body;
  EXPECT_EQ(media("stream"), "streamed");
}

TEST_F(ResumableTest, chunks_by_post_and_by_the_other_address_are_the_same) {
  const std::string at = session("post");
  const Answer first = ask({.method = "POST",
                            .target = at,
                            .body = std::string(kStep, 'x'),
                            .headers = {{"Content-Range", "bytes 0-262143/262145"}}});
  EXPECT_EQ(first.status, 308);
  const Answer last = ask({.method = "POST",
                           .target = "/resumable" + at,
                           .body = "y",
                           .headers = {{"Content-Range", "bytes 262144-262144/262145"}}});
  EXPECT_EQ(last.status, 200) << last.body;
}

TEST_F(ResumableTest, an_overlapping_chunk_adds_only_what_is_new_and_a_gap_adds_nothing) {
  const std::string at = session("o");
  EXPECT_EQ(send(at, "bytes 0-5/*", "abcdef").header("Range"), "bytes=0-5");
  EXPECT_EQ(send(at, "bytes 10-11/*", "zz").header("Range"), "bytes=0-5");
  EXPECT_EQ(send(at, "bytes 2-7/*", "cdefgh").header("Range"), "bytes=0-7");
  EXPECT_EQ(send(at, "bytes 0-3/*", "abcd").header("Range"), "bytes=0-7");
  EXPECT_EQ(send(at, "bytes 8-9/10", "ij").status, 200);
  EXPECT_EQ(media("o"), "abcdefghij");
}

TEST_F(ResumableTest, a_broken_connection_keeps_what_can_be_kept_and_the_client_goes_on) {
  const std::string at = session("broken");
  EXPECT_EQ(send(at, "bytes 0-262143/*", std::string(kStep, 'a')).status, 308);
  EXPECT_GE(send(at, "bytes 262144-524287/524288", std::string(kStep, 'b'), {}, 1000).status, 500);
  const Answer where = status_of(at);
  EXPECT_EQ(where.status, 308);
  const std::string range = where.header("Range");
  ASSERT_TRUE(range.starts_with("bytes=0-"));
  const uint64_t have = parse_u64(range.substr(8)).value() + 1;
  ASSERT_GE(have, kStep);
  const std::string bytes = std::string(kStep, 'a') + std::string(kStep, 'b');
  EXPECT_EQ(send(at, "bytes " + std::to_string(have) + "-524287/524288", bytes.substr(have)).status,
            200);
  EXPECT_EQ(media("broken"), bytes);
}

TEST_F(ResumableTest, a_session_survives_a_restart) {
  const std::string at = session("restart");
  EXPECT_EQ(send(at, "bytes 0-2/*", "abc").status, 308);
  world_.restart();
  service_ = std::make_unique<Service>(world_.names(), world_.gate(), world_.directory(),
                                       operations_, world_.clock());
  EXPECT_EQ(status_of(at).header("Range"), "bytes=0-2");
  EXPECT_EQ(send(at, "bytes 3-3/4", "d").status, 200);
  EXPECT_EQ(media("restart"), "abcd");
}

TEST_F(ResumableTest, a_cancelled_session_is_gone) {
  const std::string at = session("cancel");
  EXPECT_EQ(send(at, "bytes 0-2/*", "abc").status, 308);
  EXPECT_EQ(remove(at).status, 499);
  EXPECT_EQ(send(at, "bytes 3-3/4", "d").status, 404);
  EXPECT_EQ(status_of(at).status, 404);
  EXPECT_EQ(get(object("cancel")).status, 404);
}

TEST_F(ResumableTest, preconditions_count_at_the_start_and_at_the_end) {
  ASSERT_EQ(put("c", "old").status, 200);
  EXPECT_EQ(begin("c", {}, "", "&ifGenerationMatch=0").status, 412);
  const std::string generation = get(object("c")).at("/generation");
  const std::string at = session("c", {}, "", "&ifGenerationMatch=" + generation);
  EXPECT_EQ(send(at, "bytes 0-2/*", "new").status, 308);
  ASSERT_EQ(put("c", "other").status, 200);
  EXPECT_EQ(send(at, "bytes */3", "").status, 412);
  EXPECT_EQ(media("c"), "other");
  const std::string create = session("fresh", {}, "", "&ifGenerationMatch=0");
  EXPECT_EQ(send(create, "", "x").status, 200);
  // Its own success is no failed precondition when the client asks again.
  EXPECT_EQ(send(create, "", "x").status, 200);
}

TEST_F(ResumableTest, what_was_announced_must_come) {
  const std::string sized = session("sized", {{"X-Upload-Content-Length", "4"}});
  EXPECT_EQ(send(sized, "bytes 0-4/5", "hello").status, 400);
  const std::string summed = session("summed", {}, R"({"crc32c":"AAAAAA=="})");
  EXPECT_EQ(send(summed, "", "hello").status, 400);
  EXPECT_EQ(get(object("summed")).status, 404);
  const std::string right = session("right", {}, R"({"crc32c":"mnG7TA=="})");
  EXPECT_EQ(send(right, "", "hello").status, 200);
  const std::string late = session("late");
  EXPECT_EQ(send(late, "bytes 0-1/*", "he").status, 308);
  EXPECT_EQ(send(late, "bytes 2-4/5", "llo", {{"x-goog-hash", "crc32c=AAAAAA=="}}).status, 400);
  EXPECT_EQ(get(object("late")).status, 404);
  for (const char* range : {"bytes 0-1", "bytes 4-2/5", "pages 0-1/2", "bytes 0-9/5"}) {
    EXPECT_EQ(send(session("bad"), range, "xx").status, 400) << range;
  }
  EXPECT_EQ(begin("bad", {{"X-Upload-Content-Length", "many"}}).status, 400);
}

TEST_F(ResumableTest, many_chunks_have_the_md5_of_the_whole) {
  const std::string at = session("md5", {}, R"({"md5Hash":"XUFAKrxLKna5cZ2REBfFkg=="})");
  EXPECT_EQ(send(at, "bytes 0-1/*", "he").status, 308);
  EXPECT_EQ(send(at, "bytes 2-2/*", "l").status, 308);
  const Answer made = send(at, "bytes 3-4/5", "lo");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/md5Hash"), "XUFAKrxLKna5cZ2REBfFkg==");
  const std::string wrong = session("wrong", {}, R"({"md5Hash":"XUFAKrxLKna5cZ2REBfFkg=="})");
  EXPECT_EQ(send(wrong, "bytes 0-1/*", "HE").status, 308);
  EXPECT_EQ(send(wrong, "bytes 2-4/5", "llo").status, 400);
  EXPECT_EQ(get(object("wrong")).status, 404);
}

TEST_F(ResumableTest, a_session_belongs_to_the_one_who_began_it) {
  const std::string at = session("mine");
  const KeyFile other = make_key("ann");
  must(world_.evaluator().put(world_.context,
                              {"ann", {"ann"}, "/lake/", access::Role::kWriter, false}));
  const Answer answer =
      send(at, "bytes 0-1/*", "xx", {{"Authorization", "Bearer " + token_for(other)}});
  EXPECT_EQ(answer.status, 404) << answer.body;
  EXPECT_EQ(status_of(at).header("Range"), "");
  std::string elsewhere = at;
  elsewhere.replace(elsewhere.find("name=mine"), 9, "name=yours");
  EXPECT_EQ(status_of(elsewhere).status, 404);
}

TEST_F(ResumableTest, clients_that_cannot_take_308_are_told_by_a_header) {
  const Answer answer =
      send(session("no308"), "bytes 0-1/*", "ab", {{"X-GUploader-No-308", "yes"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("X-Http-Status-Code-Override"), "308");
  EXPECT_EQ(answer.header("Range"), "bytes=0-1");
}

TEST_F(ResumableTest, the_session_address_carries_the_host_the_client_used) {
  const Answer odd = ask({.method = "POST",
                          .target = "/upload/storage/v1/b/lake/o?uploadType=resumable&name=a%2Fb",
                          .body = "{}"});
  EXPECT_TRUE(odd.header("Location").starts_with("http://lake.example:4443/upload/storage/v1/b/"));
  EXPECT_NE(odd.header("Location").find("&name=a%2Fb&"), std::string::npos);
  // An unescaped name, as gcsfs sends it.
  const Answer raw = ask({.method = "POST",
                          .target = "/upload/storage/v1/b/lake/o?uploadType=resumable&name=a/b c",
                          .body = "{}"});
  EXPECT_EQ(raw.status, 200);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
