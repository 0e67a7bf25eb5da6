#include <gtest/gtest.h>

#include <chrono>

#include "access/access.h"
#include "access/compiled_rules.h"
#include "access/rows.h"
#include "identity/principal_verifier.h"
#include "kv/store.h"

namespace beringia::access {
namespace {

using identity::Principal;

const Action kActions[] = {Action::kRead, Action::kWrite,      Action::kDelete,
                           Action::kList, Action::kAdminister, Action::kCreateBucket};
static_assert(std::size(kActions) == kActionCount);

Principal who(std::string name, std::vector<std::string> groups = {}) {
  return identity::PrincipalVerifier::verified(std::move(name), std::move(groups), "TESTKEY");
}

Path at(std::string_view text) { return Path::parse(text).value(); }

class Owners final : public OwnerLookup {
 public:
  std::string owner_of(const Path& path) const override {
    return path.bucket() == "mine" ? "ann" : "";
  }
};

class EvaluatorTest : public testing::Test {
 protected:
  EvaluatorTest() : store_{kv::open_memory().value()} { reopen(); }
  void reopen() { evaluator_ = Evaluator::open(*store_).value(); }
  void grant(GrantRule rule) { ASSERT_TRUE(evaluator_->put(context_, std::move(rule))); }
  bool allowed(const Principal& principal, Action action, std::string_view path) {
    return evaluator_->decide(principal, action, at(path)).allowed;
  }
  std::string rule(const Principal& principal, Action action, std::string_view path) {
    return evaluator_->decide(principal, action, at(path)).rule;
  }

  io::Context context_;
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<Evaluator> evaluator_;
};

TEST_F(EvaluatorTest, denies_by_default_with_a_reason) {
  for (const Action action : kActions) {
    const Decision decision = evaluator_->decide(who("bob"), action, at("/sales/a"));
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.rule, "default-deny");
    EXPECT_NE(decision.reason.find("/sales/a"), std::string::npos);
  }
}

TEST_F(EvaluatorTest, allows_root_and_the_servers_own_work_everything_even_when_denied) {
  grant({"no", {"*", "root"}, "/", Role::kOwner, true});
  for (const Action action : kActions) {
    EXPECT_EQ(rule(who("root"), action, "/x/y"), "root");
    EXPECT_TRUE(allowed(who("root"), action, "/x/y"));
    EXPECT_TRUE(allowed(Principal::internal("system:policy/cold"), action, "/x/y"));
    EXPECT_FALSE(allowed(who("bob"), action, "/x/y"));
  }
}

TEST_F(EvaluatorTest, roles_give_exactly_their_actions) {
  struct Case {
    Role role;
    bool expected[kActionCount];  // in the order of kActions
  };
  const Case cases[] = {
      {Role::kReader, {true, false, false, true, false, false}},
      {Role::kWriter, {true, true, true, true, false, false}},
      {Role::kOwner, {true, true, true, true, true, true}},
      {Role::kCreator, {false, false, false, false, false, true}},
  };
  const struct {
    std::string subject;
    Principal principal;
  } subjects[] = {
      {"ann", who("ann")},
      {"group:etl", who("bob", {"x", "etl"})},
      {"*", who("eve")},
  };
  for (const Case& c : cases) {
    for (const auto& subject : subjects) {
      for (const bool deny : {false, true}) {
        grant({"base", {subject.principal.name()}, "/", Role::kOwner, false});
        grant({"case", {subject.subject}, "/sales/", c.role, deny});
        if (!deny) ASSERT_TRUE(evaluator_->remove(context_, "base"));
        for (size_t i = 0; i < kActionCount; ++i) {
          EXPECT_EQ(allowed(subject.principal, kActions[i], "/sales/q1"), c.expected[i] != deny)
              << to_string(c.role) << " " << subject.subject << " " << to_string(kActions[i])
              << " deny=" << deny;
        }
        EXPECT_EQ(allowed(who("mallory", {"other"}), Action::kRead, "/sales/q1"),
                  subject.subject == "*" && !deny && c.expected[0]);
      }
    }
  }
}

TEST_F(EvaluatorTest, a_prefix_matches_itself_and_all_below_by_component) {
  struct Case {
    std::string prefix, path;
    bool expected;
  };
  const Case cases[] = {
      {"/sales/", "/sales/", true},
      {"/sales/", "/sales", true},
      {"/sales", "/sales/a/b", true},
      {"/sales/", "/sales2/a", false},
      {"/sales/", "/sale/a", false},
      {"/sales/", "/Sales/a", false},
      {"/sales/", "/", false},
      {"/", "/", true},
      {"/", "/anything/at/all", true},
      {"/a/b/", "/a/b", true},
      {"/a/b/", "/a/bc", false},
      {"/a/b/", "/a", false},
      {"/a//", "/a//b", true},
      {"/a//", "/a/b", false},
      {"/a/", "/a//b", true},
      {"/a/../", "/a/../x", true},
      {"/a/..", "/b", false},
      {"/a/f.csv", "/a/f.csv", true},
      {"/a/f.csv", "/a/f.csv.gz", false},
      {"/a/.", "/a/./x", true},
      {"/\xc3\xa9/", "/\xc3\xa9/x", true},
      {"/\xc3\xa9/", "/e\xcc\x81/x", false},
  };
  for (const Case& c : cases) {
    grant({"g", {"ann"}, c.prefix, Role::kReader, false});
    EXPECT_EQ(allowed(who("ann"), Action::kRead, c.path), c.expected) << c.prefix << " " << c.path;
  }
}

TEST_F(EvaluatorTest, an_explicit_deny_wins_at_any_depth) {
  grant({"all", {"ann"}, "/", Role::kOwner, false});
  grant({"secret", {"group:staff"}, "/hr/pay/", Role::kReader, true});
  const Principal ann = who("ann", {"staff"});
  EXPECT_TRUE(allowed(ann, Action::kRead, "/hr/list"));
  EXPECT_EQ(rule(ann, Action::kRead, "/hr/pay/2026"), "secret");
  EXPECT_FALSE(allowed(ann, Action::kRead, "/hr/pay/2026"));
  grant({"below", {"ann"}, "/hr/pay/ann/", Role::kOwner, false});
  EXPECT_FALSE(allowed(ann, Action::kRead, "/hr/pay/ann/slip")) << "a deny above wins";
}

TEST_F(EvaluatorTest, names_the_longest_prefix_then_the_smallest_id) {
  grant({"z", {"ann"}, "/a/", Role::kReader, false});
  grant({"b", {"ann"}, "/a/b/", Role::kReader, false});
  grant({"a", {"*"}, "/a/b/", Role::kReader, false});
  EXPECT_EQ(rule(who("ann"), Action::kRead, "/a/x"), "z");
  EXPECT_EQ(rule(who("ann"), Action::kRead, "/a/b/x"), "a");
}

TEST_F(EvaluatorTest, the_owner_of_a_bucket_has_all_below_it_unless_denied) {
  const Owners owners;
  EXPECT_FALSE(allowed(who("ann"), Action::kRead, "/mine/x"));
  evaluator_->set_owner_lookup(&owners);
  EXPECT_EQ(rule(who("ann"), Action::kAdminister, "/mine/"), "owner");
  EXPECT_TRUE(allowed(who("ann"), Action::kDelete, "/mine/x/y"));
  EXPECT_FALSE(allowed(who("bob"), Action::kRead, "/mine/x"));
  EXPECT_FALSE(allowed(who("ann"), Action::kRead, "/theirs/x"));
  grant({"hold", {"ann"}, "/mine/hold/", Role::kWriter, true});
  EXPECT_FALSE(allowed(who("ann"), Action::kDelete, "/mine/hold/x"));
}

TEST_F(EvaluatorTest, keeps_rules_over_a_restart_and_lists_them_as_stored) {
  grant({"b", {"ann", "group:etl", "*"}, "/sales", Role::kWriter, true});
  grant({"a", {"bob"}, "/", Role::kOwner, false});
  reopen();
  const std::vector<GrantRule> rules = evaluator_->list();
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0], (GrantRule{"a", {"bob"}, "/", Role::kOwner, false}));
  EXPECT_EQ(rules[1], (GrantRule{"b", {"ann", "group:etl", "*"}, "/sales/", Role::kWriter, true}));
  EXPECT_TRUE(allowed(who("bob"), Action::kAdminister, "/x/"));
}

TEST_F(EvaluatorTest, removing_a_rule_ends_it_at_once) {
  grant({"a", {"bob"}, "/", Role::kReader, false});
  EXPECT_TRUE(allowed(who("bob"), Action::kRead, "/x"));
  ASSERT_TRUE(evaluator_->remove(context_, "a"));
  EXPECT_FALSE(allowed(who("bob"), Action::kRead, "/x"));
  const auto again = evaluator_->remove(context_, "a");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::kNotFound);
}

TEST_F(EvaluatorTest, a_change_is_all_or_nothing) {
  grant({"a", {"bob"}, "/", Role::kReader, false});
  EXPECT_FALSE(evaluator_->change(context_, {{"b", {"ann"}, "/", Role::kReader, false}}, {"no"}));
  EXPECT_FALSE(evaluator_->change(context_, {{"b", {"ann"}, "x", Role::kReader, false}}, {"a"}));
  EXPECT_EQ(evaluator_->list().size(), 1u);
  EXPECT_TRUE(evaluator_->change(context_, {{"b", {"ann"}, "/", Role::kReader, false}}, {"a"}));
  EXPECT_TRUE(allowed(who("ann"), Action::kRead, "/x"));
  EXPECT_FALSE(allowed(who("bob"), Action::kRead, "/x"));
}

TEST_F(EvaluatorTest, refuses_rules_that_cannot_be_meant) {
  const GrantRule bad[] = {
      {"", {"ann"}, "/"},
      {"a b", {"ann"}, "/"},
      {"id", {}, "/"},
      {"id", {""}, "/"},
      {"id", {"group:"}, "/"},
      {"id", {"a/b"}, "/"},
      {"id", {"system:sync"}, "/"},
      {"id", {"ann"}, ""},
      {"id", {"ann"}, "sales/"},
      {"id", {"ann"}, std::string("/a\0b", 4)},
      {"id", {"ann"}, "/\xff"},
      {std::string(129, 'x'), {"ann"}, "/"},
      {"id", std::vector<std::string>(kMaxPrincipalsPerRule + 1, "ann"), "/"},
  };
  for (const GrantRule& rule : bad) {
    const auto result = evaluator_->put(context_, rule);
    ASSERT_FALSE(result) << rule.id << " " << rule.prefix;
    EXPECT_EQ(result.error().code(), Code::kInvalid);
  }
  EXPECT_TRUE(evaluator_->list().empty());
}

TEST_F(EvaluatorTest, a_damaged_row_stops_the_start) {
  kv::Batch batch;
  batch.put(grant_key("x"), "\x01\x07");
  ASSERT_TRUE(store_->commit(context_, std::move(batch), kv::Durability::kSync));
  const auto opened = Evaluator::open(*store_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::kCorrupt);
}

TEST(GrantRows, every_cut_of_a_row_is_refused) {
  const std::string bytes = encode({"id", {"ann", "group:x"}, "/a/b/", Role::kWriter, true});
  ASSERT_TRUE(decode_rule("id", bytes));
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(decode_rule("id", bytes.substr(0, n))) << n;
  }
  EXPECT_FALSE(decode_rule("id", bytes + "x"));
}

TEST(CompiledRules, a_decision_does_not_depend_on_the_number_of_rules) {
  CompiledRules::Rules rules;
  for (int i = 0; i < 10'000; ++i) {
    const std::string n = std::to_string(i);
    rules["r" + n] = {"r" + n,
                      {"user" + n, "group:g" + n},
                      "/b" + std::to_string(i % 100) + "/d" + n + "/",
                      Role::kReader,
                      false};
  }
  const CompiledRules compiled{rules};
  const Principal principal = who("user4242", {"g1", "g2", "g3"});
  const Path path = at("/b42/d4242/year=2026/month=11/part-00001.parquet");
  const auto start = std::chrono::steady_clock::now();
  constexpr int kRounds = 2000;
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_NE(compiled.decide(principal, Action::kRead, path), nullptr);
  }
  const auto mean = (std::chrono::steady_clock::now() - start) / kRounds;
  EXPECT_LT(mean, std::chrono::microseconds{200}) << "even unoptimized and under sanitizers";
}

TEST(CompiledRules, the_deepest_possible_prefix_is_made_and_unmade) {
  std::string prefix = "/";
  for (size_t i = 0; i < (Path::kMaxBytes - 2) / 2; ++i) prefix += "a/";
  CompiledRules::Rules rules;
  rules["deep"] = {"deep", {"ann"}, prefix, Role::kReader, false};
  const CompiledRules compiled{rules};
  EXPECT_NE(compiled.decide(who("ann"), Action::kRead, at(prefix + "x")), nullptr);
  EXPECT_EQ(compiled.decide(who("ann"), Action::kRead, at("/a/a/x")), nullptr);
}

}  // namespace
}  // namespace beringia::access
