// Contexts of objects: kept, patched one by one, copied or left behind, and what lists are filtered
// by.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class ContextsTest : public LakeTest {
 protected:
  Answer put_with(const std::string& name, const std::string& contexts) {
    return ask({.method = "POST",
                .target = "/upload/storage/v1/b/lake/o?uploadType=multipart",
                .body = "--x\r\nContent-Type: application/json\r\n\r\n{\"name\":\"" + name +
                        "\",\"contexts\":" + contexts +
                        "}\r\n--x\r\nContent-Type: text/plain\r\n\r\nbytes\r\n--x--\r\n",
                .headers = {{"Content-Type", "multipart/related; boundary=x"}}});
  }
  /// Names that a list shows, with commas.
  std::string found(const std::string& filter, const std::string& more = "") {
    const Answer answer = get("/storage/v1/b/lake/o?filter=" + percent_encode(filter) + more);
    if (answer.status != 200) return "status " + std::to_string(answer.status);
    std::string names;
    for (int i = 0;; ++i) {
      const std::string name = answer.at("/items/" + std::to_string(i) + "/name");
      if (name == "<none>") return names;
      names += (names.empty() ? "" : ",") + name;
    }
  }
};

TEST_F(ContextsTest, are_shown_with_their_times_and_patched_one_by_one) {
  const Answer made =
      put_with("a", R"({"custom":{"dept":{"value":"sales"},"year":{"value":"2026"}}})");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/contexts/custom/dept/value"), "sales");
  const std::string created = made.at("/contexts/custom/dept/createTime");
  EXPECT_EQ(made.at("/contexts/custom/dept/updateTime"), created);
  clock_.pass(std::chrono::minutes{1});
  const Answer changed =
      patch(object("a"),
            R"({"contexts":{"custom":{"dept":{"value":"law"},"year":null,"q":{"value":"1"}}}})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/contexts/custom/dept/value"), "law");
  EXPECT_EQ(changed.at("/contexts/custom/dept/createTime"), created);
  EXPECT_NE(changed.at("/contexts/custom/dept/updateTime"), created);
  EXPECT_EQ(changed.at("/contexts/custom/year"), "<none>");
  EXPECT_EQ(changed.at("/contexts/custom/q/value"), "1");
  EXPECT_EQ(changed.at("/metageneration"), "2");
  const Answer same = patch(object("a"), R"({"contentType":"text/html"})");
  EXPECT_EQ(same.at("/contexts/custom/dept/value"), "law") << "not named, not touched";
  EXPECT_EQ(patch(object("a"), R"({"contexts":null})").at("/contexts"), "<none>");
}

TEST_F(ContextsTest, an_update_replaces_them) {
  ASSERT_EQ(put_with("a", R"({"custom":{"k":{"value":"v"}}})").status, 200);
  const Answer kept = ask({.method = "PUT",
                           .target = object("a"),
                           .body = R"({"contexts":{"custom":{"n":{"value":"w"}}}})"});
  ASSERT_EQ(kept.status, 200) << kept.body;
  EXPECT_EQ(kept.at("/contexts/custom/k"), "<none>");
  EXPECT_EQ(kept.at("/contexts/custom/n/value"), "w");
  EXPECT_EQ(ask({.method = "PUT", .target = object("a"), .body = "{}"}).at("/contexts"), "<none>");
}

TEST_F(ContextsTest, go_with_a_copy_unless_it_leaves_them_behind) {
  ASSERT_EQ(put_with("a", R"({"custom":{"k":{"value":"v"}}})").status, 200);
  const std::string to = "/rewriteTo/b/lake/o/";
  EXPECT_EQ(post(object("a") + to + "b", "{}").at("/resource/contexts/custom/k/value"), "v");
  const Answer dropped = post(object("a") + to + "c?dropContextGroups=custom", "{}");
  ASSERT_EQ(dropped.status, 200) << dropped.body;
  EXPECT_EQ(dropped.at("/resource/contexts"), "<none>");
  EXPECT_EQ(dropped.at("/resource/contentType"), "text/plain");
  const Answer own = post(object("a") + to + "d", R"({"contexts":{"custom":{"o":{"value":"p"}}}})");
  EXPECT_EQ(own.at("/resource/contexts/custom/o/value"), "p");
  EXPECT_EQ(own.at("/resource/contexts/custom/k"), "<none>");
  EXPECT_EQ(post(object("a") + to + "e?dropContextGroups=system", "{}").status, 400);
  const Answer joined = post(object("f") + "/compose?dropContextGroups=custom",
                             R"({"sourceObjects":[{"name":"a"}]})");
  ASSERT_EQ(joined.status, 200) << joined.body;
  EXPECT_EQ(joined.at("/contexts"), "<none>");
}

TEST_F(ContextsTest, lists_are_filtered_by_them) {
  ASSERT_EQ(put("none", "1").status, 200);
  ASSERT_EQ(put_with("a", R"({"custom":{"dept":{"value":"sales"}}})").status, 200);
  ASSERT_EQ(put_with("b/c", R"({"custom":{"dept":{"value":"law"}}})").status, 200);
  EXPECT_EQ(found(R"(contexts."dept":*)"), "a,b/c");
  EXPECT_EQ(found(R"(-contexts."dept":*)"), "none");
  EXPECT_EQ(found(R"(contexts."dept"="law")"), "b/c");
  EXPECT_EQ(found(R"(-contexts."dept"="law")"), "a,none");
  EXPECT_EQ(found(R"(contexts."other":*)"), "");
  EXPECT_EQ(found(R"(contexts."dept":*)", "&delimiter=/"), "a");
  EXPECT_EQ(found(R"(contexts."dept":*)", "&versions=true"), "a,b/c");
  for (const char* bad : {"dept", "contexts.dept:*", "contexts.\"dept\"", "contexts.\"dept\"=law",
                          "contexts.\"\":*", "contexts.\"a\":* x"}) {
    EXPECT_EQ(found(bad), "status 400") << bad;
  }
}

TEST_F(ContextsTest, a_filtered_page_is_filled_from_the_next_ones) {
  for (int i = 0; i < 12; ++i) ASSERT_EQ(put("n" + std::to_string(i), "1").status, 200);
  ASSERT_EQ(put_with("z", R"({"custom":{"k":{"value":"v"}}})").status, 200);
  EXPECT_EQ(found(R"(contexts."k":*)", "&maxResults=2"), "z");
}

TEST_F(ContextsTest, what_google_refuses_is_refused) {
  for (const char* bad :
       {R"({"custom":{"":{"value":"v"}}})", R"({"custom":{"a/b":{"value":"v"}}})",
        R"({"custom":{"_a":{"value":"v"}}})", R"({"custom":{"goog-x":{"value":"v"}}})",
        R"({"custom":{"k":{"value":""}}})", R"({"custom":{"k":{}}})", R"({"custom":{"k":"v"}})",
        R"({"custom":[]})", "7"}) {
    EXPECT_EQ(put_with("a", bad).status, 400) << bad;
  }
  std::string many = "{\"custom\":{";
  for (int i = 0; i < 51; ++i) {
    many += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + R"(":{"value":"v"})";
  }
  EXPECT_EQ(put_with("a", many + "}}").status, 400);
}

TEST_F(ContextsTest, are_found_again_in_the_bytes_own_attributes) {
  ASSERT_EQ(put_with("a", R"({"custom":{"k":{"value":"v"}}})").status, 200);
  const auto native = must(world_.faults("disk").inner().stat(world_.context, {"lake/a"}));
  bool kept = false;
  for (const auto& [name, value] : native.attributes)
    kept |= value.find(R"("value":"v")") != std::string::npos;
  EXPECT_TRUE(kept);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
