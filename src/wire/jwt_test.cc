#include "wire/jwt.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace beringia::wire {
namespace {

const RsaPrivateKey& key() {
  static const RsaPrivateKey made = RsaPrivateKey::generate(2048).value();
  return made;
}

constexpr int64_t kNow = 1'800'000'000;

JwtClaims claims() {
  JwtClaims out;
  out.issuer = "etl@example.iam";
  out.subject = "etl@example.iam";
  out.audience = {"https://oauth2.example/token"};
  out.scope = "https://www.googleapis.com/auth/devstorage.read_write";
  out.issued_at = kNow;
  out.expires_at = kNow + 3600;
  out.texts = {{"target_audience", "x"}};
  return out;
}

JwtExpectation expectation(int64_t now = kNow) {
  JwtExpectation out;
  out.issuer = "etl@example.iam";
  out.audiences = {"https://other/", "https://oauth2.example/token"};
  out.now = Timestamp{now * 1000000};
  return out;
}

RsaPublicKey public_key() { return RsaPublicKey::from_pem(key().public_pem()).value(); }

std::string forged(std::string_view header, std::string_view payload, std::string_view signature) {
  return to_base64url(header) + "." + to_base64url(payload) + "." + to_base64url(signature);
}

TEST(Jwt, signed_by_us_is_read_and_verified) {
  auto token = sign_jwt(key(), "k1", claims());
  ASSERT_TRUE(token);
  auto jwt = parse_jwt(*token);
  ASSERT_TRUE(jwt) << jwt.error().to_string();
  EXPECT_EQ(jwt->key_id, "k1");
  EXPECT_EQ(jwt->claims.issuer, "etl@example.iam");
  EXPECT_EQ(jwt->claims.expires_at, kNow + 3600);
  EXPECT_EQ(jwt->claims.texts.at("target_audience"), "x");
  EXPECT_TRUE(verify_jwt(*jwt, public_key(), expectation()));
}

TEST(Jwt, is_refused_with_another_key_or_a_changed_byte) {
  auto jwt = parse_jwt(sign_jwt(key(), "k1", claims()).value()).value();
  auto other = RsaPrivateKey::generate(2048).value();
  EXPECT_FALSE(verify_jwt(jwt, RsaPublicKey::from_pem(other.public_pem()).value(), expectation()));
  auto changed = jwt;
  changed.signed_part.back() ^= 1;
  EXPECT_FALSE(verify_jwt(changed, public_key(), expectation()));
  changed = jwt;
  changed.signature.pop_back();
  EXPECT_FALSE(verify_jwt(changed, public_key(), expectation()));
}

TEST(Jwt, is_refused_out_of_its_time_or_audience) {
  auto jwt = parse_jwt(sign_jwt(key(), "k1", claims()).value()).value();
  EXPECT_TRUE(verify_jwt(jwt, public_key(), expectation(kNow + 3600 + 299)));
  EXPECT_FALSE(verify_jwt(jwt, public_key(), expectation(kNow + 3600 + 301)));
  EXPECT_FALSE(verify_jwt(jwt, public_key(), expectation(kNow - 301)));
  auto other = expectation();
  other.audiences = {"https://other/"};
  EXPECT_FALSE(verify_jwt(jwt, public_key(), other));
  other = expectation();
  other.issuer = "someone";
  EXPECT_FALSE(verify_jwt(jwt, public_key(), other));

  auto long_lived = claims();
  long_lived.expires_at = kNow + 7200;
  auto refused = parse_jwt(sign_jwt(key(), "", long_lived).value()).value();
  EXPECT_FALSE(verify_jwt(refused, public_key(), expectation()));
  long_lived.issued_at.reset();
  refused = parse_jwt(sign_jwt(key(), "", long_lived).value()).value();
  EXPECT_FALSE(verify_jwt(refused, public_key(), expectation()));
  auto timeless = claims();
  timeless.expires_at.reset();
  refused = parse_jwt(sign_jwt(key(), "", timeless).value()).value();
  EXPECT_FALSE(verify_jwt(refused, public_key(), expectation()));
}

TEST(Jwt, with_another_algorithm_is_refused) {
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"HS256"})", R"({"alg":"rs256"})", R"({"typ":"JWT"})",
        R"({"alg":["RS256"]})", R"({"alg":"RS256","alg":"none"})",
        R"({"alg":"RS256","crit":["x"]})", R"({"alg":"RS256","typ":"at+jwt"})", "[]", "x"}) {
    auto jwt = parse_jwt(forged(header, R"({"exp":1})", "s"));
    ASSERT_FALSE(jwt) << header;
    EXPECT_EQ(jwt.error().code(), Code::kDenied);
    EXPECT_EQ(jwt.error().tag(), "invalid_token");
  }
}

TEST(Jwt, with_malformed_parts_or_claims_is_refused) {
  const std::string header = R"({"alg":"RS256"})";
  for (const char* payload :
       {R"({"exp":"1"})", R"({"exp":-1})", R"({"exp":1e300})", R"({"iss":1})", R"({"aud":{}})",
        R"({"aud":[1]})", R"({"iss":"a","iss":"b"})", "{", ""}) {
    EXPECT_FALSE(parse_jwt(forged(header, payload, "s"))) << payload;
  }
  auto good = forged(header, R"({"exp":1.5,"aud":["a","b"],"x":[1,{"y":2}]})", "s");
  EXPECT_TRUE(parse_jwt(good));
  EXPECT_FALSE(parse_jwt(good + "."));
  EXPECT_FALSE(parse_jwt(good + "="));
  EXPECT_FALSE(parse_jwt("a.b"));
  EXPECT_FALSE(parse_jwt(""));
  EXPECT_FALSE(parse_jwt(std::string(kMaxJwtBytes + 1, 'a')));
}

TEST(RsaPrivateKey, survives_its_pem_form) {
  auto pem = key().to_pem();
  EXPECT_TRUE(pem.reveal().starts_with("-----BEGIN PRIVATE KEY-----"));
  auto again = RsaPrivateKey::from_pem(pem);
  ASSERT_TRUE(again) << again.error().to_string();
  auto signature = again->sign("text").value();
  EXPECT_TRUE(public_key().verify("text", signature));
  EXPECT_FALSE(public_key().verify("texT", signature));
}

TEST(RsaPrivateKey, refuses_other_texts_and_short_keys) {
  EXPECT_FALSE(RsaPrivateKey::from_pem(Secret{"no pem"}));
  EXPECT_FALSE(RsaPrivateKey::generate(1024));
  EXPECT_FALSE(
      RsaPublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"));
  EXPECT_FALSE(RsaPublicKey::from_pem(key().to_pem().reveal()));
}

TEST(ServiceAccountKey, survives_rendering_and_parsing) {
  ServiceAccountKey file;
  file.project_id = "beringia";
  file.private_key_id = "abc";
  file.private_key_pem = key().to_pem();
  file.client_email = "etl@example.iam";
  file.client_id = "1";
  file.token_uri = "http://127.0.0.1:1/token";
  auto parsed = parse_service_account_key(render_service_account_key(file));
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->client_email, file.client_email);
  EXPECT_EQ(parsed->token_uri, file.token_uri);
  EXPECT_EQ(parsed->private_key_pem, file.private_key_pem);
}

TEST(ServiceAccountKey, of_another_kind_is_refused_without_showing_it) {
  for (const char* bad :
       {R"({"type":"authorized_user","private_key":"topsecret"})", R"({"private_key":"topsecret"})",
        R"({"type":"service_account","client_email":"a","private_key":"topsecret"})",
        R"({"type":"service_account","private_key":"topsecret","token_uri":"x"})", "topsecret"}) {
    auto parsed = parse_service_account_key(Secret{bad});
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code(), Code::kInvalid);
    EXPECT_EQ(parsed.error().to_string().find("topsecret"), std::string::npos);
  }
}

}  // namespace
}  // namespace beringia::wire
