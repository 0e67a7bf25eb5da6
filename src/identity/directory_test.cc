#include <gtest/gtest.h>

#include "base/encoding.h"
#include "identity/identity.h"
#include "identity/rows.h"
#include "identity/test_clock.h"
#include "kv/store.h"
#include "wire/jwt.h"

namespace beringia::identity {
namespace {

const std::vector<std::string> kAudiences = {"http://lake.test/token"};

class DirectoryTest : public testing::Test {
 protected:
  DirectoryTest() : store_{kv::open_memory().value()} { reopen(); }
  void reopen() {
    directory_ = Directory::open(*store_, clock_, rng_, {Secret{std::string(32, 'k')}}).value();
  }
  void add(const std::string& name, std::vector<std::string> groups = {}) {
    ASSERT_TRUE(directory_->put_principal(context_, {name, std::move(groups), false}));
  }

  /// One RSA key for the whole suite: making one costs a second without optimization.
  struct Service {
    wire::ServiceAccountKey file;
    wire::RsaPrivateKey key;
    std::string id;
  };
  Service make_service(const std::string& principal) {
    auto created =
        directory_->create_service_key(context_, principal, "http://lake.test/token").value();
    auto file = wire::parse_service_account_key(created.key_file_json).value();
    auto key = wire::RsaPrivateKey::from_pem(file.private_key_pem).value();
    return {file, key, created.key.id};
  }
  wire::JwtClaims claims(const Service& service) const {
    wire::JwtClaims c;
    c.issuer = service.file.client_email;
    c.subject = service.file.client_email;
    c.audience = {"http://lake.test/token"};
    c.scope = "https://www.googleapis.com/auth/devstorage.full_control";
    c.issued_at = clock_.seconds();
    c.expires_at = clock_.seconds() + 3600;
    return c;
  }
  static std::string sign(const Service& service, const wire::JwtClaims& claims) {
    return wire::sign_jwt(service.key, service.id, claims).value();
  }
  void expect_invalid_token(const auto& result, const char* what) {
    ASSERT_FALSE(result) << what;
    EXPECT_EQ(result.error().code(), Code::kDenied) << what;
    EXPECT_EQ(result.error().tag(), "invalid_token") << what;
  }

  io::Context context_;
  HandClock clock_;
  SystemRng rng_;
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<Directory> directory_;
};

TEST_F(DirectoryTest, the_first_start_makes_root_with_one_key_and_later_ones_do_not) {
  const auto made = directory_->ensure_root(context_, {}, {}).value();
  ASSERT_TRUE(made);
  EXPECT_EQ(made->id.size(), 20u);
  EXPECT_TRUE(made->id.starts_with("BR"));
  EXPECT_EQ(made->secret.reveal().size(), 40u);
  EXPECT_EQ(made->principal, "root");
  EXPECT_FALSE(directory_->ensure_root(context_, {}, {}).value());
  reopen();
  EXPECT_FALSE(directory_->ensure_root(context_, {}, {}).value());
  const auto found = directory_->find_access_key(context_, made->id);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->secret, made->secret);
  EXPECT_TRUE(directory_->principal_of(context_, *found).value().is_root());
}

TEST_F(DirectoryTest, given_root_credentials_replace_the_first_key_only) {
  const auto made = directory_->ensure_root(context_, {}, {}).value();
  const auto extra = directory_->create_access_key(context_, "root").value();
  const auto given = directory_->ensure_root(context_, "rootkey", Secret{"rootsecret"}).value();
  ASSERT_TRUE(given);
  EXPECT_FALSE(directory_->ensure_root(context_, "rootkey", Secret{"rootsecret"}).value());
  EXPECT_FALSE(directory_->find_access_key(context_, made->id));
  EXPECT_TRUE(directory_->find_access_key(context_, extra.id));
  ASSERT_TRUE(directory_->ensure_root(context_, "rootkey", Secret{"other-secret"}).value());
  reopen();
  EXPECT_EQ(directory_->find_access_key(context_, "rootkey")->secret, Secret{"other-secret"});
}

TEST_F(DirectoryTest, unusable_root_credentials_are_refused) {
  add("ann");
  ASSERT_TRUE(
      directory_->put_access_key(context_, {"annkey", Secret{"annsecret"}, "ann", {}, false}));
  const struct {
    std::optional<std::string> id;
    std::optional<Secret> secret;
    Code code;
  } cases[] = {
      {"only-id", {}, Code::kInvalid},
      {{}, Secret{"only-secret"}, Code::kInvalid},
      {"x", Secret{"long-enough"}, Code::kInvalid},
      {"with/slash", Secret{"long-enough"}, Code::kInvalid},
      {"rootkey", Secret{"short"}, Code::kInvalid},
      {"rootkey", Secret{"line\nbreak"}, Code::kInvalid},
      {"annkey", Secret{"long-enough"}, Code::kAlreadyExists},
  };
  for (const auto& c : cases) {
    const auto result = directory_->ensure_root(context_, c.id, c.secret);
    ASSERT_FALSE(result) << c.id.value_or("-");
    EXPECT_EQ(result.error().code(), c.code);
  }
}

TEST_F(DirectoryTest, secrets_do_not_lie_readable_in_the_catalog) {
  add("ann");
  const AccessKey key = directory_->create_access_key(context_, "ann").value();
  const auto rows = store_->scan(context_, "N", "O", 100).value();
  ASSERT_FALSE(rows.empty());
  for (const auto& row : rows) {
    EXPECT_EQ(row.value.find(key.secret.reveal()), std::string::npos) << row.key;
  }
}

TEST_F(DirectoryTest, another_sealing_key_is_refused_with_a_hint) {
  const auto opened = Directory::open(*store_, clock_, rng_, {Secret{std::string(32, 'x')}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::kCorrupt);
  EXPECT_FALSE(opened.error().hint().empty());
}

TEST_F(DirectoryTest, bad_options_are_refused) {
  EXPECT_EQ(Directory::open(*store_, clock_, rng_, {Secret{"short"}}).error().code(),
            Code::kInvalid);
  EXPECT_EQ(Directory::open(*store_, clock_, rng_, {Secret{std::string(32, 'k')}, "Bad Name"})
                .error()
                .code(),
            Code::kInvalid);
}

TEST_F(DirectoryTest, principals_are_checked_kept_and_listed_in_order) {
  add("zoe", {"etl", "ops"});
  add("ann");
  const PrincipalRecord bad[] = {{"", {}, false},
                                 {"system:x", {}, false},
                                 {"a/b", {}, false},
                                 {std::string(65, 'a'), {}, false},
                                 {"bob", {"bad group"}, false},
                                 {"bob", std::vector<std::string>(kMaxGroups + 1, "g"), false},
                                 {"root", {}, true}};
  for (const PrincipalRecord& record : bad) {
    const auto result = directory_->put_principal(context_, record);
    ASSERT_FALSE(result) << record.name;
    EXPECT_EQ(result.error().code(), Code::kInvalid);
  }
  reopen();
  const auto listed = directory_->list_principals(context_).value();
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].name, "ann");
  EXPECT_EQ(listed[1].groups, (std::vector<std::string>{"etl", "ops"}));
}

TEST_F(DirectoryTest, a_principal_goes_with_its_keys) {
  add("ann");
  add("bob");
  const AccessKey ann = directory_->create_access_key(context_, "ann").value();
  const AccessKey bob = directory_->create_access_key(context_, "bob").value();
  ASSERT_TRUE(directory_->remove_principal(context_, "ann"));
  for (int round = 0; round < 2; ++round, reopen()) {
    EXPECT_EQ(directory_->find_access_key(context_, ann.id).error().code(), Code::kNotFound);
    EXPECT_TRUE(directory_->find_access_key(context_, bob.id));
  }
  EXPECT_EQ(directory_->remove_principal(context_, "ann").error().code(), Code::kNotFound);
  EXPECT_EQ(directory_->remove_principal(context_, "root").error().code(), Code::kInvalid);
}

TEST_F(DirectoryTest, disabled_keys_and_principals_are_denied_at_once_and_after_a_restart) {
  add("ann", {"etl"});
  const AccessKey key = directory_->create_access_key(context_, "ann").value();
  const Principal principal = directory_->principal_of(context_, key).value();
  EXPECT_EQ(principal.name(), "ann");
  EXPECT_EQ(principal.groups(), std::vector<std::string>{"etl"});
  EXPECT_EQ(principal.credential(), key.id);
  EXPECT_FALSE(principal.is_root());

  EXPECT_EQ(directory_->principal_named(context_, "ann", "run 1")->credential(), "run 1");
  ASSERT_TRUE(directory_->put_principal(context_, {"ann", {}, true}));
  EXPECT_EQ(directory_->principal_of(context_, key).error().code(), Code::kDenied);
  EXPECT_EQ(directory_->principal_named(context_, "ann", "run 1").error().code(), Code::kDenied);
  add("ann");
  EXPECT_TRUE(directory_->principal_of(context_, key));

  ASSERT_TRUE(directory_->disable_key(context_, key.id));
  for (int round = 0; round < 2; ++round, reopen()) {
    EXPECT_EQ(directory_->find_access_key(context_, key.id).error().code(), Code::kDenied);
    EXPECT_EQ(directory_->principal_of(context_, key).error().code(), Code::kDenied);
  }
  EXPECT_EQ(directory_->disable_key(context_, "nope").error().code(), Code::kNotFound);
}

TEST_F(DirectoryTest, given_access_keys_are_checked_and_stay_with_their_principal) {
  add("ann");
  add("bob");
  AccessKey key{"given-key", Secret{"given-secret"}, "ann", {}, false};
  ASSERT_TRUE(directory_->put_access_key(context_, key));
  key.secret = Secret{"second-secret"};
  ASSERT_TRUE(directory_->put_access_key(context_, key));
  EXPECT_EQ(directory_->find_access_key(context_, key.id)->secret, key.secret);
  key.principal = "bob";
  EXPECT_EQ(directory_->put_access_key(context_, key).error().code(), Code::kAlreadyExists);
  key.id = "other";
  key.principal = "nobody";
  EXPECT_EQ(directory_->put_access_key(context_, key).error().code(), Code::kNotFound);
  key.id = "bad id";
  EXPECT_EQ(directory_->put_access_key(context_, key).error().code(), Code::kInvalid);
  EXPECT_EQ(directory_->create_access_key(context_, "nobody").error().code(), Code::kNotFound);
  EXPECT_EQ(directory_->create_service_key(context_, "nobody", "http://x/token").error().code(),
            Code::kNotFound);
}

TEST_F(DirectoryTest, the_number_of_keys_of_a_principal_is_bounded) {
  add("ann");
  for (size_t i = 0; i < kMaxKeysPerPrincipal; ++i) {
    ASSERT_TRUE(directory_->create_access_key(context_, "ann"));
  }
  EXPECT_EQ(directory_->create_access_key(context_, "ann").error().code(), Code::kBusy);
  EXPECT_EQ(directory_->list_keys(context_)->size(), kMaxKeysPerPrincipal);
}

TEST_F(DirectoryTest, a_service_key_file_gets_a_token_that_names_its_principal) {
  add("etl", {"jobs"});
  const Service service = make_service("etl");
  EXPECT_EQ(service.file.client_email, "etl@lake.beringia.local");
  EXPECT_EQ(service.file.token_uri, "http://lake.test/token");
  for (int round = 0; round < 2; ++round, reopen()) {
    const auto token =
        directory_->exchange_jwt(context_, sign(service, claims(service)), kAudiences);
    ASSERT_TRUE(token) << token.error().to_string();
    EXPECT_EQ(token->expires_in, std::chrono::hours{1});
    const auto principal =
        directory_->verify_bearer(context_, token->access_token.reveal(), kAudiences);
    ASSERT_TRUE(principal);
    EXPECT_EQ(principal->name(), "etl");
    EXPECT_EQ(principal->groups(), std::vector<std::string>{"jobs"});
    EXPECT_EQ(principal->credential(), service.id);
  }
  wire::JwtClaims google = claims(service);
  google.audience = {"https://oauth2.googleapis.com/token"};
  EXPECT_TRUE(directory_->exchange_jwt(context_, sign(service, google), kAudiences));
}

TEST_F(DirectoryTest, assertions_that_are_not_right_in_every_claim_are_refused) {
  add("etl");
  const Service service = make_service("etl");
  const auto refused = [&](auto change, const char* what) {
    wire::JwtClaims c = claims(service);
    change(c);
    expect_invalid_token(directory_->exchange_jwt(context_, sign(service, c), kAudiences), what);
  };
  refused([](auto& c) { c.issuer = "other@lake.beringia.local"; }, "iss");
  refused([](auto& c) { c.subject = "root@lake.beringia.local"; }, "sub");
  refused([](auto& c) { c.audience = {"https://evil.test/token"}; }, "aud");
  refused([](auto& c) { c.audience.clear(); }, "no aud");
  refused([](auto& c) { c.expires_at.reset(); }, "no exp");
  refused([](auto& c) { c.expires_at = *c.issued_at - 1000; }, "expired");
  refused([](auto& c) { c.expires_at = *c.issued_at + 7200; }, "too long");
  refused([](auto& c) { c.issued_at = *c.issued_at + 1000; }, "from the future");
  std::string token = sign(service, claims(service));
  token[token.size() / 2] = token[token.size() / 2] == 'A' ? 'B' : 'A';
  expect_invalid_token(directory_->exchange_jwt(context_, token, kAudiences), "changed");
  const std::string unknown =
      wire::sign_jwt(service.key, std::string(40, '0'), claims(service)).value();
  expect_invalid_token(directory_->exchange_jwt(context_, unknown, kAudiences), "unknown kid");
  expect_invalid_token(directory_->exchange_jwt(context_, "a.b.c", kAudiences), "garbage");
}

TEST_F(DirectoryTest, tokens_die_with_time_their_key_and_their_principal) {
  add("etl");
  const Service service = make_service("etl");
  const auto issue = [&] {
    return directory_->exchange_jwt(context_, sign(service, claims(service)), kAudiences)
        .value()
        .access_token.reveal();
  };
  const auto verify = [&](const std::string& token) {
    return directory_->verify_bearer(context_, token, kAudiences);
  };
  std::string token = issue();
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'Q' ? 'R' : 'Q';
    EXPECT_FALSE(verify(changed)) << i;
  }
  clock_.pass(std::chrono::seconds{3599});
  EXPECT_TRUE(verify(token));
  clock_.pass(std::chrono::seconds{1});
  expect_invalid_token(verify(token), "expired");

  token = issue();
  ASSERT_TRUE(directory_->put_principal(context_, {"etl", {}, true}));
  expect_invalid_token(verify(token), "principal disabled");
  expect_invalid_token(
      directory_->exchange_jwt(context_, sign(service, claims(service)), kAudiences), "disabled");
  add("etl");
  EXPECT_TRUE(verify(token));
  ASSERT_TRUE(directory_->disable_key(context_, service.id));
  expect_invalid_token(verify(token), "key disabled");
  reopen();
  expect_invalid_token(verify(token), "key disabled, after a restart");
  expect_invalid_token(verify(""), "empty");
  expect_invalid_token(verify("ya29.br."), "empty token");
  expect_invalid_token(verify("ya29.a0Google"), "Google's own");
}

TEST_F(DirectoryTest, self_signed_tokens_need_an_audience_of_ours_or_a_storage_scope) {
  add("etl");
  const Service service = make_service("etl");
  const std::vector<std::string> audiences = {"https://storage.googleapis.com/"};
  const auto verify = [&](auto change) {
    wire::JwtClaims c = claims(service);
    c.audience = {"https://storage.googleapis.com/"};
    change(c);
    return directory_->verify_bearer(context_, sign(service, c), audiences);
  };
  EXPECT_TRUE(verify([](auto&) {}));
  EXPECT_TRUE(verify([](auto&) {})) << "from the cache";
  EXPECT_TRUE(verify([](auto& c) {
    c.audience.clear();
    c.scope = "https://www.googleapis.com/auth/cloud-platform";
  }));
  expect_invalid_token(verify([](auto& c) { c.audience = {"https://pubsub.googleapis.com/"}; }),
                       "other service");
  expect_invalid_token(verify([](auto& c) {
                         c.audience.clear();
                         c.scope = "https://www.googleapis.com/auth/pubsub";
                       }),
                       "other scope");
  expect_invalid_token(verify([](auto& c) { c.issuer = "x"; }), "iss");
  expect_invalid_token(verify([](auto& c) { c.subject = "root@lake.beringia.local"; }), "sub");
  ASSERT_TRUE(directory_->disable_key(context_, service.id));
  expect_invalid_token(verify([](auto&) {}), "a disabled key ends cached tokens too");
}

TEST(IdentityRows, every_cut_of_a_row_is_refused) {
  const std::string principal = encode(PrincipalRecord{"ann", {"a", "b"}, true});
  const std::string access = encode(AccessKeyRow{"ann", "sealed", {5}, false, true});
  const std::string service = encode(ServiceKey{"id", "ann@lake", "ann", "-----BEGIN", {5}, true});
  ASSERT_TRUE(decode_principal("ann", principal));
  ASSERT_TRUE(decode_access_key(access));
  ASSERT_TRUE(decode_service_key("id", service));
  for (size_t n = 0; n < principal.size(); ++n) {
    EXPECT_FALSE(decode_principal("ann", principal.substr(0, n)));
  }
  for (size_t n = 0; n < access.size(); ++n) EXPECT_FALSE(decode_access_key(access.substr(0, n)));
  for (size_t n = 0; n < service.size(); ++n) {
    EXPECT_FALSE(decode_service_key("id", service.substr(0, n)));
  }
}

}  // namespace
}  // namespace beringia::identity
