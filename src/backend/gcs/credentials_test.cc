#include "backend/gcs/credentials.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/encoding.h"
#include "io/runtime.h"
#include "io/sync.h"
#include "wire/gcsjson.h"

namespace beringia::backend::gcs {
namespace {

/// A token endpoint with answers in order; the last one repeats.
class FakeEndpoint final : public io::HttpClient {
 public:
  struct Answer {
    int status = 200;
    std::string body;
    bool refused = false;
  };
  explicit FakeEndpoint(std::vector<Answer> answers) : answers_{std::move(answers)} {}

  Result<io::HttpClientResponse> send(const io::Context&, io::HttpClientRequest request) override {
    const auto& answer = answers_[std::min(requests.size(), answers_.size() - 1)];
    requests.push_back(request);
    if (answer.refused) return std::unexpected(unavailable("refused"));
    io::HttpClientResponse response;
    response.status = answer.status;
    if (is_metadata) response.headers.set("Metadata-Flavor", "Google");
    response.body = std::make_unique<io::StringSource>(answer.body);
    return response;
  }

  std::vector<io::HttpClientRequest> requests;
  bool is_metadata = false;

 private:
  std::vector<Answer> answers_;
};

std::string token_json(std::string token, int64_t seconds = 3600) {
  return wire::gcs::render(wire::gcs::TokenAnswer{std::move(token), "Bearer", seconds});
}

const wire::RsaPrivateKey& signer() {
  static const auto key = wire::RsaPrivateKey::generate().value();
  return key;
}

class CredentialsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Credentials> service_account(std::vector<FakeEndpoint::Answer> answers) {
    wire::ServiceAccountKey key;
    key.client_email = "etl@x.iam";
    key.private_key_id = "kid1";
    key.private_key_pem = signer().to_pem();
    key.token_uri = "https://oauth2.example/token?x=1";
    return make_service_account_credentials(key, retry(), rng, maker(std::move(answers))).value();
  }
  HttpClientMaker maker(std::vector<FakeEndpoint::Answer> answers, bool metadata = false) {
    return [=, this](const io::Url& url) -> Result<std::unique_ptr<io::HttpClient>> {
      host = url.endpoint.host;
      auto made = std::make_unique<FakeEndpoint>(answers);
      made->is_metadata = metadata;
      endpoint = made.get();
      return made;
    };
  }
  static RetryPolicy retry() {
    RetryPolicy policy;
    policy.initial_delay = Duration::zero();
    return policy;
  }

  io::Context context;
  SeededRng rng{1};
  FakeEndpoint* endpoint = nullptr;
  std::string host;
};

TEST_F(CredentialsTest, service_account_exchanges_a_signed_assertion_once) {
  auto credentials = service_account({{200, token_json("t1")}, {200, token_json("t2")}});
  EXPECT_EQ(credentials->token(context).value()->reveal(), "t1");
  EXPECT_EQ(credentials->token(context).value()->reveal(), "t1");
  ASSERT_EQ(endpoint->requests.size(), 1u);
  EXPECT_EQ(host, "oauth2.example");
  const auto& request = endpoint->requests[0];
  EXPECT_EQ(request.method + request.target, "POST/token?x=1");
  const std::string lead =
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
  ASSERT_TRUE(request.text.starts_with(lead)) << request.text;
  auto jwt = wire::parse_jwt(request.text.substr(lead.size()));
  ASSERT_TRUE(jwt) << jwt.error().to_string();
  EXPECT_EQ(jwt->key_id, "kid1");
  wire::JwtExpectation expectation;
  expectation.issuer = "etl@x.iam";
  expectation.audiences = {"https://oauth2.example/token?x=1"};
  expectation.now = SystemClock{}.wall();
  auto key = wire::RsaPublicKey::from_pem(signer().public_pem()).value();
  EXPECT_TRUE(wire::verify_jwt(*jwt, key, expectation));
  EXPECT_EQ(jwt->claims.scope, "https://www.googleapis.com/auth/devstorage.read_write");
}

TEST_F(CredentialsTest, rejected_token_is_replaced) {
  auto credentials = service_account({{200, token_json("t1")}, {200, token_json("t2")}});
  auto first = credentials->token(context).value();
  credentials->reject(Secret{"another"});
  EXPECT_EQ(credentials->token(context).value()->reveal(), "t1");
  credentials->reject(*first);
  EXPECT_EQ(credentials->token(context).value()->reveal(), "t2");
}

TEST_F(CredentialsTest, transient_failures_of_the_endpoint_are_retried) {
  auto credentials = service_account({{0, "", true}, {503, "busy"}, {200, token_json("t1")}});
  EXPECT_EQ(credentials->token(context).value()->reveal(), "t1");
  EXPECT_EQ(endpoint->requests.size(), 3u);
  credentials = service_account({{503, "busy"}});
  EXPECT_EQ(credentials->token(context).error().code(), Code::kUnavailable);
  EXPECT_EQ(endpoint->requests.size(), 6u);
}

TEST_F(CredentialsTest, refusal_is_denied_with_the_endpoints_reason) {
  auto credentials = service_account(
      {{400, R"({"error":"invalid_grant","error_description":"Invalid JWT Signature."})"}});
  auto token = credentials->token(context);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code(), Code::kDenied);
  EXPECT_NE(token.error().why().find("Invalid JWT Signature."), std::string::npos);
  EXPECT_EQ(endpoint->requests.size(), 1u);
  EXPECT_EQ(token.error().to_string().find("assertion"), std::string::npos);
}

TEST_F(CredentialsTest, metadata_server_is_asked_as_google_wants_it) {
  auto credentials = make_metadata_credentials("10.0.0.1:8080", retry(), rng,
                                               maker({{200, token_json("m1")}}, true))
                         .value();
  EXPECT_EQ(credentials->token(context).value()->reveal(), "m1");
  EXPECT_EQ(host, "10.0.0.1");
  EXPECT_EQ(endpoint->requests[0].target,
            "/computeMetadata/v1/instance/service-accounts/default/token");
  EXPECT_EQ(endpoint->requests[0].headers.get_or("metadata-flavor", ""), "Google");
  auto portal =
      make_metadata_credentials("h", retry(), rng, maker({{200, token_json("m1")}})).value();
  EXPECT_FALSE(portal->token(context));
}

TEST_F(CredentialsTest, none_sends_no_token) {
  EXPECT_EQ(make_no_credentials()->token(context).value(), std::nullopt);
}

TEST_F(CredentialsTest, bad_keys_are_refused_when_made) {
  wire::ServiceAccountKey key;
  key.private_key_pem = Secret{"nonsense"};
  key.token_uri = "https://x/";
  EXPECT_FALSE(make_service_account_credentials(key, retry(), rng, maker({{}})));
  key.private_key_pem = signer().to_pem();
  key.token_uri = "no url";
  EXPECT_FALSE(make_service_account_credentials(key, retry(), rng, maker({{}})));
}

TEST(TokenCache, fetches_once_for_all_who_wait) {
  std::atomic<int> fetches{0};
  io::Event go;
  TokenCache cache{[&](const io::Context& context) -> Result<TokenCache::Fetched> {
    ++fetches;
    BR_TRY(go.wait(context));
    return TokenCache::Fetched{Secret{"t"}, std::chrono::hours{1}};
  }};
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto token = cache.get(io::Context{});
      if (token && token->reveal() == "t") ++good;
    });
  }
  go.set();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(fetches, 1);
}

TEST(TokenCache, refreshes_ahead_and_goes_on_with_a_living_token_while_that_fails) {
  auto runtime = io::Runtime::make_simulated(1);
  runtime->run([] {
    io::Context context;
    int fetches = 0;
    bool down = false;
    TokenCache cache{[&](const io::Context&) -> Result<TokenCache::Fetched> {
      ++fetches;
      if (down) return std::unexpected(unavailable("down"));
      return TokenCache::Fetched{Secret{"t" + std::to_string(fetches)}, std::chrono::seconds{1000}};
    }};
    EXPECT_EQ(cache.get(context)->reveal(), "t1");
    ASSERT_TRUE(io::sleep_for(context, std::chrono::seconds{700}));
    EXPECT_EQ(cache.get(context)->reveal(), "t1");
    ASSERT_TRUE(io::sleep_for(context, std::chrono::seconds{100}));
    EXPECT_EQ(cache.get(context)->reveal(), "t2") << "refreshed ahead of the end";
    down = true;
    ASSERT_TRUE(io::sleep_for(context, std::chrono::seconds{800}));
    EXPECT_EQ(cache.get(context)->reveal(), "t2") << "still living";
    EXPECT_EQ(fetches, 3);
    ASSERT_TRUE(io::sleep_for(context, std::chrono::seconds{195}));
    EXPECT_FALSE(cache.get(context)) << "too close to its end";
    down = false;
    EXPECT_EQ(cache.get(context)->reveal(), "t5");
  });
}

TEST(TokenCache, does_not_hand_out_a_rejected_token_when_the_fetch_fails) {
  int fetches = 0;
  TokenCache cache{[&](const io::Context&) -> Result<TokenCache::Fetched> {
    if (fetches++ > 0) return std::unexpected(unavailable("down"));
    return TokenCache::Fetched{Secret{"t"}, std::chrono::seconds{230}};
  }};
  EXPECT_EQ(cache.get(io::Context{})->reveal(), "t");
  EXPECT_EQ(cache.get(io::Context{})->reveal(), "t");
  cache.reject(Secret{"t"});
  EXPECT_FALSE(cache.get(io::Context{}));
}

}  // namespace
}  // namespace beringia::backend::gcs
