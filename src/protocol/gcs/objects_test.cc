// Insert, get, patch, update and delete of objects by the JSON API.
#include <atomic>
#include <thread>

#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class ObjectsTest : public LakeTest {
 protected:
  Answer insert_multipart(const std::string& metadata, const std::string& bytes,
                          const std::string& end = "\r\n", const std::string& extra = "",
                          const std::string& boundary = "=") {
    const std::string line = "--" + boundary + end;
    return ask({.method = "POST",
                .target = "/upload/storage/v1/b/lake/o?uploadType=multipart" + extra,
                .body = line + "Content-Type: application/json; charset=UTF-8" + end + end +
                        metadata + end + line + "Content-Type: text/csv" + end + end + bytes + end +
                        "--" + boundary + "--" + end,
                .headers = {{"Content-Type", "multipart/related; boundary=\"" + boundary + "\""}}});
  }
};

TEST_F(ObjectsTest, a_media_upload_becomes_an_object_with_googles_resource) {
  const Answer made = put("2026/q1.csv", "hello");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/kind"), "storage#object");
  EXPECT_EQ(made.at("/name"), "2026/q1.csv");
  EXPECT_EQ(made.at("/bucket"), "lake");
  EXPECT_EQ(made.at("/contentType"), "text/plain");
  EXPECT_EQ(made.at("/storageClass"), "STANDARD");
  EXPECT_EQ(made.at("/crc32c"), "mnG7TA==");                   // google-crc32c of "hello"
  EXPECT_EQ(made.at("/md5Hash"), "XUFAKrxLKna5cZ2REBfFkg==");  // md5sum of "hello"
  EXPECT_EQ(made.at("/id"), "lake/2026/q1.csv/" + made.at("/generation"));
  EXPECT_EQ(made.at("/selfLink"), std::string{kUrl} + "/storage/v1/b/lake/o/2026%2Fq1.csv");
  EXPECT_EQ(made.at("/mediaLink"), std::string{kUrl} +
                                       "/download/storage/v1/b/lake/o/2026%2Fq1.csv?generation=" +
                                       made.at("/generation") + "&alt=media");
  // 64-bit numbers are texts.
  for (const char* name : {"generation", "metageneration", "size"}) {
    EXPECT_NE(made.body.find("\"" + std::string{name} + "\":\""), std::string::npos) << name;
  }
  EXPECT_EQ(made.at("/size"), "5");
  EXPECT_EQ(made.at("/metageneration"), "1");
  EXPECT_EQ(media("2026/q1.csv"), "hello");
  EXPECT_EQ(get(object("2026/q1.csv")).body, made.body);
}

TEST_F(ObjectsTest, generations_grow_and_never_come_back) {
  uint64_t last = 0;
  for (int round = 0; round < 3; ++round) {
    const uint64_t first = parse_u64(put("x", "a").at("/generation")).value();
    EXPECT_GT(first, last);
    const uint64_t second = parse_u64(put("x", "b").at("/generation")).value();
    EXPECT_GT(second, first);
    last = second;
    EXPECT_EQ(remove(object("x")).status, 204);
  }
}

TEST_F(ObjectsTest, names_that_look_like_paths_are_only_names) {
  const std::vector<std::string> names = {"a",   "a/",        "a/b",   "a//b", "/lead",
                                          "a+b", "a%2Fb",     "a b",   "..x",  "a/../b",
                                          "ä/é", "e\xCC\x81", "x?y#z", "a/./b"};
  for (const auto& name : names) {
    const Answer made = put(name, "of " + name);
    ASSERT_EQ(made.status, 200) << name << " " << made.body;
    EXPECT_EQ(made.at("/name"), name);
  }
  for (const auto& name : names) EXPECT_EQ(media(name), "of " + name) << name;
  for (const char* bad : {".", "..", "x%0Ay", ".well-known%2Facme-challenge%2Fx"}) {
    const Answer answer =
        ask({.method = "POST",
             .target = "/upload/storage/v1/b/lake/o?uploadType=media&name=" + std::string{bad}});
    EXPECT_EQ(answer.status, 400) << bad;
    EXPECT_EQ(answer.reason(), "invalid") << bad;
  }
  EXPECT_EQ(put(std::string(1024, 'k'), "x").status, 200);
  EXPECT_EQ(put(std::string(1025, 'k'), "x").status, 400);
  EXPECT_EQ(put("", "x").reason(), "required");
  EXPECT_EQ(get("/storage/v1/b/lake/o/%FF").status, 400);
  EXPECT_EQ(get("/storage/v1/b/lake/o/%zz").status, 400);
}

TEST_F(ObjectsTest, multipart_uploads_parse_with_both_line_ends_and_odd_boundaries) {
  const std::string metadata =
      R"({"name":"m","contentType":"text/x","metadata":{"k":"v"},"cacheControl":"no-cache"})";
  const struct {
    const char* end;
    const char* boundary;
  } cases[] = {{"\r\n", "==="}, {"\n", "==0=="}, {"\r\n", "a b c"}, {"\r\n", "'()+_,-./:=?x"}};
  for (const auto& c : cases) {
    const std::string bytes = "line\r\nline\n--" + std::string{c.boundary}.substr(0, 2) + "\n";
    const Answer made = insert_multipart(metadata, bytes, c.end, "", c.boundary);
    ASSERT_EQ(made.status, 200) << c.boundary << made.body;
    EXPECT_EQ(made.at("/contentType"), "text/x");
    EXPECT_EQ(made.at("/metadata/k"), "v");
    EXPECT_EQ(made.at("/cacheControl"), "no-cache");
    EXPECT_EQ(media("m"), bytes);
  }
  // The media part's type counts when the metadata names none; the query's name wins.
  EXPECT_EQ(insert_multipart(R"({"name":"no"})", "x", "\r\n", "&name=yes").at("/name"), "yes");
  EXPECT_EQ(insert_multipart("{}", "x", "\r\n", "&name=yes").at("/contentType"), "text/csv");
  EXPECT_EQ(insert_multipart("{}", "x").reason(), "required");
  EXPECT_EQ(insert_multipart("{", "x").status, 400);
  EXPECT_EQ(insert_multipart(R"({"name":7})", "x").status, 400);
}

TEST_F(ObjectsTest, a_multipart_body_that_is_cut_off_stores_nothing) {
  const std::string head =
      "--b\r\n\r\n{\"name\":\"cut\"}\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello";
  for (const char* tail : {"", "\r\n", "\r\n--b", "\r\n--b\r\n\r\nthird\r\n--b--"}) {
    const Answer answer = ask({.method = "POST",
                               .target = "/upload/storage/v1/b/lake/o?uploadType=multipart",
                               .body = head + tail,
                               .headers = {{"Content-Type", "multipart/related; boundary=b"}}});
    EXPECT_EQ(answer.status, 400) << tail;
  }
  EXPECT_EQ(get(object("cut")).status, 404);
}

TEST_F(ObjectsTest, a_body_that_breaks_off_stores_nothing) {
  const Answer answer = ask({.method = "POST",
                             .target = "/upload/storage/v1/b/lake/o?uploadType=media&name=broken",
                             .body = std::string(10000, 'x'),
                             .breaks_at = 5000});
  EXPECT_GE(answer.status, 500);
  EXPECT_EQ(get(object("broken")).status, 404);
  const Answer lies = ask({.method = "POST",
                           .target = "/upload/storage/v1/b/lake/o?uploadType=media&name=broken",
                           .body = "four",
                           .content_length = 5});
  EXPECT_EQ(lies.status, 400);
  EXPECT_EQ(get(object("broken")).status, 404);
}

TEST_F(ObjectsTest, wrong_checksums_are_refused_and_nothing_is_stored) {
  const std::string wrong_md5 = to_base64(std::string(16, 'x'));
  auto upload = [&](const std::string& name, Headers headers) {
    headers.emplace_back("Content-Type", "text/plain");
    return ask({.method = "POST",
                .target = "/upload/storage/v1/b/lake/o?uploadType=media&name=" + name,
                .body = "hello",
                .headers = std::move(headers)});
  };
  for (const Headers& headers : std::vector<Headers>{
           {{"x-goog-hash", "crc32c=AAAAAA=="}},
           {{"x-goog-hash", "md5=" + wrong_md5}},
           {{"x-goog-hash", "crc32c=mnG7TA==,md5=" + wrong_md5}},
           {{"x-goog-hash", "crc32c=mnG7TA=="}, {"x-goog-hash", "md5=" + wrong_md5}},
           {{"x-goog-hash", "crc32c=mnG7TA=="}, {"x-goog-hash", "crc32c=AAAAAA=="}},
           {{"Content-MD5", wrong_md5}},
           {{"Content-MD5", "?"}},
           {{"x-goog-hash", "crc32c=A"}}}) {
    const Answer answer = upload("sum", headers);
    EXPECT_EQ(answer.status, 400) << headers[0].second;
    EXPECT_EQ(answer.reason(), "invalid") << headers[0].second;
  }
  EXPECT_EQ(insert_multipart(R"({"name":"sum","crc32c":"AAAAAA=="})", "hello").status, 400);
  EXPECT_EQ(insert_multipart(R"({"name":"sum","md5Hash":")" + wrong_md5 + "\"}", "hello").status,
            400);
  EXPECT_EQ(get(object("sum")).status, 404);
  EXPECT_EQ(upload("sum", {{"x-goog-hash", "crc32c=mnG7TA=="},
                           {"x-goog-hash", "md5=XUFAKrxLKna5cZ2REBfFkg=="}})
                .status,
            200);
  EXPECT_EQ(insert_multipart(R"({"name":"sum2","crc32c":"mnG7TA=="})", "hello").status, 200);
}

TEST_F(ObjectsTest, preconditions_decide_writes_reads_and_deletes) {
  EXPECT_EQ(put("p", "1", "&ifGenerationMatch=7").status, 412);
  const Answer first = put("p", "1", "&ifGenerationMatch=0");
  ASSERT_EQ(first.status, 200);
  const std::string generation = first.at("/generation");
  const Answer again = put("p", "2", "&ifGenerationMatch=0");
  EXPECT_EQ(again.status, 412);
  EXPECT_EQ(again.reason(), "conditionNotMet");
  EXPECT_EQ(again.at("/error/errors/0/locationType"), "header");
  EXPECT_EQ(again.at("/error/code"), "412");
  EXPECT_EQ(put("p", "2", "&ifGenerationNotMatch=" + generation).status, 412);
  EXPECT_EQ(put("p", "2", "&ifMetagenerationMatch=2").status, 412);
  EXPECT_EQ(media("p"), "1");
  EXPECT_EQ(put("p", "2", "&ifGenerationMatch=" + generation).status, 200);
  EXPECT_EQ(put("p", "3", "&ifGenerationMatch=" + generation).status, 412);
  const std::string now = get(object("p")).at("/generation");

  EXPECT_EQ(get(object("p") + "?ifGenerationMatch=" + now).status, 200);
  EXPECT_EQ(get(object("p") + "?ifGenerationMatch=" + generation).status, 412);
  for (const char* alt : {"", "&alt=media"}) {
    const Answer same = get(object("p") + "?ifGenerationNotMatch=" + now + alt);
    EXPECT_EQ(same.status, 304) << alt;
    EXPECT_EQ(same.body, "") << alt;
    EXPECT_EQ(get(object("p") + "?ifMetagenerationNotMatch=1" + alt).status, 304) << alt;
    EXPECT_EQ(get(object("p") + "?ifMetagenerationMatch=9" + alt).status, 412) << alt;
    EXPECT_EQ(get(object("p") + "?generation=" + generation + alt).status, 404) << alt;
    EXPECT_EQ(get(object("p") + "?generation=" + now + alt).status, 200) << alt;
    EXPECT_EQ(get(object("p") + "?generation=x" + alt).status, 400) << alt;
  }
  EXPECT_EQ(patch(object("p") + "?ifMetagenerationMatch=7", "{}").status, 412);
  EXPECT_EQ(remove(object("p") + "?ifGenerationMatch=" + generation).status, 412);
  EXPECT_EQ(remove(object("p") + "?generation=" + generation).status, 404);
  EXPECT_EQ(remove(object("p") + "?ifMetagenerationMatch=4").status, 412);
  EXPECT_EQ(remove(object("p") + "?generation=" + now).status, 204);
  EXPECT_EQ(remove(object("p")).status, 404);
  EXPECT_EQ(remove(object("p") + "?ifGenerationMatch=7").status, 404);
  EXPECT_EQ(remove(object("p")).reason(), "notFound");
  EXPECT_EQ(put("p", "4", "&ifGenerationMatch=" + now).status, 412);
  EXPECT_EQ(put("p", "4", "&ifGenerationMatch=-1").status, 400);
}

TEST_F(ObjectsTest, of_many_who_create_at_once_exactly_one_wins) {
  for (int round = 0; round < 5; ++round) {
    const std::string name = "race-" + std::to_string(round);
    std::atomic<int> won{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> creators;
    for (int i = 0; i < 6; ++i) {
      creators.emplace_back([&, i] {
        const int status = put(name, std::to_string(i), "&ifGenerationMatch=0").status;
        if (status == 200) ++won;
        if (status == 412 || status == 503) ++lost;
      });
    }
    for (auto& creator : creators) creator.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, 5);
    EXPECT_EQ(media(name).size(), 1u);
  }
}

TEST_F(ObjectsTest, request_bodies_of_unknown_compression_are_refused) {
  for (const auto& [coding, status] : {std::pair{"br", 501}, std::pair{"gzip", 400}}) {
    const Answer answer = ask({.method = "POST",
                               .target = "/upload/storage/v1/b/lake/o?uploadType=media&name=packed",
                               .body = "x",
                               .headers = {{"Content-Encoding", coding}}});
    EXPECT_EQ(answer.status, status) << coding;
    EXPECT_EQ(get(object("packed")).status, 404);
  }
}

TEST_F(ObjectsTest, generation_0_is_the_live_one) {
  put("live", "x");
  EXPECT_EQ(get(object("live") + "?alt=media&generation=0").body, "x");
  EXPECT_EQ(ask({.method = "DELETE", .target = object("live") + "?generation=0"}).status, 204);
  EXPECT_EQ(get(object("live")).status, 404);
}

TEST_F(ObjectsTest, a_patch_merges_and_null_removes) {
  ASSERT_EQ(insert_multipart(
                R"({"name":"p","cacheControl":"a","contentLanguage":"de",
                    "metadata":{"keep":"1","drop":"2"}})",
                "x")
                .status,
            200);
  const Answer before = get(object("p"));
  const Answer changed = patch(
      object("p"),
      R"({"cacheControl":null,"contentType":"image/png","metadata":{"drop":null,"new":"3"}})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/cacheControl"), "<none>");
  EXPECT_EQ(changed.at("/contentLanguage"), "de");
  EXPECT_EQ(changed.at("/contentType"), "image/png");
  EXPECT_EQ(changed.at("/metadata"), R"({"keep":"1","new":"3"})");
  EXPECT_EQ(changed.at("/metageneration"), "2");
  EXPECT_EQ(changed.at("/generation"), before.at("/generation"));
  EXPECT_NE(changed.at("/etag"), before.at("/etag"));
  EXPECT_EQ(media("p"), "x");
  EXPECT_EQ(patch(object("p"), R"({"metadata":null})").at("/metadata"), "<none>");
  EXPECT_EQ(patch(object("none"), "{}").status, 404);
  EXPECT_EQ(patch(object("p"), R"({"metadata":{"k":7}})").status, 400);
  EXPECT_EQ(patch(object("p"), R"({"metadata":{"k":")" + std::string(9000, 'x') + "\"}}").status,
            400);
  EXPECT_EQ(patch(object("p"), "[]").status, 400);
  // As old clients send it.
  const Answer tunnelled = ask({.method = "POST",
                                .target = object("p"),
                                .body = R"({"contentType":"a/b"})",
                                .headers = {{"X-HTTP-Method-Override", "PATCH"}}});
  EXPECT_EQ(tunnelled.at("/contentType"), "a/b");
}

TEST_F(ObjectsTest, an_update_replaces_all_attributes) {
  ASSERT_EQ(insert_multipart(R"({"name":"u","cacheControl":"a","metadata":{"k":"v"}})", "x").status,
            200);
  const Answer changed = ask({.method = "PUT",
                              .target = object("u"),
                              .body = R"({"contentType":"a/b","metadata":{"n":"1"}})"});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/cacheControl"), "<none>");
  EXPECT_EQ(changed.at("/metadata"), R"({"n":"1"})");
  EXPECT_EQ(changed.at("/contentType"), "a/b");
}

TEST_F(ObjectsTest, what_is_not_offered_is_refused_and_never_ignored) {
  ASSERT_EQ(put("x", "x").status, 200);
  EXPECT_EQ(get(object("x") + "/acl").status, 400);
  EXPECT_EQ(put("y", "x", "&predefinedAcl=publicRead").status, 400);
  EXPECT_EQ(put("y", "x", "&predefinedAcl=private").status, 200);
  EXPECT_EQ(post(object("x") + "/restore?generation=1", "").status, 404);
  EXPECT_EQ(post("/storage/v1/b/lake/relocate", "{}").status, 501);
  EXPECT_EQ(ask({.method = "BREW", .target = object("x")}).status, 405);
  EXPECT_EQ(get("/storage/v1/nowhere").status, 404);
}

TEST_F(ObjectsTest, partial_answers_hold_what_fields_names) {
  ASSERT_EQ(insert_multipart(R"({"name":"f","metadata":{"a":"1","b":"2"}})", "x").status, 200);
  EXPECT_EQ(get(object("f") + "?fields=name,metadata/a&projection=noAcl&prettyPrint=false").body,
            R"({"name":"f","metadata":{"a":"1"}})");
  EXPECT_EQ(get(object("f") + "?fields=items((").status, 400);
  EXPECT_EQ(get(object("f") + "?projection=full&alt=json&userProject=p&quotaUser=q").status, 200);
}

TEST_F(ObjectsTest, etags_work_for_conditional_gets_of_metadata) {
  const Answer made = put("e", "x");
  const std::string etag = made.at("/etag");
  EXPECT_EQ(made.header("ETag"), etag);
  EXPECT_EQ(get(object("e"), {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(get(object("e"), {{"If-None-Match", "other"}}).status, 200);
  EXPECT_EQ(get(object("e"), {{"If-Match", etag}}).status, 200);
  EXPECT_EQ(get(object("e"), {{"If-Match", "other"}}).status, 412);
}

TEST_F(ObjectsTest, missing_things_have_googles_error_body) {
  const Answer object_missing = get(object("none"));
  EXPECT_EQ(object_missing.status, 404);
  EXPECT_EQ(object_missing.at("/error/code"), "404");
  EXPECT_EQ(object_missing.at("/error/message"), "No such object: lake/none");
  EXPECT_EQ(object_missing.at("/error/errors/0/domain"), "global");
  EXPECT_EQ(object_missing.reason(), "notFound");
  EXPECT_EQ(object_missing.header("Content-Type"), "application/json; charset=UTF-8");
  for (const Answer& answer :
       {get("/storage/v1/b/nowhere/o/x"), get("/storage/v1/b/nowhere/o"),
        get("/storage/v1/b/nowhere"), get("/storage/v1/b/nowhere/o/x?alt=media"),
        ask({.method = "POST",
             .target = "/upload/storage/v1/b/nowhere/o?uploadType=media&name=x",
             .body = "x"})}) {
    EXPECT_EQ(answer.status, 404) << answer.body;
    EXPECT_EQ(answer.reason(), "notFound") << answer.body;
  }
  EXPECT_EQ(get("/storage/v1/b/nowhere").at("/error/message"),
            "The specified bucket does not exist.");
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
