// Listing of objects and buckets.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class ListTest : public LakeTest {
 protected:
  void SetUp() override {
    LakeTest::SetUp();
    for (const char* name :
         {"a", "a/b", "a/c/d", "b/", "b/x", "c.csv", "d/1.csv", "d/2.txt", "e"}) {
      ASSERT_EQ(put(name, "x").status, 200) << name;
    }
  }
  /// "items | prefixes" of an answer.
  static std::string shown(const Answer& answer) {
    if (answer.status != 200) return "status " + std::to_string(answer.status);
    std::string text;
    for (size_t i = 0; answer.at("/items/" + std::to_string(i)) != "<none>"; ++i) {
      text += answer.at("/items/" + std::to_string(i) + "/name") + " ";
    }
    text += "|";
    for (size_t i = 0; answer.at("/prefixes/" + std::to_string(i)) != "<none>"; ++i) {
      text += " " + answer.at("/prefixes/" + std::to_string(i));
    }
    return text;
  }
  std::string list(const std::string& query) { return shown(get("/storage/v1/b/lake/o?" + query)); }
};

TEST_F(ListTest, prefix_and_delimiter_choose_items_and_prefixes_in_byte_order) {
  EXPECT_EQ(list(""), "a a/b a/c/d b/ b/x c.csv d/1.csv d/2.txt e |");
  EXPECT_EQ(list("delimiter="), list(""));
  EXPECT_EQ(list("delimiter=/"), "a c.csv e | a/ b/ d/");
  EXPECT_EQ(list("delimiter=/&prefix=a"), "a | a/");
  EXPECT_EQ(list("delimiter=/&prefix=a/"), "a/b | a/c/");
  EXPECT_EQ(list("delimiter=/&prefix=b/"), "b/ b/x |");
  EXPECT_EQ(list("delimiter=/&includeTrailingDelimiter=true"), "a b/ c.csv e | a/ b/ d/");
  EXPECT_EQ(list("prefix=none"), "|");
  EXPECT_EQ(list("delimiter=.&prefix=d/"), "| d/1. d/2.");
  EXPECT_EQ(list("prefix=d%2F1"), "d/1.csv |");
}

TEST_F(ListTest, offsets_bound_the_names_from_both_sides) {
  EXPECT_EQ(list("startOffset=b/&endOffset=d/2.txt"), "b/ b/x c.csv d/1.csv |");
  EXPECT_EQ(list("startOffset=b/x"), "b/x c.csv d/1.csv d/2.txt e |");
  EXPECT_EQ(list("endOffset=a"), "|");
  EXPECT_EQ(list("startOffset=e"), "e |");
  EXPECT_EQ(list("startOffset=c&delimiter=/"), "c.csv e | d/");
}

TEST_F(ListTest, pages_join_without_loss_or_repetition_at_every_size) {
  for (const std::string& query :
       {std::string{"delimiter=/"}, std::string{"delimiter="},
        std::string{"delimiter=/&includeTrailingDelimiter=true"}, std::string{"prefix=d"},
        std::string{"delimiter=/&startOffset=b"}}) {
    const Answer whole = get("/storage/v1/b/lake/o?" + query);
    std::vector<std::string> expected;
    for (const char* kind : {"items", "prefixes"}) {
      for (int i = 0;; ++i) {
        const std::string pointer = "/" + std::string{kind} + "/" + std::to_string(i);
        if (whole.at(pointer) == "<none>") break;
        expected.push_back(whole.at(pointer + (kind == std::string{"items"} ? "/name" : "")));
      }
    }
    for (int size = 1; size <= 5; ++size) {
      std::vector<std::string> found;
      std::vector<std::string> prefixes;
      std::string token;
      for (int pages = 0; pages < 20; ++pages) {
        const Answer page =
            get("/storage/v1/b/lake/o?" + query + "&maxResults=" + std::to_string(size) +
                (token.empty() ? "" : "&pageToken=" + token));
        ASSERT_EQ(page.status, 200);
        int count = 0;
        for (int i = 0; page.at("/items/" + std::to_string(i)) != "<none>"; ++i, ++count) {
          found.push_back(page.at("/items/" + std::to_string(i) + "/name"));
        }
        for (int i = 0; page.at("/prefixes/" + std::to_string(i)) != "<none>"; ++i, ++count) {
          prefixes.push_back(page.at("/prefixes/" + std::to_string(i)));
        }
        // A directory and its marker object are never parted.
        EXPECT_LE(count, size + (query.find("Trailing") != std::string::npos ? 1 : 0));
        token = page.at("/nextPageToken");
        if (token == "<none>") break;
      }
      EXPECT_EQ(token, "<none>") << query << " does not end";
      found.insert(found.end(), prefixes.begin(), prefixes.end());
      EXPECT_EQ(found, expected) << query << " by " << size;
    }
  }
}

TEST_F(ListTest, globs_choose_as_google_says) {
  EXPECT_EQ(list("matchGlob=**.csv"), "c.csv d/1.csv |");
  EXPECT_EQ(list("matchGlob=*.csv"), "c.csv |");
  EXPECT_EQ(list("matchGlob=d/*"), "d/1.csv d/2.txt |");
  EXPECT_EQ(list("matchGlob=d/%7B1,2%7D.*"), "d/1.csv d/2.txt |");
  EXPECT_EQ(list("matchGlob=a/**"), "a/b a/c/d |");
  EXPECT_EQ(list("matchGlob=?"), "a e |");
  EXPECT_EQ(list("matchGlob=%5B"), "status 400");
  EXPECT_EQ(list("matchGlob=*&delimiter=."), "status 400");
}

TEST_F(ListTest, the_answer_has_googles_shape_and_honours_fields) {
  const Answer all = get("/storage/v1/b/lake/o?maxResults=1&projection=noAcl&versions=false");
  EXPECT_EQ(all.at("/kind"), "storage#objects");
  EXPECT_EQ(all.at("/items/0/kind"), "storage#object");
  EXPECT_NE(all.at("/nextPageToken"), "<none>");
  EXPECT_EQ(get("/storage/v1/b/lake/o?fields=items(name),prefixes&delimiter=/&prefix=d").body,
            R"({"prefixes":["d/"]})");
  EXPECT_EQ(get("/storage/v1/b/lake/o?fields=items/name&prefix=e").body,
            R"({"items":[{"name":"e"}]})");
  EXPECT_EQ(get("/storage/v1/b/lake/o?pageToken=*").status, 400);
  EXPECT_EQ(get("/storage/v1/b/lake/o?maxResults=x").status, 400);
  EXPECT_EQ(get("/storage/v1/b/lake/o?maxResults=5000").status, 200);
  EXPECT_EQ(shown(get("/storage/v1/b/lake/o/")), shown(get("/storage/v1/b/lake/o")));
  // With soft delete off nothing was kept.
  EXPECT_EQ(list("softDeleted=true"), "|");
}

TEST_F(ListTest, bucket_lists_page_and_filter) {
  for (const char* name : {"lake-b", "lake-a", "other"}) make_bucket(name);
  auto names = [&](const std::string& query) {
    return shown(get("/storage/v1/b?project=lake" + query));
  };
  EXPECT_EQ(names(""), "lake lake-a lake-b other |");
  EXPECT_EQ(names("&prefix=lake-"), "lake-a lake-b |");
  const Answer page = get("/storage/v1/b?project=lake&maxResults=3");
  EXPECT_EQ(shown(page), "lake lake-a lake-b |");
  EXPECT_EQ(names("&maxResults=3&pageToken=" + page.at("/nextPageToken")), "other |");
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
