#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backend/gcs/retry.h"
#include "base/error.h"
#include "base/secret.h"
#include "io/context.h"
#include "io/http.h"
#include "wire/jwt.h"

namespace beringia::backend::gcs {

/// Who we are to the service. Thread-safe.
class Credentials {
 public:
  virtual ~Credentials() = default;
  /// The OAuth access token for the next request; nullopt: send none (emulators). May park.
  /// @error kDenied: refused by the token endpoint; kUnavailable: it cannot be reached
  [[nodiscard]] virtual Result<std::optional<Secret>> token(const io::Context& context) = 0;
  /// The service refused `token` (401): the next token() fetches another one.
  virtual void reject(const Secret& token) = 0;
};

/// For emulators.
std::unique_ptr<Credentials> make_no_credentials();

/// Makes the client of a token endpoint; tests put their own in.
using HttpClientMaker = std::function<Result<std::unique_ptr<io::HttpClient>>(const io::Url& url)>;
/// Plain or TLS with the system's roots, by the URL.
Result<std::unique_ptr<io::HttpClient>> make_http_client(const io::Url& url);

/// All that a backend does to objects.
inline constexpr std::string_view kReadWriteScope =
    "https://www.googleapis.com/auth/devstorage.read_write";

/// Signs a JWT with the key and exchanges it at the key's token_uri (RFC 7523), for the scope.
/// @error kInvalid: bad key or token_uri
[[nodiscard]] Result<std::unique_ptr<Credentials>> make_service_account_credentials(
    wire::ServiceAccountKey key, const RetryPolicy& retry, Rng& rng,
    const HttpClientMaker& http = make_http_client,
    std::string scope = std::string{kReadWriteScope});

/// The service account of the machine (GCE, GKE). `host` is "metadata.google.internal" or what
/// GCE_METADATA_HOST says.
[[nodiscard]] Result<std::unique_ptr<Credentials>> make_metadata_credentials(
    const std::string& host, const RetryPolicy& retry, Rng& rng,
    const HttpClientMaker& http = make_http_client);

/// Keeps one token: refreshed ahead of its end, fetched once for all who wait (single-flight), an
/// old token is used on while a refresh fails and the token still lives.
class TokenCache {
 public:
  struct Fetched {
    Secret token;
    Duration lifetime{0};
  };
  using Fetch = std::function<Result<Fetched>(const io::Context& context)>;
  explicit TokenCache(Fetch fetch);
  ~TokenCache();
  [[nodiscard]] Result<Secret> get(const io::Context& context);
  void reject(const Secret& token);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace beringia::backend::gcs
