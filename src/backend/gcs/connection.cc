#include "backend/gcs/connection.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "observe/log.h"
#include "wire/jwt.h"

namespace beringia::backend::gcs {

namespace {

constexpr std::string_view kGoogle = "https://storage.googleapis.com";
constexpr std::string_view kMetadataHost = "metadata.google.internal";
constexpr size_t kMaxKeyFileBytes = 64 << 10;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : std::string{value};
}

Result<Secret> read_key_file(const std::string& path) {
  // At start and on apply only, a few kilobytes: a plain read will do.
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    return std::unexpected(not_found("cannot read the credentials file " + path, {},
                                     "check the path and that this user may read it"));
  }
  std::string text(kMaxKeyFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxKeyFileBytes) {
    return std::unexpected(
        invalid("cannot read the credentials file " + path, "it is over 64 KiB"));
  }
  return Secret{std::move(text)};
}

Result<std::unique_ptr<Credentials>> make_credentials(const std::string& declared,
                                                      const RetryPolicy& retry,
                                                      const std::string& scope, Rng& rng) {
  if (declared == "none") return make_no_credentials();
  if (!declared.empty()) {
    BR_TRY(text, read_key_file(declared));
    auto key = wire::parse_service_account_key(text);
    if (!key) {
      return std::unexpected(std::move(key).error().during("credentials file " + declared));
    }
    return make_service_account_credentials(std::move(*key), retry, rng, make_http_client, scope);
  }
  auto host = environment("GCE_METADATA_HOST");
  return make_metadata_credentials(host.empty() ? std::string{kMetadataHost} : host, retry, rng);
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

Result<Connection> connect(const GcsSpec& spec, const std::string& scope, Rng& rng) {
  std::string endpoint = spec.endpoint;
  std::string credentials_file = spec.credentials;
  if (endpoint.empty()) {
    endpoint = environment("STORAGE_EMULATOR_HOST");
    if (endpoint.empty()) {
      endpoint = std::string{kGoogle};
    } else {
      credentials_file = "none";
      if (endpoint.find("://") == std::string::npos) endpoint = "http://" + endpoint;
    }
  }
  BR_TRY(url, io::Url::parse(endpoint));
  if (!url.path.empty()) {
    return std::unexpected(invalid("cannot use the endpoint " + endpoint, "it has a path",
                                   "write it as https://host or http://host:port"));
  }
  if (!url.tls && credentials_file != "none" && !is_loopback(url.endpoint.host)) {
    observe::log_warn("gcs_plain_http",
                      "A backend sends its access tokens over plain HTTP; use an https endpoint.",
                      {observe::field("endpoint", endpoint)});
  }
  io::HttpClient::Options http;
  http.endpoint = url.endpoint;
  http.max_connections = spec.max_connections;
  http.max_idle = spec.max_connections;
  if (url.tls) {
    BR_TRY(tls, io::make_tls_client({}));
    http.tls = std::move(tls);
  }
  BR_TRY(credentials, make_credentials(credentials_file, spec.retry, scope, rng));
  return Connection{io::HttpClient::make(std::move(http)), std::move(credentials)};
}

}  // namespace beringia::backend::gcs
