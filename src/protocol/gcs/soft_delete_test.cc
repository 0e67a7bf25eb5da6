// Soft delete: what clients see of what was deleted, and how it comes back.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

const std::string kBucket = "/storage/v1/b/lake";
const std::string kWeek = R"j({"softDeletePolicy":{"retentionDurationSeconds":"604800"}})j";

class SoftDeleteGcsTest : public LakeTest {
 protected:
  void SetUp() override {
    LakeTest::SetUp();
    ASSERT_EQ(patch(kBucket, kWeek).status, 200);
  }
  std::string put_one(const std::string& name, const std::string& bytes) {
    return put(name, bytes).at("/generation");
  }
  std::string deleted(const std::string& name, const std::string& generation) {
    return object(name) + "?softDeleted=true&generation=" + generation;
  }
  std::string restore(const std::string& name, const std::string& generation,
                      const std::string& extra = "") {
    return object(name) + "/restore?generation=" + generation + extra;
  }
};

TEST_F(SoftDeleteGcsTest, the_policy_is_shown_changed_and_bounded) {
  const Answer shown = get(kBucket);
  EXPECT_EQ(shown.at("/softDeletePolicy/retentionDurationSeconds"), "604800");
  EXPECT_NE(shown.at("/softDeletePolicy/effectiveTime"), "<none>");
  clock_.pass(std::chrono::minutes{10});
  EXPECT_EQ(patch(kBucket, kWeek).at("/softDeletePolicy"), shown.at("/softDeletePolicy"));
  const Answer longer =
      patch(kBucket, R"j({"softDeletePolicy":{"retentionDurationSeconds":864000}})j");
  EXPECT_EQ(longer.at("/softDeletePolicy/retentionDurationSeconds"), "864000");
  EXPECT_NE(longer.at("/softDeletePolicy/effectiveTime"),
            shown.at("/softDeletePolicy/effectiveTime"));
  for (const char* bad : {"604799", "7776001", "-1"}) {
    const std::string body =
        R"j({"softDeletePolicy":{"retentionDurationSeconds":")j" + std::string{bad} + "\"}}";
    EXPECT_EQ(patch(kBucket, body).status, 400) << bad;
  }
  EXPECT_EQ(patch(kBucket, R"j({"softDeletePolicy":{"retentionDurationSeconds":"0"}})j")
                .at("/softDeletePolicy/retentionDurationSeconds"),
            "0");
}

TEST_F(SoftDeleteGcsTest, what_was_deleted_is_listed_shown_and_restored_as_a_copy) {
  const std::string one = put_one("d/a", "one");
  ASSERT_EQ(patch(object("d/a"), R"j({"metadata":{"k":"v"}})j").status, 200);
  ASSERT_EQ(remove(object("d/a")).status, 204);
  EXPECT_EQ(get(kBucket + "/o").at("/items"), "<none>");
  const Answer list = get(kBucket + "/o?softDeleted=true");
  EXPECT_EQ(list.at("/items/0/name"), "d/a");
  EXPECT_EQ(list.at("/items/0/generation"), one);
  EXPECT_EQ(list.at("/items/0/timeDeleted"), "<none>");
  const Answer shown = get(deleted("d/a", one));
  ASSERT_EQ(shown.status, 200) << shown.body;
  EXPECT_NE(shown.at("/softDeleteTime"), "<none>");
  EXPECT_EQ(shown.at("/hardDeleteTime"), list.at("/items/0/hardDeleteTime"));
  EXPECT_EQ(get(object("d/a") + "?softDeleted=true").status, 400) << "which one?";
  EXPECT_EQ(get(object("d/a") + "?generation=" + one).status, 404);
  EXPECT_EQ(get(deleted("d/a", "5")).status, 404);
  EXPECT_EQ(get(kBucket + "/o?softDeleted=true&versions=true").status, 400);

  const Answer back = post(restore("d/a", one), "");
  ASSERT_EQ(back.status, 200) << back.body;
  EXPECT_NE(back.at("/generation"), one);
  EXPECT_EQ(back.at("/metageneration"), "1");
  EXPECT_EQ(back.at("/metadata/k"), "v");
  EXPECT_EQ(back.at("/softDeleteTime"), "<none>");
  EXPECT_EQ(media("d/a"), "one");
  EXPECT_EQ(get(deleted("d/a", one)).status, 200) << "it stays until its time";
}

TEST_F(SoftDeleteGcsTest, conditions_of_a_restore_are_of_what_is_there) {
  const std::string one = put_one("a", "one");
  const std::string two = put_one("a", "two");
  EXPECT_EQ(post(restore("a", one, "&ifGenerationMatch=0"), "").status, 412);
  EXPECT_EQ(media("a"), "two");
  EXPECT_EQ(post(restore("a", one, "&ifGenerationMatch=" + two), "").status, 200);
  EXPECT_EQ(media("a"), "one");
  EXPECT_EQ(get(deleted("a", two)).status, 200) << "what a restore replaces is kept, too";
  EXPECT_EQ(post(object("a") + "/restore", "").status, 400);
  EXPECT_EQ(post(restore("a", "5"), "").status, 404);
}

TEST_F(SoftDeleteGcsTest, who_may_not_write_restores_nothing) {
  const std::string one = put_one("a", "one");
  ASSERT_EQ(remove(object("a")).status, 204);
  const KeyFile ann = make_key("ann");
  must(world_.evaluator().put(world_.context,
                              {"ann", {"ann"}, "/lake/", access::Role::kReader, false}));
  const Headers as_ann = {{"Authorization", "Bearer " + token_for(ann)}};
  EXPECT_EQ(get(kBucket + "/o?softDeleted=true", as_ann).at("/items/0/name"), "a");
  EXPECT_EQ(ask({.method = "POST", .target = restore("a", one), .headers = as_ann}).status, 403);
  const KeyFile eve = make_key("eve");
  const Headers as_eve = {{"Authorization", "Bearer " + token_for(eve)}};
  EXPECT_EQ(get(deleted("a", one), as_eve).status, 403);
  EXPECT_EQ(get(kBucket + "/o?softDeleted=true", as_eve).status, 403);
}

TEST_F(SoftDeleteGcsTest, a_bucket_is_found_and_restored_by_its_generation) {
  const std::string one = put_one("a", "one");
  ASSERT_EQ(remove(object("a")).status, 204);
  const std::string generation = get(kBucket).at("/generation");
  ASSERT_EQ(remove(kBucket).status, 204);
  EXPECT_EQ(get(kBucket).status, 404);
  const Answer shown = get(kBucket + "?softDeleted=true&generation=" + generation);
  ASSERT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(shown.at("/name"), "lake");
  EXPECT_NE(shown.at("/softDeleteTime"), "<none>");
  EXPECT_NE(shown.at("/hardDeleteTime"), "<none>");
  EXPECT_EQ(get(kBucket + "?softDeleted=true").status, 400);
  EXPECT_EQ(get("/storage/v1/b?project=l&softDeleted=true").at("/items/0/generation"), generation);
  EXPECT_EQ(get("/storage/v1/b?project=l&softDeleted=true&prefix=x").at("/items"), "<none>");
  EXPECT_EQ(post(kBucket + "/restore?generation=5", "").status, 404);
  const KeyFile eve = make_key("eve");
  EXPECT_GE(ask({.method = "POST",
                 .target = kBucket + "/restore?generation=" + generation,
                 .headers = {{"Authorization", "Bearer " + token_for(eve)}}})
                .status,
            403);
  const Answer back = post(kBucket + "/restore?generation=" + generation, "");
  ASSERT_EQ(back.status, 200) << back.body;
  EXPECT_EQ(back.at("/generation"), generation);
  EXPECT_EQ(back.at("/softDeleteTime"), "<none>");
  EXPECT_EQ(post(kBucket + "/restore?generation=" + generation, "").status, 404);
  EXPECT_EQ(post(restore("a", one), "").status, 200);
  EXPECT_EQ(media("a"), "one");
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
