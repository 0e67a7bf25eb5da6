// copyTo, rewriteTo, compose and moveTo.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class CopyTest : public LakeTest {
 protected:
  void SetUp() override {
    LakeTest::SetUp();
    ASSERT_EQ(put("from", "hello").status, 200);
    ASSERT_EQ(patch(object("from"), R"({"metadata":{"k":"v"},"cacheControl":"c"})").status, 200);
  }
  Answer copy(const std::string& verb, const std::string& from, const std::string& to,
              const std::string& query = "", const std::string& json = "") {
    return post(object(from) + "/" + verb + "/b/lake/o/" + percent_encode(to) + query, json);
  }
  Answer compose(const std::string& to, const std::string& json, const std::string& query = "") {
    return post(object(to) + "/compose" + query, json);
  }
  Answer move(const std::string& from, const std::string& to, const std::string& query = "") {
    return post(object(from) + "/moveTo/o/" + percent_encode(to) + query, "");
  }
};

TEST_F(CopyTest, a_copy_keeps_bytes_and_attributes_and_has_a_generation_of_its_own) {
  const Answer source = get(object("from"));
  const Answer made = copy("copyTo", "from", "a/b");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/kind"), "storage#object");
  EXPECT_EQ(made.at("/name"), "a/b");
  EXPECT_EQ(made.at("/md5Hash"), source.at("/md5Hash"));
  EXPECT_EQ(made.at("/crc32c"), source.at("/crc32c"));
  EXPECT_EQ(made.at("/metadata/k"), "v");
  EXPECT_EQ(made.at("/cacheControl"), "c");
  EXPECT_EQ(made.at("/metageneration"), "1");
  EXPECT_NE(made.at("/generation"), source.at("/generation"));
  EXPECT_EQ(media("a/b"), "hello");
  EXPECT_EQ(get(object("from")).body, source.body);
}

TEST_F(CopyTest, a_rewrite_is_done_in_one_answer) {
  const Answer made = copy("rewriteTo", "from", "r", "", R"({"contentType":"a/b"})");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/kind"), "storage#rewriteResponse");
  EXPECT_EQ(made.at("/done"), "true");
  EXPECT_EQ(made.at("/objectSize"), "5");
  EXPECT_EQ(made.at("/totalBytesRewritten"), "5");
  EXPECT_NE(made.body.find(R"("objectSize":"5")"), std::string::npos);
  EXPECT_EQ(made.at("/resource/name"), "r");
  EXPECT_EQ(made.at("/resource/contentType"), "a/b");
  EXPECT_EQ(made.at("/rewriteToken"), "<none>");
  EXPECT_EQ(copy("rewriteTo", "from", "r2", "", "null\n").at("/resource/metadata/k"), "v");
  // Onto itself: how clients change a storage class.
  const Answer self = copy("rewriteTo", "from", "from", "", R"({"storageClass":"NEARLINE"})");
  ASSERT_EQ(self.status, 200) << self.body;
  EXPECT_EQ(self.at("/resource/storageClass"), "NEARLINE");
  EXPECT_EQ(media("from"), "hello");
  EXPECT_EQ(copy("rewriteTo", "from", "x", "", R"({"storageClass":"FROZEN"})").status, 400);
}

TEST_F(CopyTest, copies_ask_preconditions_of_both_sides) {
  const std::string generation = get(object("from")).at("/generation");
  EXPECT_EQ(copy("copyTo", "from", "t", "?ifSourceGenerationMatch=1").status, 412);
  EXPECT_EQ(copy("copyTo", "from", "t", "?ifSourceMetagenerationMatch=9").status, 412);
  EXPECT_EQ(copy("copyTo", "from", "t", "?ifSourceGenerationNotMatch=" + generation).status, 412);
  EXPECT_EQ(copy("copyTo", "from", "t", "?sourceGeneration=1").status, 404);
  EXPECT_EQ(copy("copyTo", "from", "t", "?ifGenerationMatch=5").status, 412);
  EXPECT_EQ(get(object("t")).status, 404);
  EXPECT_EQ(copy("copyTo", "from", "t",
                 "?ifGenerationMatch=0&sourceGeneration=" + generation +
                     "&ifSourceGenerationMatch=" + generation)
                .status,
            200);
  EXPECT_EQ(copy("rewriteTo", "from", "t", "?ifGenerationMatch=0").status, 412);
  EXPECT_EQ(copy("copyTo", "none", "t2").status, 404);
  EXPECT_EQ(post(object("from") + "/copyTo/b/nowhere/o/x", "").status, 404);
}

TEST_F(CopyTest, compose_joins_in_order_and_has_no_md5) {
  ASSERT_EQ(put("two", " world").status, 200);
  const Answer made = compose("joined", R"({"sourceObjects":[{"name":"from"},{"name":"two"},
      {"name":"from"}],"destination":{"contentType":"a/b","metadata":{"j":"1"}}})");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(media("joined"), "hello worldhello");
  EXPECT_EQ(made.at("/size"), "16");
  EXPECT_EQ(made.at("/md5Hash"), "<none>");
  EXPECT_NE(made.at("/crc32c"), "<none>");
  EXPECT_EQ(made.at("/contentType"), "a/b");
  EXPECT_EQ(made.at("/metadata/j"), "1");
  EXPECT_FALSE(get(object("joined") + "?alt=media").header("x-goog-hash").find("md5") !=
               std::string::npos);
  // Onto one of its own sources: how logs are appended to.
  EXPECT_EQ(compose("joined", R"({"sourceObjects":[{"name":"joined"},{"name":"two"}]})").status,
            200);
  EXPECT_EQ(media("joined"), "hello worldhello world");
}

TEST_F(CopyTest, compose_checks_what_it_is_told) {
  const std::string generation = get(object("from")).at("/generation");
  auto one = [&](const std::string& source, const std::string& query = "") {
    return compose("j", R"({"sourceObjects":[)" + source + "]}", query).status;
  };
  EXPECT_EQ(one(R"({"name":"from","generation":"1"})"), 404);
  EXPECT_EQ(one(R"({"name":"from","objectPreconditions":{"ifGenerationMatch":"1"}})"), 412);
  EXPECT_EQ(one(R"({"name":"from"})", "?ifGenerationMatch=3"), 412);
  EXPECT_EQ(one(R"({"name":"none"})"), 404);
  EXPECT_EQ(one(R"({})"), 400);
  EXPECT_EQ(one(""), 400);
  std::string many;
  for (int i = 0; i < 33; ++i) many += std::string{i > 0 ? "," : ""} + R"({"name":"from"})";
  EXPECT_EQ(one(many), 400);
  EXPECT_EQ(get(object("j")).status, 404);
  EXPECT_EQ(one(R"({"name":"from","generation":)" + generation +
                    R"(,"objectPreconditions":{"ifGenerationMatch":")" + generation + "\"}}",
                "?ifGenerationMatch=0"),
            200);
}

TEST_F(CopyTest, a_move_takes_the_object_along_with_its_attributes) {
  const Answer moved = move("from", "to/there");
  ASSERT_EQ(moved.status, 200) << moved.body;
  EXPECT_EQ(moved.at("/name"), "to/there");
  EXPECT_EQ(moved.at("/metadata/k"), "v");
  EXPECT_EQ(media("to/there"), "hello");
  EXPECT_EQ(get(object("from")).status, 404);
  ASSERT_EQ(put("other", "x").status, 200);
  EXPECT_EQ(move("other", "to/there", "?ifGenerationMatch=0").status, 412);
  EXPECT_EQ(move("other", "to/there", "?ifSourceGenerationMatch=1").status, 412);
  EXPECT_EQ(move("none", "x").status, 404);
  EXPECT_EQ(move("other", "other").status, 400);
  EXPECT_EQ(move("other", "to/there").status, 200);
  EXPECT_EQ(media("to/there"), "x");
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
