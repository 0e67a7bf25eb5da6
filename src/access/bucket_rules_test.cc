// What buckets say about themselves: owner, policy, lists, the public access block.
#include <gtest/gtest.h>

#include "access/access.h"
#include "access/bucket_access.h"
#include "identity/principal_verifier.h"
#include "kv/store.h"

namespace beringia::access {
namespace {

using identity::Principal;

Principal who(const std::string& name) {
  return identity::PrincipalVerifier::verified(name, {}, "TESTKEY");
}
const Principal kNobody = Principal::anonymous();

Path at(std::string_view text) { return Path::parse(text).value(); }

/// One bucket "b" of ann's.
class OneBucket final : public OwnerLookup {
 public:
  std::string owner_of(const Path& path) const override {
    return path.bucket() == "b" ? "ann" : "";
  }
  Result<std::optional<BucketState>> bucket_of(const Path& path) const override {
    if (broken) return std::unexpected(unavailable("the catalog is away"));
    if (path.bucket() != "b") return std::nullopt;
    return BucketState{"ann", 7, 1, version, !attributes.empty()};
  }
  Result<std::map<std::string, std::string>> settings_of(const Path&,
                                                         BucketState& state) const override {
    ++reads;
    state = BucketState{"ann", 7, 1, version, true};
    return attributes;
  }
  Result<std::optional<EntryState>> entry_of(const Path& path,
                                             std::optional<uint64_t> generation) const override {
    if (entries_broken) return std::unexpected(unavailable("the catalog is away"));
    const auto found = entries.find(
        path.text() + (generation ? "#" + std::to_string(*generation) : std::string{}));
    return found == entries.end() ? std::optional<EntryState>{} : found->second;
  }

  void set(std::string_view name, const std::string& value) {
    attributes[std::string{name}] = value;
    ++version;
  }

  std::map<std::string, std::string> attributes;
  std::map<std::string, EntryState> entries;
  uint64_t version = 1;
  bool broken = false;
  bool entries_broken = false;
  mutable int reads = 0;
};

class BucketRulesTest : public testing::Test {
 protected:
  BucketRulesTest() {
    evaluator_->set_owner_lookup(&bucket_);
    bucket_.attributes[std::string{kPolicyBucketAttribute}] = "b";
  }
  void policy(const std::string& effect, const std::string& principal, const std::string& action,
              const std::string& more = "") {
    bucket_.set(kPolicyAttribute, R"({"Statement":[{"Sid":"S","Effect":")" + effect +
                                      R"(","Principal":)" + principal + R"(,"Action":")" + action +
                                      R"(","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"])" +
                                      more + "}]}");
  }
  void lists(const Acl& acl) {
    bucket_.set(kOwnershipAttribute, "ObjectWriter");
    bucket_.set(kAclAttribute, encode(acl));
  }
  Decision decide(const Principal& principal, const Ask& ask, std::string_view path) const {
    return evaluator_->decide(principal, ask, at(path));
  }
  bool may(const Principal& principal, const Ask& ask, std::string_view path) const {
    return decide(principal, ask, path).allowed;
  }

  io::Context context_;
  OneBucket bucket_;
  std::unique_ptr<kv::Store> store_ = kv::open_memory().value();
  std::unique_ptr<Evaluator> evaluator_ = Evaluator::open(*store_).value();
};

TEST_F(BucketRulesTest, gives_nobody_without_a_credential_anything_by_itself) {
  ASSERT_TRUE(evaluator_->put(context_, {"all", {"*"}, "/", Role::kOwner, false}));
  EXPECT_TRUE(may(who("bob"), Action::kRead, "/b/k"));
  for (const Action action : {Action::kRead, Action::kWrite, Action::kDelete, Action::kList,
                              Action::kAdminister, Action::kCreateBucket}) {
    EXPECT_FALSE(may(kNobody, action, "/b/k"));
    EXPECT_FALSE(may(kNobody, action, "/new/"));
    EXPECT_FALSE(may(kNobody, action, "/"));
  }
}

TEST_F(BucketRulesTest, lets_a_policy_give_and_take) {
  policy("Allow", R"({"AWS":"bob"})", "s3:GetObject");
  EXPECT_TRUE(may(who("bob"), Action::kRead, "/b/k"));
  EXPECT_EQ(decide(who("bob"), Action::kRead, "/b/k").rule, "policy:S");
  EXPECT_FALSE(may(who("bob"), Action::kWrite, "/b/k"));
  EXPECT_FALSE(may(kNobody, Action::kRead, "/b/k"));
  policy("Allow", R"("*")", "s3:GetObject");
  EXPECT_TRUE(may(kNobody, Action::kRead, "/b/k"));
  ASSERT_TRUE(evaluator_->put(context_, {"bob", {"bob"}, "/b/", Role::kOwner, false}));
  policy("Deny", R"("*")", "s3:*");
  EXPECT_FALSE(may(who("bob"), Action::kRead, "/b/k"));
  EXPECT_FALSE(may(who("ann"), Action::kRead, "/b/k"));
  EXPECT_TRUE(may(who("root"), Action::kRead, "/b/k"));
}

TEST_F(BucketRulesTest, denies_by_grant_what_a_policy_gives) {
  policy("Allow", R"("*")", "s3:*");
  ASSERT_TRUE(evaluator_->put(context_, {"no", {"bob"}, "/b/", Role::kReader, true}));
  EXPECT_FALSE(may(who("bob"), Action::kRead, "/b/k"));
  EXPECT_TRUE(may(who("bob"), Action::kWrite, "/b/k"));
}

TEST_F(BucketRulesTest, lets_an_owner_put_its_policy_right) {
  policy("Deny", R"("*")", "s3:*");
  EXPECT_TRUE(may(who("ann"), Ask(Action::kAdminister, Right::kWritePolicy), "/b/"));
  EXPECT_TRUE(may(who("ann"), Ask(Action::kAdminister, Right::kDeletePolicy), "/b/"));
  EXPECT_FALSE(may(who("ann"), Ask(Action::kAdminister, Right::kWriteCors), "/b/"));
  EXPECT_FALSE(may(who("bob"), Ask(Action::kAdminister, Right::kWritePolicy), "/b/"));
}

TEST_F(BucketRulesTest, asks_for_the_tags_of_the_object_only_when_a_condition_does) {
  policy("Allow", R"({"AWS":"bob"})", "s3:GetObject",
         R"(,"Condition":{"StringEquals":{"s3:ExistingObjectTag/stage":"done"}})");
  bucket_.entries["/b/yes"] = {"ann", "", {{"stage", "done"}}};
  bucket_.entries["/b/no"] = {"ann", "", {{"stage", "raw"}}};
  EXPECT_TRUE(may(who("bob"), Action::kRead, "/b/yes"));
  EXPECT_FALSE(may(who("bob"), Action::kRead, "/b/no"));
  EXPECT_FALSE(may(who("bob"), Action::kRead, "/b/absent"));
  bucket_.entries_broken = true;
  EXPECT_EQ(decide(who("bob"), Action::kRead, "/b/yes").rule, "unknown");
  EXPECT_TRUE(may(who("ann"), Action::kList, "/b/"));
}

TEST_F(BucketRulesTest, judges_a_generation_by_its_own_tags) {
  policy("Allow", R"({"AWS":"bob"})", "s3:GetObject",
         R"(,"Condition":{"StringEquals":{"s3:ExistingObjectTag/stage":"done"}})");
  bucket_.entries["/b/k"] = {"ann", "", {{"stage", "raw"}}};
  bucket_.entries["/b/k#3"] = {"ann", "", {{"stage", "done"}}};
  Ask ask{Action::kRead};
  EXPECT_FALSE(may(who("bob"), ask, "/b/k"));
  ask.generation = 3;
  EXPECT_TRUE(may(who("bob"), ask, "/b/k"));
  ask.generation = 4;
  EXPECT_FALSE(may(who("bob"), ask, "/b/k"));
}

TEST_F(BucketRulesTest, decides_nothing_on_settings_that_it_cannot_read) {
  bucket_.set(kPolicyAttribute, "damaged");
  EXPECT_FALSE(may(who("ann"), Action::kRead, "/b/k"));
  EXPECT_TRUE(may(who("root"), Action::kRead, "/b/k"));
  bucket_.broken = true;
  EXPECT_EQ(decide(who("ann"), Action::kRead, "/b/k").rule, "unknown");
}

TEST_F(BucketRulesTest, reads_settings_once_and_again_after_a_change) {
  policy("Allow", R"({"AWS":"bob"})", "s3:GetObject");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(may(who("bob"), Action::kRead, "/b/k"));
  EXPECT_EQ(bucket_.reads, 1);
  policy("Allow", R"({"AWS":"cleo"})", "s3:GetObject");
  EXPECT_FALSE(may(who("bob"), Action::kRead, "/b/k"));
  EXPECT_EQ(bucket_.reads, 2);
}

TEST_F(BucketRulesTest, lets_lists_give_where_they_hold) {
  Acl acl = private_acl("ann");
  acl.grants.push_back({Acl::Grantee::kEveryone, "", Acl::Permission::kRead});
  acl.grants.push_back({Acl::Grantee::kPrincipal, "bob", Acl::Permission::kWrite});
  bucket_.set(kAclAttribute, encode(acl));
  EXPECT_FALSE(may(kNobody, Action::kList, "/b/")) << "lists are off";
  lists(acl);
  EXPECT_TRUE(may(kNobody, Action::kList, "/b/"));
  EXPECT_FALSE(may(kNobody, Action::kWrite, "/b/k"));
  EXPECT_TRUE(may(who("bob"), Action::kWrite, "/b/k"));
  EXPECT_TRUE(may(who("bob"), Action::kDelete, "/b/k"));
  EXPECT_FALSE(may(who("bob"), Action::kAdminister, "/b/"));
  EXPECT_TRUE(may(who("ann"), Action::kAdminister, "/b/"));
}

TEST_F(BucketRulesTest, gives_objects_to_who_wrote_them_where_lists_hold) {
  lists(private_acl("ann"));
  Acl shared = private_acl("bob");
  shared.grants.push_back({Acl::Grantee::kVerified, "", Acl::Permission::kRead});
  bucket_.entries["/b/bobs"] = {"bob", "", {}};
  bucket_.entries["/b/shared"] = {"bob", encode(shared), {}};
  EXPECT_TRUE(may(who("bob"), Action::kRead, "/b/bobs"));
  EXPECT_FALSE(may(who("ann"), Action::kRead, "/b/bobs"));
  EXPECT_TRUE(may(who("ann"), Action::kDelete, "/b/bobs"));
  EXPECT_TRUE(may(who("ann"), Action::kRead, "/b/shared"));
  EXPECT_TRUE(may(who("cleo"), Action::kRead, "/b/shared"));
  EXPECT_FALSE(may(kNobody, Action::kRead, "/b/shared"));
  EXPECT_FALSE(may(who("cleo"), Ask(Action::kRead, Right::kReadObjectAcl), "/b/shared"));
  EXPECT_TRUE(may(who("ann"), Action::kRead, "/b/absent"));
  EXPECT_FALSE(may(who("cleo"), Action::kRead, "/b/absent"));
  EXPECT_EQ(decide(who("cleo"), Action::kRead, "/b/absent").rule, "default-deny");
}

TEST_F(BucketRulesTest, tells_who_may_list_that_an_entry_is_absent) {
  policy("Allow", R"("*")", "s3:ListBucket",
         R"(,"Condition":{"StringLike":{"s3:prefix":"public/*"}})");
  bucket_.entries["/b/public/secret"] = {"ann", "", {}};
  EXPECT_EQ(decide(who("bob"), Action::kRead, "/b/public/x").rule, "no entry");
  EXPECT_EQ(decide(who("bob"), Action::kRead, "/b/private/x").rule, "default-deny");
  EXPECT_EQ(decide(who("bob"), Action::kRead, "/b/public/secret").rule, "default-deny");
  EXPECT_EQ(decide(who("bob"), Action::kWrite, "/b/public/x").rule, "default-deny");
  EXPECT_FALSE(may(who("bob"), Action::kRead, "/b/public/x"));
}

TEST_F(BucketRulesTest, blocks_public_lists_and_policies) {
  Acl acl = private_acl("ann");
  acl.grants.push_back({Acl::Grantee::kEveryone, "", Acl::Permission::kRead});
  lists(acl);
  bucket_.set(kPublicAttribute, encode(PublicAccessBlock{false, true, false, false}));
  EXPECT_FALSE(may(kNobody, Action::kList, "/b/"));
  policy("Allow", R"("*")", "s3:GetObject");
  EXPECT_TRUE(may(kNobody, Action::kRead, "/b/k"));
  bucket_.set(kPublicAttribute, encode(PublicAccessBlock{false, true, false, true}));
  EXPECT_FALSE(may(kNobody, Action::kRead, "/b/k"));
  EXPECT_TRUE(may(who("ann"), Action::kList, "/b/"));
}

TEST_F(BucketRulesTest, lets_creators_make_buckets_and_nothing_else) {
  ASSERT_TRUE(evaluator_->put(context_, {"make", {"bob"}, "/", Role::kCreator, false}));
  EXPECT_TRUE(may(who("bob"), Action::kCreateBucket, "/new/"));
  for (const Action action :
       {Action::kRead, Action::kWrite, Action::kDelete, Action::kList, Action::kAdminister}) {
    EXPECT_FALSE(may(who("bob"), action, "/b/k"));
  }
  EXPECT_TRUE(decide(who("bob"), Action::kRead, "/absent/k").no_bucket);
  EXPECT_FALSE(decide(who("bob"), Action::kRead, "/b/k").no_bucket);
}

TEST(Acl, reads_back_what_it_wrote) {
  Acl acl = private_acl("ann");
  acl.grants.push_back({Acl::Grantee::kEveryone, "", Acl::Permission::kRead});
  acl.grants.push_back({Acl::Grantee::kVerified, "", Acl::Permission::kWriteAcl});
  acl.grants.push_back({Acl::Grantee::kLogging, "", Acl::Permission::kReadAcl});
  acl.grants.push_back({Acl::Grantee::kPrincipal, "bob x", Acl::Permission::kWrite});
  EXPECT_EQ(parse_acl(encode(acl)).value(), acl);
  for (const auto* bad : {"", "x", "o ann", "o ann\nzz\n", "o ann\nrp\n", "o ann\nre x\n"}) {
    EXPECT_FALSE(parse_acl(bad)) << bad;
  }
}

}  // namespace
}  // namespace beringia::access
