#include "backend/gcs/credentials.h"

#include <algorithm>

#include "base/encoding.h"
#include "io/runtime.h"
#include "wire/gcsjson.h"

namespace beringia::backend::gcs {

namespace {

constexpr size_t kMaxTokenAnswerBytes = 64 << 10;
constexpr int64_t kAssertionSeconds = 3600;  // Google's limit for the JWT-bearer grant

class NoCredentials final : public Credentials {
 public:
  Result<std::optional<Secret>> token(const io::Context&) override { return std::nullopt; }
  void reject(const Secret&) override {}
};

struct TokenHttpAnswer {
  int status = 0;
  std::string body;
  io::HttpHeaders headers;
};

/// One token request with retries; token requests change nothing, so all of them may be repeated.
Result<TokenHttpAnswer> ask(const io::Context& context, io::HttpClient& http, Attempts attempts,
                            const std::function<Result<io::HttpClientRequest>()>& make_request) {
  while (true) {
    BR_TRY(request, make_request());
    std::optional<Duration> retry_after;
    auto response = http.send(context, std::move(request));
    if (response) {
      TokenHttpAnswer answer{response->status, {}, response->headers};
      auto body = io::read_all(context, *response->body, kMaxTokenAnswerBytes);
      if (body) {
        answer.body = std::move(*body);
        if (!is_retryable_status(answer.status)) return answer;
      }
      retry_after =
          parse_retry_after(answer.headers.get_or("retry-after", ""), io::current_clock().wall());
      if (!body && body.error().code() == Code::kInvalid) return std::unexpected(body.error());
      BR_TRY(again, attempts.next(context, retry_after));
      if (again) continue;
      return std::unexpected(
          unavailable("the token endpoint does not answer",
                      body ? "HTTP " + std::to_string(answer.status) : body.error().to_string()));
    }
    if (response.error().code() == Code::kCancelled) return std::unexpected(response.error());
    BR_TRY(again, attempts.next(context));
    if (!again) {
      return std::unexpected(
          unavailable("the token endpoint does not answer", response.error().to_string()));
    }
  }
}

Result<TokenCache::Fetched> read_token(const TokenHttpAnswer& answer, const std::string& who) {
  if (answer.status != 200) {
    auto error = wire::gcs::parse_token_error(answer.body);
    std::string why = "HTTP " + std::to_string(answer.status);
    if (error && !error->error.empty()) why += ": " + error->error;
    if (error && !error->description.empty()) why += " (" + error->description + ")";
    return std::unexpected(denied("cannot get an access token for " + who, std::move(why),
                                  "check the backend's credentials file and the clock"));
  }
  auto token = wire::gcs::parse_token(answer.body);
  if (!token) return std::unexpected(unavailable("cannot read the token endpoint's answer"));
  return TokenCache::Fetched{Secret{token->access_token},
                             std::chrono::seconds{std::max<int64_t>(token->expires_in_s, 1)}};
}

class ServiceAccountCredentials final : public Credentials {
 public:
  ServiceAccountCredentials(wire::ServiceAccountKey key, wire::RsaPrivateKey signer,
                            std::unique_ptr<io::HttpClient> http, std::string target,
                            std::string scope, Attempts attempts)
      : key_{std::move(key)},
        signer_{std::move(signer)},
        http_{std::move(http)},
        target_{std::move(target)},
        scope_{std::move(scope)},
        attempts_{attempts},
        cache_{[this](const io::Context& context) { return fetch(context); }} {}

  Result<std::optional<Secret>> token(const io::Context& context) override {
    BR_TRY(token, cache_.get(context));
    return std::optional<Secret>{std::move(token)};
  }
  void reject(const Secret& token) override { cache_.reject(token); }

 private:
  Result<io::HttpClientRequest> make_request() {
    wire::JwtClaims claims;
    claims.issuer = key_.client_email;
    claims.subject = key_.client_email;
    claims.audience = {key_.token_uri};
    claims.scope = scope_;
    claims.issued_at = io::current_clock().wall().micros / 1000000;
    claims.expires_at = *claims.issued_at + kAssertionSeconds;
    BR_TRY(assertion,
           io::blocking([&] { return wire::sign_jwt(signer_, key_.private_key_id, claims); }));
    io::HttpClientRequest request;
    request.method = "POST";
    request.target = target_;
    request.headers.set("Content-Type", "application/x-www-form-urlencoded");
    request.headers.set("Accept", "application/json");
    request.text = "grant_type=" + percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer") +
                   "&assertion=" + percent_encode(assertion);
    return request;
  }

  Result<TokenCache::Fetched> fetch(const io::Context& context) {
    auto answer = ask(context, *http_, attempts_, [this] { return make_request(); });
    if (!answer) {
      return std::unexpected(
          std::move(answer).error().during("getting an access token for " + key_.client_email));
    }
    return read_token(*answer, key_.client_email);
  }

  const wire::ServiceAccountKey key_;
  const wire::RsaPrivateKey signer_;
  const std::unique_ptr<io::HttpClient> http_;
  const std::string target_;
  const std::string scope_;
  const Attempts attempts_;  // a fresh copy for each fetch
  TokenCache cache_;
};

class MetadataCredentials final : public Credentials {
 public:
  MetadataCredentials(std::unique_ptr<io::HttpClient> http, Attempts attempts)
      : http_{std::move(http)},
        attempts_{attempts},
        cache_{[this](const io::Context& context) { return fetch(context); }} {}

  Result<std::optional<Secret>> token(const io::Context& context) override {
    BR_TRY(token, cache_.get(context));
    return std::optional<Secret>{std::move(token)};
  }
  void reject(const Secret& token) override { cache_.reject(token); }

 private:
  Result<TokenCache::Fetched> fetch(const io::Context& context) {
    auto answer = ask(context, *http_, attempts_, [] -> Result<io::HttpClientRequest> {
      io::HttpClientRequest request;
      request.target = "/computeMetadata/v1/instance/service-accounts/default/token";
      request.headers.set("Metadata-Flavor", "Google");
      return request;
    });
    if (!answer) {
      return std::unexpected(
          Error{answer.error().code(), answer.error().retry(),
                "cannot get an access token from the metadata server", answer.error().to_string(),
                "outside of Google Cloud set the backend's credentials to a service-account key"});
    }
    // Only Google's server (or a faithful stand-in) says so: a captive portal does not.
    if (answer->headers.get_or("metadata-flavor", "") != "Google") {
      return std::unexpected(unavailable("cannot get an access token from the metadata server",
                                         "the answer is not from a metadata server",
                                         "set the backend's credentials to a service-account key"));
    }
    return read_token(*answer, "this machine's service account");
  }

  const std::unique_ptr<io::HttpClient> http_;
  const Attempts attempts_;
  TokenCache cache_;
};

}  // namespace

std::unique_ptr<Credentials> make_no_credentials() { return std::make_unique<NoCredentials>(); }

Result<std::unique_ptr<io::HttpClient>> make_http_client(const io::Url& url) {
  io::HttpClient::Options options;
  options.endpoint = url.endpoint;
  options.max_connections = 8;
  if (url.tls) {
    BR_TRY(tls, io::make_tls_client({}));
    options.tls = std::move(tls);
  }
  return io::HttpClient::make(std::move(options));
}

Result<std::unique_ptr<Credentials>> make_service_account_credentials(wire::ServiceAccountKey key,
                                                                      const RetryPolicy& retry,
                                                                      Rng& rng,
                                                                      const HttpClientMaker& http,
                                                                      std::string scope) {
  BR_TRY(signer, wire::RsaPrivateKey::from_pem(key.private_key_pem));
  BR_TRY(url, io::Url::parse(key.token_uri));
  BR_TRY(client, http(url));
  std::string target = url.path.empty() ? "/" : url.path;
  if (!url.query.empty()) target += "?" + url.query;
  return std::unique_ptr<Credentials>{std::make_unique<ServiceAccountCredentials>(
      std::move(key), std::move(signer), std::move(client), std::move(target), std::move(scope),
      Attempts{retry, rng})};
}

Result<std::unique_ptr<Credentials>> make_metadata_credentials(const std::string& host,
                                                               const RetryPolicy& retry, Rng& rng,
                                                               const HttpClientMaker& http) {
  BR_TRY(url, io::Url::parse("http://" + host));
  BR_TRY(client, http(url));
  return std::unique_ptr<Credentials>{
      std::make_unique<MetadataCredentials>(std::move(client), Attempts{retry, rng})};
}

}  // namespace beringia::backend::gcs
