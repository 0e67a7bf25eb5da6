#include <gtest/gtest.h>

#include "identity/identity.h"
#include "identity/principal_verifier.h"
#include "identity/rows.h"
#include "identity/test_clock.h"
#include "kv/store.h"
#include "wire/rsa.h"

namespace beringia::identity {
namespace {

using namespace std::chrono_literals;

class SessionsTest : public testing::Test {
 protected:
  SessionsTest() : store_{kv::open_memory().value()} {
    directory_ = Directory::open(*store_, clock_, rng_, {Secret{std::string(32, 'k')}}).value();
    root_ = directory_->ensure_root(context_, {}, {}).value().value();
    EXPECT_TRUE(directory_->put_principal(context_, {"etl", {"pipelines"}, false, {"catalog"}}));
    EXPECT_TRUE(directory_->put_principal(context_, {"catalog", {}, false, {}}));
    key_ = directory_->create_access_key(context_, "catalog").value();
  }
  Session begin(const std::string& policy = {}) {
    return directory_->begin_session(context_, {"etl", key_.id, "run-1", policy, 15min}).value();
  }
  static std::string tag_of(const auto& result) { return result ? "ok" : result.error().tag(); }

  io::Context context_;
  HandClock clock_;
  SystemRng rng_;
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<Directory> directory_;
  AccessKey root_, key_;
};

TEST_F(SessionsTest, a_session_has_the_rights_of_its_principal_and_its_policy) {
  const Session made = begin("{}");
  const auto found = directory_->find_session(context_, made.key.id, made.token.reveal());
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->key.secret, made.key.secret);
  const auto principal = directory_->principal_of(context_, *found);
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->name(), "etl");
  EXPECT_EQ(principal->groups(), std::vector<std::string>{"pipelines"});
  EXPECT_EQ(principal->credential(), made.key.id);
  EXPECT_TRUE(principal->is_session());
  ASSERT_NE(principal->session_policy(), nullptr);
  EXPECT_EQ(*principal->session_policy(), "{}");
  EXPECT_EQ(begin().policy, nullptr);
}

TEST_F(SessionsTest, tokens_that_are_not_ours_are_refused) {
  const Session one = begin(), other = begin();
  const std::string token = one.token.reveal();
  EXPECT_EQ(tag_of(directory_->find_session(context_, other.key.id, token)), "InvalidToken");
  EXPECT_EQ(tag_of(directory_->find_session(context_, one.key.id, "")), "InvalidToken");
  EXPECT_EQ(tag_of(directory_->find_session(context_, one.key.id, token + "=")), "InvalidToken");
  EXPECT_EQ(tag_of(directory_->find_session(context_, one.key.id, std::string(20'000, 'A'))),
            "InvalidToken");
  for (size_t at = 0; at < token.size(); at += 7) {
    std::string bent = token;
    bent[at] = bent[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(tag_of(directory_->find_session(context_, one.key.id, bent)), "InvalidToken") << at;
  }
}

TEST_F(SessionsTest, sessions_end_with_time_and_with_what_they_come_from) {
  const Session made = begin();
  const auto find = [&] {
    return directory_->find_session(context_, made.key.id, made.token.reveal());
  };
  const Session held = find().value();
  clock_.pass(15min - 1s);
  EXPECT_TRUE(find());
  clock_.pass(1s);
  EXPECT_EQ(tag_of(find()), "ExpiredToken");

  ASSERT_TRUE(directory_->put_principal(context_, {"etl", {}, true, {}}));
  EXPECT_EQ(directory_->principal_of(context_, held).error().code(), Code::kDenied);
  ASSERT_TRUE(directory_->put_principal(context_, {"etl", {}, false, {}}));
  EXPECT_TRUE(directory_->principal_of(context_, held));
  ASSERT_TRUE(directory_->disable_key(context_, key_.id));
  EXPECT_EQ(directory_->principal_of(context_, held).error().code(), Code::kDenied);
  EXPECT_FALSE(directory_->begin_session(context_, {"etl", key_.id, "x", {}, 15min}));
}

TEST_F(SessionsTest, only_those_who_are_named_may_take_a_principals_rights) {
  const auto catalog = PrincipalVerifier::verified("catalog", {}, key_.id);
  const auto etl = PrincipalVerifier::verified("etl", {}, "k");
  EXPECT_TRUE(directory_->may_assume(catalog, "etl"));
  EXPECT_TRUE(directory_->may_assume(etl, "etl"));
  EXPECT_FALSE(directory_->may_assume(etl, "catalog"));
  EXPECT_FALSE(directory_->may_assume(catalog, "root"));
  EXPECT_FALSE(directory_->may_assume(catalog, "nobody"));
  EXPECT_TRUE(directory_->may_assume(PrincipalVerifier::verified("root", {}, root_.id), "etl"));
  EXPECT_FALSE(directory_->may_assume(Principal::anonymous(), "etl"));
  // A session must not get rid of its policy.
  EXPECT_FALSE(directory_->may_assume(PrincipalVerifier::session("etl", {}, "s", nullptr), "etl"));
  EXPECT_FALSE(directory_->put_principal(context_, {"root", {}, false, {"etl"}}));
}

TEST(KeySets, take_rsa_keys_for_signatures_and_pass_over_others) {
  const auto pair = wire::RsaPrivateKey::generate(2048).value();
  // 65537, and a modulus of 2,048 bits: 342 characters of base64url without padding.
  const std::string n = "1" + std::string(340, 'A') + "Q";
  const std::string rsa = R"("kty":"RSA","e":"AQAB","n":")" + n + "\"";
  const auto keys = parse_key_set(R"({"keys":[{"kid":"a",)" + rsa + R"(},{"kid":"b","use":"enc",)" +
                                  rsa + R"(},{"kid":"c","alg":"RS512",)" + rsa +
                                  R"(},{"kid":"d","kty":"EC"},{"kid":"e","kty":"RSA","n":"AQAB",)" +
                                  R"("e":"AQAB"}, {"kid":"f","kty":"RSA","n":"!","e":"AQAB"}]})");
  ASSERT_TRUE(keys) << keys.error().to_string();
  EXPECT_EQ(keys->size(), 1u);
  EXPECT_TRUE(keys->contains("a"));
  EXPECT_FALSE(keys->at("a").verify("text", pair.sign("text").value()));
  for (const std::string_view text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[)"}) {
    EXPECT_FALSE(parse_key_set(text)) << text;
  }
}

TEST_F(SessionsTest, who_may_assume_is_kept) {
  const auto bytes = encode(PrincipalRecord{"etl", {"a"}, false, {"catalog", "other"}});
  EXPECT_EQ(decode_principal("etl", bytes).value().assumable_by,
            (std::vector<std::string>{"catalog", "other"}));
  // Rows of before there were any.
  EXPECT_TRUE(decode_principal("etl", encode(PrincipalRecord{"etl", {"a"}, false, {}}))
                  .value()
                  .assumable_by.empty());
}

class IssuedTokensTest : public SessionsTest {
 protected:
  Directory::Token issue(TokenRequest request) {
    if (request.lifetime == Duration{0}) request.lifetime = 15min;
    return directory_->issue_access_token(context_, request).value();
  }
  TokenRequest for_etl() const { return {"etl", key_.id, "catalog", "scope", "", {}}; }
  auto examine(const Secret& token) {
    return directory_->examine_bearer(context_, token.reveal(), {});
  }
};

TEST_F(IssuedTokensTest, a_token_says_whose_rights_it_gives_and_who_got_it) {
  const auto token = issue(for_etl());
  EXPECT_EQ(token.expires_in, 15min);
  const auto facts = examine(token.access_token);
  ASSERT_TRUE(facts) << facts.error().to_string();
  EXPECT_EQ(facts->principal.name(), "etl");
  EXPECT_EQ(facts->principal.groups(), std::vector<std::string>{"pipelines"});
  EXPECT_EQ(facts->principal.credential(), key_.id);
  EXPECT_TRUE(facts->principal.is_session()) << "it acts for another";
  EXPECT_EQ(facts->actor, "catalog");
  EXPECT_EQ(facts->scope, "scope");
  EXPECT_EQ(facts->expires.micros, clock_.wall().micros + 900'000'000);
  TokenRequest own = for_etl();
  own.actor = "etl";
  EXPECT_FALSE(examine(issue(own).access_token)->principal.is_session());
  own.policy = "{}";
  const auto narrow = examine(issue(own).access_token);
  EXPECT_TRUE(narrow->principal.is_session());
  EXPECT_EQ(*narrow->principal.session_policy(), "{}");
}

TEST_F(IssuedTokensTest, a_token_ends_with_its_time_its_key_its_actor_and_its_principal) {
  const auto token = issue(for_etl());
  std::string changed = token.access_token.reveal();
  for (size_t i = 0; i < changed.size(); ++i) {
    const char was = changed[i];
    changed[i] = was == 'A' ? 'B' : 'A';
    EXPECT_EQ(tag_of(examine(Secret{changed})), "invalid_token") << i;
    changed[i] = was;
  }
  for (const char* name : {"etl", "catalog"}) {
    EXPECT_TRUE(directory_->put_principal(context_, {name, {}, true, {}}));
    EXPECT_EQ(tag_of(examine(token.access_token)), "invalid_token") << name;
    EXPECT_FALSE(directory_->issue_access_token(context_, for_etl())) << name;
    EXPECT_TRUE(directory_->put_principal(context_, {name, {}, false, {}}));
    EXPECT_TRUE(examine(token.access_token)) << name;
  }
  clock_.pass(15min - 1s);
  EXPECT_TRUE(examine(token.access_token));
  EXPECT_TRUE(directory_->disable_key(context_, key_.id));
  EXPECT_EQ(tag_of(examine(token.access_token)), "invalid_token");
  EXPECT_TRUE(directory_->enable_access_key(context_, key_.id));
  clock_.pass(2s);
  EXPECT_EQ(tag_of(examine(token.access_token)), "invalid_token");
}

TEST_F(IssuedTokensTest, revoked_tokens_stay_revoked_after_a_restart) {
  const auto token = issue(for_etl());
  const auto other = issue(for_etl());
  EXPECT_TRUE(directory_->revoke_token(context_, "ya29.bs.nothing")) << "passed over";
  ASSERT_TRUE(directory_->revoke_token(context_, token.access_token.reveal()));
  EXPECT_EQ(tag_of(examine(token.access_token)), "invalid_token");
  EXPECT_TRUE(examine(other.access_token));
  directory_ = Directory::open(*store_, clock_, rng_, {Secret{std::string(32, 'k')}}).value();
  EXPECT_EQ(tag_of(examine(token.access_token)), "invalid_token");
  EXPECT_TRUE(examine(other.access_token));
  // Rows of tokens that are over go with the next one.
  clock_.pass(16min);
  const auto late = issue(for_etl());
  ASSERT_TRUE(directory_->revoke_token(context_, late.access_token.reveal()));
  EXPECT_EQ(store_->scan(context_, "Nv", "Nw", 10)->size(), 1U);
}

}  // namespace
}  // namespace beringia::identity
