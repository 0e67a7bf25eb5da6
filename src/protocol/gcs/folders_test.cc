// Folders: the directories of buckets with hierarchical namespace.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

const std::string kBucket = "/storage/v1/b/lake";
const std::string kFolders = kBucket + "/folders";

class FoldersTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    ASSERT_EQ(post("/storage/v1/b?project=l",
                   R"j({"name":"lake","hierarchicalNamespace":{"enabled":true},)j"
                   R"j("iamConfiguration":{"uniformBucketLevelAccess":{"enabled":true}}})j")
                  .status,
              200);
  }
  Answer make(const std::string& name, const std::string& query = "") {
    return post(kFolders + query, R"j({"name":")j" + name + "\"}");
  }
  static std::string folder(const std::string& name) {
    return kFolders + "/" + percent_encode(name);
  }
  static std::string rename(const std::string& from, const std::string& to) {
    return folder(from) + "/renameTo/folders/" + percent_encode(to);
  }
  std::string names(const std::string& query = "") {
    const Answer answer = get(kFolders + query);
    std::string text;
    for (int i = 0; answer.at("/items/" + std::to_string(i)) != "<none>"; ++i) {
      text += (i > 0 ? " " : "") + answer.at("/items/" + std::to_string(i) + "/name");
    }
    return text;
  }
};

TEST_F(FoldersTest, are_made_shown_and_removed) {
  const Answer made = make("a/");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/kind"), "storage#folder");
  EXPECT_EQ(made.at("/id"), "lake/a/");
  EXPECT_EQ(made.at("/metageneration"), "1");
  EXPECT_NE(made.at("/createTime"), "<none>");
  EXPECT_EQ(get(folder("a/")).body, made.body);
  EXPECT_EQ(get(folder("a")).body, made.body);
  EXPECT_EQ(make("a").status, 409);
  EXPECT_EQ(make("b/c/").status, 412) << "its parent is not there";
  EXPECT_EQ(make("b/c/", "?recursive=true").status, 200);
  EXPECT_EQ(make("b/d").status, 200);
  EXPECT_EQ(names(), "a/ b/ b/c/ b/d/");
  EXPECT_EQ(get(folder("x")).status, 404);
  for (const char* bad : {"", "/", "/x", "a//b"}) EXPECT_EQ(make(bad).status, 400) << bad;
  EXPECT_EQ(remove(folder("b/")).status, 409) << "it is not empty";
  EXPECT_EQ(remove(folder("b/c/") + "?ifMetagenerationMatch=7").status, 412);
  EXPECT_EQ(remove(folder("b/c/")).status, 204);
  EXPECT_EQ(remove(folder("b/c/")).status, 404);
  EXPECT_EQ(names(), "a/ b/ b/d/");
}

TEST_F(FoldersTest, that_an_object_made_stay_when_it_is_gone) {
  ASSERT_EQ(put("d/e/x", "1").status, 200);
  EXPECT_EQ(names(), "d/ d/e/");
  ASSERT_EQ(remove(object("d/e/x")).status, 204);
  EXPECT_EQ(names(), "d/ d/e/");
  EXPECT_EQ(get(kBucket + "/o?delimiter=/&includeFoldersAsPrefixes=true").at("/prefixes"),
            R"j(["d/"])j");
  EXPECT_EQ(remove(kBucket).status, 409) << "folders are content";
  make_bucket("flat");
  ASSERT_EQ(ask({.method = "POST",
                 .target = "/upload/storage/v1/b/flat/o?uploadType=media&name=d/x",
                 .body = "1"})
                .status,
            200);
  ASSERT_EQ(remove("/storage/v1/b/flat/o/d%2Fx").status, 204);
  EXPECT_EQ(remove("/storage/v1/b/flat").status, 204);
}

TEST_F(FoldersTest, are_listed_in_byte_order_by_prefix_level_range_and_page) {
  for (const char* name : {"a-b/", "a/", "a/x/", "a/x/y/", "a/z/", "ab/", "c/"}) {
    ASSERT_EQ(make(name).status, 200) << name;
  }
  ASSERT_EQ(put("a/x/object", "1").status, 200);
  EXPECT_EQ(names(), "a-b/ a/ a/x/ a/x/y/ a/z/ ab/ c/");
  EXPECT_EQ(names("?delimiter=/"), "a-b/ a/ ab/ c/");
  EXPECT_EQ(names("?prefix=a"), "a-b/ a/ a/x/ a/x/y/ a/z/ ab/");
  EXPECT_EQ(names("?prefix=a/"), "a/ a/x/ a/x/y/ a/z/");
  EXPECT_EQ(names("?prefix=a/&delimiter=/"), "a/ a/x/ a/z/");
  EXPECT_EQ(names("?prefix=a/x"), "a/x/ a/x/y/");
  EXPECT_EQ(names("?prefix=b"), "");
  EXPECT_EQ(names("?startOffset=a/x/y/&endOffset=c/"), "a/x/y/ a/z/ ab/");
  std::string all;
  std::string token;
  for (int pages = 0; pages < 10; ++pages) {
    const std::string query = "?pageSize=2" + (token.empty() ? "" : "&pageToken=" + token);
    all += (pages > 0 ? " | " : "") + names(query);
    token = get(kFolders + query).at("/nextPageToken");
    if (token == "<none>") break;
  }
  EXPECT_EQ(all, "a-b/ a/ | a/x/ a/x/y/ | a/z/ ab/ | c/");
  EXPECT_EQ(get(kFolders + "?delimiter=x").status, 400);
  EXPECT_EQ(get(kFolders + "?pageToken=*").status, 400);
}

TEST_F(FoldersTest, are_renamed_as_a_whole_by_an_operation_that_is_done) {
  ASSERT_EQ(put("a/b/x", "one").status, 200);
  ASSERT_EQ(make("c").status, 200);
  const Answer done = post(rename("a/b/", "c/d/"), "");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.at("/kind"), "storage#operation");
  EXPECT_EQ(done.at("/done"), "true");
  EXPECT_EQ(done.at("/response/name"), "c/d/");
  EXPECT_EQ(done.at("/metadata/sourceFolderId"), "a/b/");
  EXPECT_EQ(media("c/d/x"), "one");
  EXPECT_EQ(get(object("a/b/x")).status, 404);
  EXPECT_EQ(names(), "a/ c/ c/d/");
  const std::string name = done.at("/name");
  const std::string operation = kBucket + "/operations" + name.substr(name.rfind('/'));
  EXPECT_EQ(get(operation).body, done.body);
  EXPECT_EQ(get(kBucket + "/operations").at("/operations/0/name"), name);
  EXPECT_EQ(post(operation + "/cancel", "").status, 204);
  EXPECT_EQ(get(kBucket + "/operations/none").status, 404);
}

TEST_F(FoldersTest, a_rename_that_cannot_be_changes_nothing) {
  ASSERT_EQ(put("a/x", "one").status, 200);
  ASSERT_EQ(make("c").status, 200);
  EXPECT_EQ(post(rename("a", "c"), "").status, 409);
  EXPECT_EQ(post(rename("a", "none/d"), "").status, 412);
  EXPECT_EQ(post(rename("none", "d"), "").status, 404);
  EXPECT_EQ(post(rename("a", "a/b"), "").status, 400);
  EXPECT_EQ(post(rename("a", "d") + "?ifSourceMetagenerationMatch=9", "").status, 412);
  EXPECT_EQ(names(), "a/ c/");
  EXPECT_EQ(media("a/x"), "one");
}

TEST_F(FoldersTest, who_may_only_read_changes_none) {
  ASSERT_EQ(make("a").status, 200);
  const KeyFile ann = make_key("ann");
  must(world_.evaluator().put(world_.context,
                              {"ann", {"ann"}, "/lake/", access::Role::kReader, false}));
  const Headers as_ann = {{"Authorization", "Bearer " + token_for(ann)}};
  EXPECT_EQ(get(folder("a"), as_ann).status, 200);
  EXPECT_EQ(
      ask({.method = "POST", .target = kFolders, .body = R"j({"name":"b"})j", .headers = as_ann})
          .status,
      403);
  EXPECT_EQ(ask({.method = "DELETE", .target = folder("a"), .headers = as_ann}).status, 403);
  EXPECT_EQ(ask({.method = "POST", .target = rename("a", "b"), .headers = as_ann}).status, 403);
  const KeyFile eve = make_key("eve");
  EXPECT_EQ(get(kFolders, {{"Authorization", "Bearer " + token_for(eve)}}).status, 403);
  EXPECT_EQ(names(), "a/");
}

TEST_F(FoldersTest, belong_to_buckets_with_hierarchy_only) {
  make_bucket("flat");
  EXPECT_EQ(get("/storage/v1/b/flat/folders").status, 412);
  EXPECT_EQ(post("/storage/v1/b/flat/folders", R"j({"name":"a"})j").status, 412);
  EXPECT_EQ(get("/storage/v1/b/none/folders").status, 404);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
