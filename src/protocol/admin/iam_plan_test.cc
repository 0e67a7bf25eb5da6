#include "protocol/admin/iam_plan.h"

#include <gtest/gtest.h>

namespace beringia::protocol::admin {
namespace {

using access::GrantRule;
using access::Role;

meta::Estate estate() {
  meta::Estate out;
  meta::BackendDeclaration cloud;
  cloud.name = "cloud";
  cloud.url = "gs://archive/lake";
  meta::BackendDeclaration disk;
  disk.name = "disk";
  disk.url = "file:///srv";
  out.backends = {cloud, disk};
  meta::MountDeclaration mount;
  mount.path = Path::parse("/sales/").value();
  mount.locations = {{"disk", ""}, {"cloud", "s/"}};
  out.mounts = {mount};
  return out;
}

const IamMembers kMembers{{"etl", "serviceAccount:etl@acme"},
                          {"group:analysts", "group:analysts@acme.com"}};

/// "+ folder role member" of each row.
std::vector<std::string> rows_of(const std::vector<GrantRule>& grants,
                                 const std::vector<NativeRight>& there = {},
                                 std::vector<std::string>* notes = nullptr) {
  auto plan = plan_iam(estate(), "cloud", grants, kMembers, there);
  EXPECT_TRUE(plan);
  std::vector<std::string> out;
  for (const auto& row : plan->rows) {
    out.push_back((row.add ? "+ " : "- ") + row.right.folder + " " +
                  row.right.role.substr(sizeof("roles/storage.") - 1) + " " + row.right.member);
  }
  if (notes != nullptr) *notes = plan->notes;
  return out;
}

TEST(IamPlan, grants_become_roles_on_the_folders_that_hold_their_objects) {
  const std::vector<std::string> whole{"+ lake/s/ objectViewer group:analysts@acme.com"};
  EXPECT_EQ(rows_of({{"r", {"group:analysts"}, "/", Role::kReader, false}}), whole);
  EXPECT_EQ(rows_of({{"r", {"group:analysts"}, "/sales", Role::kReader, false}}), whole);
  EXPECT_EQ(rows_of({{"w", {"etl"}, "/sales/2026", Role::kWriter, false}}),
            std::vector<std::string>{"+ lake/s/2026/ objectUser serviceAccount:etl@acme"});
  EXPECT_EQ(rows_of({{"o", {"etl"}, "/sales/", Role::kOwner, false}}),
            std::vector<std::string>{"+ lake/s/ objectAdmin serviceAccount:etl@acme"});
  EXPECT_TRUE(rows_of({{"r", {"etl"}, "/other/", Role::kReader, false}}).empty());
  EXPECT_TRUE(rows_of({{"c", {"etl"}, "/", Role::kCreator, false}}).empty());
  EXPECT_TRUE(rows_of({{"r", {"etl"}, "/sal", Role::kReader, false}}).empty()) << "by component";
}

TEST(IamPlan, what_is_there_already_is_no_row_and_what_no_grant_gives_goes) {
  const std::vector<GrantRule> grants{{"r", {"etl"}, "/sales/", Role::kReader, false}};
  const std::string viewer = "roles/storage.objectViewer";
  EXPECT_TRUE(rows_of(grants, {{"lake/s/", viewer, "serviceAccount:etl@acme"}}).empty());
  EXPECT_EQ(rows_of(grants, {{"lake/s/", viewer, "serviceAccount:etl@acme"},
                             {"lake/old/", viewer, "serviceAccount:etl@acme"},
                             {"lake/s/", viewer, "user:stranger@acme.com"},
                             {"lake/s/", "roles/storage.admin", "serviceAccount:etl@acme"}}),
            std::vector<std::string>{"- lake/old/ objectViewer serviceAccount:etl@acme"});
}

TEST(IamPlan, nobody_gets_more_there_than_here) {
  std::vector<std::string> notes;
  const GrantRule allow{"r", {"etl"}, "/sales/", Role::kReader, false};
  for (const GrantRule& deny : {GrantRule{"d", {"etl"}, "/sales/secret/", Role::kReader, true},
                                GrantRule{"d", {"*"}, "/", Role::kReader, true},
                                GrantRule{"d", {"group:x"}, "/sales/", Role::kReader, true}}) {
    EXPECT_TRUE(rows_of({allow, deny}, {}, &notes).empty());
    ASSERT_EQ(notes.size(), 1u);
    EXPECT_NE(notes[0].find("deny d"), std::string::npos);
  }
  EXPECT_EQ(rows_of({allow, {"d", {"other"}, "/sales/", Role::kReader, true}}).size(), 1u);
  EXPECT_EQ(rows_of({allow, {"d", {"etl"}, "/hr/", Role::kReader, true}}).size(), 1u);
  EXPECT_TRUE(rows_of({{"r", {"nobody"}, "/", Role::kReader, false}}, {}, &notes).empty());
  EXPECT_NE(notes.at(0).find("nobody"), std::string::npos);
}

TEST(IamPlan, only_buckets_have_one) {
  EXPECT_EQ(plan_iam(estate(), "nothing", {}, {}, {}).error().code(), Code::kNotFound);
  EXPECT_EQ(plan_iam(estate(), "disk", {}, {}, {}).error().code(), Code::kInvalid);
}

}  // namespace
}  // namespace beringia::protocol::admin
