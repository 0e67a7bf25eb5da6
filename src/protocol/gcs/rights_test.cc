// The same rights for the same principal, whatever it proves itself by: operation x right x
// credential.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

using core::Action;

/// What a request needs. Actions on "/lake/in/x" and the bucket.
struct Operation {
  const char* name;
  Ask ask;
  std::vector<std::pair<Action, const char*>> needs;
};

std::vector<Operation> operations() {
  const std::string object = "/storage/v1/b/lake/o/in%2Fx";
  const std::string upload = "/upload/storage/v1/b/lake/o?name=in%2Fx&uploadType=";
  const char* path = "/lake/in/x";
  const char* bucket = "/lake/";
  return {
      {"get", {.target = object}, {{Action::kRead, path}}},
      {"download", {.target = object + "?alt=media"}, {{Action::kRead, path}}},
      {"insert",
       {.method = "POST", .target = upload + "media", .body = "n"},
       {{Action::kWrite, path}}},
      {"begin", {.method = "POST", .target = upload + "resumable"}, {{Action::kWrite, path}}},
      {"patch", {.method = "PATCH", .target = object, .body = "{}"}, {{Action::kWrite, path}}},
      {"update", {.method = "PUT", .target = object, .body = "{}"}, {{Action::kWrite, path}}},
      {"copy",
       {.method = "POST", .target = object + "/copyTo/b/lake/o/in%2Fy"},
       {{Action::kRead, path}, {Action::kWrite, "/lake/in/y"}}},
      {"rewrite",
       {.method = "POST", .target = object + "/rewriteTo/b/lake/o/in%2Fy"},
       {{Action::kRead, path}, {Action::kWrite, "/lake/in/y"}}},
      {"compose",
       {.method = "POST",
        .target = "/storage/v1/b/lake/o/in%2Fz/compose",
        .body = R"({"sourceObjects":[{"name":"in/x"}]})"},
       {{Action::kRead, path}, {Action::kWrite, "/lake/in/z"}}},
      {"move",
       {.method = "POST", .target = "/storage/v1/b/lake/o/in%2Fy/moveTo/o/in%2Fw"},
       {{Action::kRead, "/lake/in/y"},
        {Action::kDelete, "/lake/in/y"},
        {Action::kWrite, "/lake/in/w"}}},
      {"list", {.target = "/storage/v1/b/lake/o"}, {{Action::kList, bucket}}},
      {"get bucket", {.target = "/storage/v1/b/lake"}, {{Action::kList, bucket}}},
      {"layout", {.target = "/storage/v1/b/lake/storageLayout"}, {{Action::kList, bucket}}},
      {"patch bucket",
       {.method = "PATCH", .target = "/storage/v1/b/lake", .body = "{}"},
       {{Action::kAdminister, bucket}}},
      {"iam", {.target = "/storage/v1/b/lake/iam"}, {{Action::kAdminister, bucket}}},
      {"xml get", {.target = "/lake/in/x"}, {{Action::kRead, path}}},
      {"xml put", {.method = "PUT", .target = "/lake/in/x", .body = "n"}, {{Action::kWrite, path}}},
      {"xml list", {.target = "/lake?list-type=2"}, {{Action::kList, bucket}}},
      {"xml head", {.method = "HEAD", .target = "/lake"}, {{Action::kList, bucket}}},
      {"xml begin", {.method = "POST", .target = "/lake/in/x?uploads"}, {{Action::kWrite, path}}},
      {"xml delete",
       {.method = "DELETE", .target = "/lake/in/w"},
       {{Action::kDelete, "/lake/in/w"}}},
      {"delete", {.method = "DELETE", .target = object}, {{Action::kDelete, path}}},
  };
}

class RightsTest : public LakeTest {};

TEST_F(RightsTest, every_operation_follows_the_gate_whatever_the_credential) {
  using access::GrantRule;
  using access::Role;
  const struct {
    const char* name;
    std::vector<GrantRule> rules;
  } rights[] = {
      {"none", {}},
      {"reader", {{"r", {"ann"}, "/lake/", Role::kReader, false}}},
      {"reader below", {{"r", {"ann"}, "/lake/in/", Role::kReader, false}}},
      {"writer", {{"r", {"ann"}, "/lake/", Role::kWriter, false}}},
      {"writer below", {{"r", {"ann"}, "/lake/in/", Role::kWriter, false}}},
      {"owner", {{"r", {"*"}, "/lake/", Role::kOwner, false}}},
      {"denied below",
       {{"r", {"ann"}, "/lake/", Role::kOwner, false},
        {"d", {"ann"}, "/lake/in/", Role::kReader, true}}},
      {"elsewhere", {{"r", {"ann"}, "/lak/", Role::kOwner, false}}},
  };
  const KeyFile ann = make_key("ann");
  wire::JwtClaims claims = claims_of(ann);
  claims.audience = {"https://storage.googleapis.com/"};
  const struct {
    const char* name;
    std::string token;
  } credentials[] = {{"access token", token_for(ann)}, {"self-signed", sign(ann, claims)}};
  // The principal as an S3 access key proves it.
  const auto by_access_key = world_.principal("ann");

  int checked = 0;
  for (const auto& right : rights) {
    for (const auto& rule : right.rules) must(world_.evaluator().put(world_.context, rule));
    for (const auto& credential : credentials) {
      ASSERT_EQ(put("in/x", "x").status, 200);
      ASSERT_EQ(put("in/y", "y").status, 200);
      ASSERT_EQ(put("in/w", "w").status, 200);
      for (Operation& operation : operations()) {
        bool allowed = true;
        for (const auto& [action, path] : operation.needs) {
          const auto decision =
              world_.evaluator().decide(by_access_key, action, must(Path::parse(path), "path"));
          allowed = allowed && decision.allowed;
        }
        operation.ask.headers.emplace_back("Authorization", "Bearer " + credential.token);
        const Answer answer = ask(operation.ask);
        EXPECT_EQ(answer.status == 403, !allowed)
            << operation.name << " by " << credential.name << " as " << right.name << ": "
            << answer.status << " " << answer.body;
        if (allowed) {
          EXPECT_LT(answer.status, 300) << operation.name << answer.body;
        }
        ++checked;
      }
    }
    for (const auto& rule : right.rules) must(world_.evaluator().remove(world_.context, rule.id));
  }
  EXPECT_EQ(checked, 8 * 2 * 22);
}

TEST_F(RightsTest, who_may_not_make_buckets_makes_none_and_the_maker_owns_what_he_made) {
  const KeyFile ann = make_key("ann");
  const Headers as_ann = {{"Authorization", "Bearer " + token_for(ann)}};
  const Ask make{.method = "POST",
                 .target = "/storage/v1/b?project=l",
                 .body = R"({"name":"anns"})",
                 .headers = as_ann};
  EXPECT_EQ(ask(make).status, 403);
  must(world_.evaluator().put(world_.context,
                              {"anns", {"ann"}, "/anns/", access::Role::kOwner, false}));
  EXPECT_EQ(get("/storage/v1/b?project=l", as_ann).at("/items"), "<none>");
  EXPECT_EQ(ask(make).status, 200);
  // Lists of buckets show what one may list.
  const Answer listed = get("/storage/v1/b?project=l", as_ann);
  EXPECT_EQ(listed.at("/items/0/name"), "anns");
  EXPECT_EQ(listed.at("/items/1/name"), "<none>");
  EXPECT_EQ(get("/", as_ann).body.find("lake"), std::string::npos);
  must(world_.evaluator().remove(world_.context, "anns"));
  // No rule any more, but she owns it.
  EXPECT_EQ(get("/storage/v1/b/anns/o", as_ann).status, 200);
  EXPECT_EQ(ask({.method = "PUT", .target = "/anns/x", .body = "x", .headers = as_ann}).status,
            200);
  EXPECT_EQ(get("/storage/v1/b/lake/o", as_ann).status, 403);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
