#include <gtest/gtest.h>

#include "base/encoding.h"
#include "identity/identity.h"
#include "identity/test_clock.h"
#include "kv/store.h"
#include "wire/jwt.h"
#include "wire/rsa.h"

namespace beringia::identity {
namespace {

class ManagedKeysTest : public testing::Test {
 protected:
  ManagedKeysTest() : store_{kv::open_memory().value()} {
    open();
    directory_->ensure_root(context_, {}, {}).value();
    EXPECT_TRUE(directory_->put_principal(context_, {"etl", {}, false, {}}));
  }
  void open() {
    directory_ = Directory::open(*store_, clock_, rng_, {Secret{std::string(32, 'k')}}).value();
  }
  static std::string tag_of(const auto& result) { return result ? "ok" : result.error().tag(); }

  io::Context context_;
  HandClock clock_;
  SystemRng rng_;
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<Directory> directory_;
};

TEST_F(ManagedKeysTest, a_key_is_made_once_and_signs_after_a_restart) {
  const ServiceKey key = directory_->managed_key(context_, "etl").value();
  EXPECT_EQ(directory_->managed_key(context_, "etl")->id, key.id);
  open();
  EXPECT_EQ(directory_->managed_key(context_, "etl")->id, key.id);
  const std::string signature = directory_->sign_with(context_, key.id, "text").value();
  EXPECT_TRUE(wire::RsaPublicKey::from_pem(key.public_key_pem)->verify("text", signature));
  const auto who =
      directory_->verify_signed_text(context_, "etl@lake.beringia.local", "text", signature);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->name(), "etl");
  EXPECT_EQ(directory_->list_keys(context_)->size(), 2U);
  EXPECT_EQ(directory_->usable_keys(context_, "etl")->size(), 1U);
}

TEST_F(ManagedKeysTest, nobody_gets_in_by_a_token_that_it_signed) {
  const ServiceKey key = directory_->managed_key(context_, "etl").value();
  const int64_t now = clock_.wall().micros / 1'000'000;
  const std::string head = R"({"alg":"RS256","typ":"JWT","kid":")" + key.id + "\"}";
  const std::string claims = R"({"iss":")" + key.client_email +
                             R"(","aud":"https://storage.googleapis.com/","iat":)" +
                             std::to_string(now) + ",\"exp\":" + std::to_string(now + 60) + "}";
  const std::string text = to_base64url(head) + "." + to_base64url(claims);
  const std::string token =
      text + "." + to_base64url(directory_->sign_with(context_, key.id, text).value());
  ASSERT_TRUE(wire::parse_jwt(token));
  const std::vector<std::string> audiences{"https://storage.googleapis.com/"};
  EXPECT_EQ(tag_of(directory_->verify_bearer(context_, token, audiences)), "invalid_token");
  EXPECT_EQ(tag_of(directory_->exchange_jwt(context_, token, audiences)), "invalid_token");
}

TEST_F(ManagedKeysTest, a_disabled_key_gives_way_to_a_new_one) {
  const ServiceKey key = directory_->managed_key(context_, "etl").value();
  const std::string signature = directory_->sign_with(context_, key.id, "text").value();
  ASSERT_TRUE(directory_->disable_key(context_, key.id));
  EXPECT_FALSE(directory_->sign_with(context_, key.id, "text"));
  EXPECT_FALSE(directory_->verify_signed_text(context_, key.client_email, "text", signature));
  EXPECT_TRUE(directory_->usable_keys(context_, "etl")->empty());
  const ServiceKey next = directory_->managed_key(context_, "etl").value();
  EXPECT_NE(next.id, key.id);
  open();
  EXPECT_EQ(directory_->managed_key(context_, "etl")->id, next.id);
  ASSERT_TRUE(directory_->remove_principal(context_, "etl"));
  EXPECT_FALSE(directory_->sign_with(context_, next.id, "text"));
  EXPECT_FALSE(directory_->managed_key(context_, "etl"));
}

TEST_F(ManagedKeysTest, the_instances_key_is_nobodys) {
  const ServiceKey key = directory_->managed_key(context_, std::string{kInstanceKey}).value();
  EXPECT_EQ(directory_->usable_keys(context_, std::string{kInstanceKey})->front().id, key.id);
  const std::string signature = directory_->sign_with(context_, key.id, "text").value();
  EXPECT_FALSE(directory_->verify_signed_text(context_, "", "text", signature));
  EXPECT_FALSE(
      directory_->verify_signed_text(context_, "root@lake.beringia.local", "text", signature));
  const auto numbers = wire::RsaPublicKey::from_pem(key.public_key_pem)->numbers().value();
  const auto again = wire::RsaPublicKey::from_numbers(numbers.modulus, numbers.exponent);
  EXPECT_TRUE(again->verify("text", signature));
}

}  // namespace
}  // namespace beringia::identity
