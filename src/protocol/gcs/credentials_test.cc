// Who asks: the token endpoint, bearer tokens, self-signed tokens, and what is refused.
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs::test {
namespace {

class CredentialsTest : public LakeTest {
 protected:
  /// What a request with this token gets.
  Answer with(const std::string& token, const std::string& target = "/storage/v1/b/lake") {
    return get(target, {{"Authorization", "Bearer " + token}});
  }
  /// A self-signed token, as Google's libraries make them without a token endpoint.
  std::string self_signed(const KeyFile& key, std::vector<std::string> audience,
                          const std::string& scope = "") {
    wire::JwtClaims claims = claims_of(key);
    claims.subject = key.file.client_email;
    claims.audience = std::move(audience);
    claims.scope = scope;
    return sign(key, claims);
  }
  void expect_refused(const Answer& answer, const std::string& what) {
    EXPECT_EQ(answer.status, 401) << what;
    EXPECT_EQ(answer.reason(), "authError") << what;
    EXPECT_EQ(answer.at("/error/errors/0/location"), "Authorization") << what;
    EXPECT_NE(answer.header("WWW-Authenticate"), "") << what;
  }
};

TEST_F(CredentialsTest, an_issued_key_file_gets_a_token_at_its_own_token_uri) {
  EXPECT_EQ(root_key_->file.token_uri, std::string{kUrl} + "/token");
  const Answer answer = exchange(sign(*root_key_, claims_of(*root_key_)));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.at("/token_type"), "Bearer");
  EXPECT_EQ(answer.at("/expires_in"), "3600");
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(with(answer.at("/access_token")).status, 200);
  // Libraries that insist on Google's address in aud still reach us by the key file.
  wire::JwtClaims claims = claims_of(*root_key_);
  claims.audience = {"https://oauth2.googleapis.com/token"};
  EXPECT_EQ(exchange(sign(*root_key_, claims)).status, 200);
  // As JSON.
  const Answer json =
      ask({.method = "POST",
           .target = "/oauth2/v4/token",
           .body = R"({"grant_type":"urn:ietf:params:oauth:grant-type:jwt-bearer","assertion":")" +
                   sign(*root_key_, claims_of(*root_key_)) + "\"}",
           .headers = {{"Content-Type", "application/json"}},
           .anonymous = true});
  EXPECT_EQ(json.status, 200) << json.body;
}

TEST_F(CredentialsTest, bad_assertions_get_oauths_error) {
  wire::JwtClaims expired = claims_of(*root_key_);
  expired.issued_at = now() - 7200;
  expired.expires_at = now() - 3600;
  wire::JwtClaims long_lived = claims_of(*root_key_);
  long_lived.expires_at = now() + 86400;
  wire::JwtClaims other_audience = claims_of(*root_key_);
  other_audience.audience = {"https://elsewhere.example/token"};
  wire::JwtClaims other_issuer = claims_of(*root_key_);
  other_issuer.issuer = "ann@lake.beringia.local";
  wire::JwtClaims other_subject = claims_of(*root_key_);
  other_subject.subject = "ann@lake.beringia.local";
  for (const auto& claims : {expired, long_lived, other_audience, other_issuer, other_subject}) {
    const Answer answer = exchange(sign(*root_key_, claims));
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_EQ(answer.at("/error"), "invalid_grant") << answer.body;
  }
  const std::string good = sign(*root_key_, claims_of(*root_key_));
  auto with_header = [&](const std::string& header) {
    return to_base64url(header) + good.substr(good.find('.'));
  };
  const std::string kid = root_key_->file.private_key_id;
  for (const std::string& assertion :
       {std::string{}, std::string{"x"}, std::string{"a.b.c"}, good.substr(0, good.size() - 8),
        with_header(R"({"alg":"none","kid":")" + kid + "\"}"),
        with_header(R"({"alg":"HS256","kid":")" + kid + "\"}"),
        with_header(R"({"alg":"RS256","kid":"unknown"})"), good.substr(0, good.rfind('.') + 1)}) {
    const Answer answer = exchange(assertion);
    EXPECT_EQ(answer.status, 400) << assertion;
    EXPECT_EQ(answer.at("/error"), "invalid_grant") << assertion;
  }
  const Answer other = ask({.method = "POST",
                            .target = "/token",
                            .body = "grant_type=password&username=root",
                            .anonymous = true});
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(other.at("/error"), "unsupported_grant_type");
  EXPECT_EQ(ask({.method = "POST", .target = "/token", .body = std::string(40000, 'x')}).status,
            400);
  EXPECT_EQ(ask({.target = "/token", .anonymous = true}).status, 405);
}

TEST_F(CredentialsTest, no_request_passes_without_a_valid_token) {
  const Answer anonymous = ask({.target = "/storage/v1/b/lake", .anonymous = true});
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_EQ(anonymous.reason(), "required");
  std::string forged = token_;
  forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& token :
       {std::string{"ya29.a0AfH6SMBwrong"}, forged, token_ + "A", std::string{"ya29.br."},
        token_.substr(0, token_.size() - 1), std::string{"a.b.c"}, std::string{" "}}) {
    expect_refused(with(token), token);
  }
  expect_refused(get("/storage/v1/b/lake", {{"Authorization", "Basic cm9vdDpyb290"}}), "basic");
  expect_refused(get("/storage/v1/b/lake", {{"Authorization", "AWS4-HMAC-SHA256 x"}}), "sigv4");
  // Writes neither.
  EXPECT_EQ(ask({.method = "POST",
                 .target = "/upload/storage/v1/b/lake/o?uploadType=media&name=x",
                 .body = "x",
                 .anonymous = true})
                .status,
            401);
  EXPECT_EQ(get(object("x")).status, 404);
}

TEST_F(CredentialsTest, tokens_expire) {
  EXPECT_EQ(with(token_).status, 200);
  clock_.pass(std::chrono::seconds{3599});
  EXPECT_EQ(with(token_).status, 200);
  clock_.pass(std::chrono::seconds{2});
  expect_refused(with(token_), "expired");
}

TEST_F(CredentialsTest, self_signed_tokens_are_taken_as_googles_libraries_sign_them) {
  const std::string scope = "https://www.googleapis.com/auth/devstorage.full_control";
  EXPECT_EQ(with(self_signed(*root_key_, {}, scope)).status, 200);
  EXPECT_EQ(with(self_signed(*root_key_, {"https://storage.googleapis.com/"})).status, 200);
  EXPECT_EQ(with(self_signed(*root_key_, {std::string{kUrl} + "/"})).status, 200);
  const std::string once = self_signed(*root_key_, {}, scope);
  EXPECT_EQ(with(once).status, 200);
  EXPECT_EQ(with(once).status, 200);  // from memory
  expect_refused(with(self_signed(*root_key_, {"https://pubsub.googleapis.com/"})), "audience");
  expect_refused(with(self_signed(*root_key_, {}, "https://www.googleapis.com/auth/drive")),
                 "scope");
  expect_refused(with(self_signed(*root_key_, {})), "neither");
  const auto stranger = must(wire::RsaPrivateKey::generate(2048));
  expect_refused(
      with(must(wire::sign_jwt(stranger, root_key_->file.private_key_id, claims_of(*root_key_)))),
      "another key");
  std::string none =
      to_base64url(R"({"alg":"none","kid":")" + root_key_->file.private_key_id + "\"}") +
      once.substr(once.find('.'));
  expect_refused(with(none), "alg none");
  expect_refused(with(none.substr(0, none.rfind('.') + 1)), "alg none, no signature");
  clock_.pass(std::chrono::seconds{4000});
  expect_refused(with(once), "expired");
}

TEST_F(CredentialsTest, a_disabled_key_stops_at_once_with_all_its_tokens) {
  const KeyFile ann = make_key("ann");
  must(world_.evaluator().put(world_.context,
                              {"ann", {"ann"}, "/lake/", access::Role::kReader, false}));
  const std::string token = token_for(ann);
  const std::string signed_token =
      self_signed(ann, {}, "https://www.googleapis.com/auth/devstorage.read_only");
  EXPECT_EQ(with(token).status, 200);
  EXPECT_EQ(with(signed_token).status, 200);
  must(world_.directory().disable_key(world_.context, ann.file.private_key_id));
  expect_refused(with(token), "token");
  expect_refused(with(signed_token), "self-signed");
  EXPECT_EQ(exchange(sign(ann, claims_of(ann))).status, 400);
}

TEST_F(CredentialsTest, a_disabled_principal_stops_at_once) {
  const KeyFile ann = make_key("ann");
  must(world_.evaluator().put(world_.context,
                              {"ann", {"ann"}, "/lake/", access::Role::kReader, false}));
  const std::string token = token_for(ann);
  EXPECT_EQ(with(token).status, 200);
  must(world_.directory().put_principal(world_.context, {"ann", {}, true}));
  expect_refused(with(token), "principal disabled");
}

TEST_F(CredentialsTest, refusals_name_who_may_not_do_what) {
  ASSERT_EQ(put("x", "x").status, 200);
  const KeyFile ann = make_key("ann");
  const Answer answer = with(token_for(ann), object("x"));
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.reason(), "forbidden");
  EXPECT_EQ(answer.at("/error/errors/0/domain"), "global");
  EXPECT_EQ(answer.at("/error/message"),
            "ann does not have storage.objects.get access to the Google Cloud Storage resource. "
            "Permission denied on resource (or it may not exist).");
  // What is not there looks the same to who may not see it.
  EXPECT_EQ(with(token_for(ann), object("none")).status, 403);
}

TEST_F(CredentialsTest, no_error_shows_a_token_or_a_key) {
  const std::string secret = root_key_->file.private_key_pem.reveal().substr(40, 60);
  for (const Answer& answer :
       {with(token_ + "x"), exchange(sign(*root_key_, claims_of(*root_key_)) + "x")}) {
    EXPECT_EQ(answer.body.find(token_), std::string::npos);
    EXPECT_EQ(answer.body.find(secret), std::string::npos);
  }
}

}  // namespace
}  // namespace beringia::protocol::gcs::test
