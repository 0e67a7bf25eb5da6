#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/byte_source.h"
#include "io/context.h"
#include "io/stream.h"

namespace beringia::io {

/// Header fields in order; names compare without case. Small: linear search.
class HttpHeaders {
 public:
  void add(std::string name, std::string value);
  void set(std::string_view name, std::string value);  // replaces all of that name
  void remove(std::string_view name);
  /// First value, or nullopt.
  std::optional<std::string_view> get(std::string_view name) const;
  std::string_view get_or(std::string_view name, std::string_view fallback) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }
  void clear() { fields_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// A request as it came: nothing is decoded. `target` keeps its percent escapes.
struct HttpRequest {
  std::string method;
  std::string target;  // origin form "/path?query" (absolute form is reduced to it)
  std::string path;    // target up to '?', still escaped
  std::string query;   // after '?', still escaped, without '?'
  HttpHeaders headers;
  std::optional<uint64_t> content_length;  // absent when chunked or no body
  bool has_body = false;
  std::string peer_address;
  bool is_tls = false;
  /// The body; reading it sends "100 Continue" first if the client waits for it. Trailers, if any,
  /// are appended to trailers() after the end was read. Owned by the connection.
  ByteSource* body = nullptr;
  const HttpHeaders* trailers = nullptr;
};

/// The answer of a handler. Body: text, or a source (content_length known, else chunked).
struct HttpResponse {
  int status = 200;
  HttpHeaders headers;
  std::string text;
  std::unique_ptr<ByteSource> body;        // used when set; file regions go out by sendfile
  std::optional<uint64_t> content_length;  // of `body`; for HEAD: the entity's, with no body
  bool close = false;                      // close the connection after this answer
  bool reset = false;                      // no answer at all: reset the connection (for tests)
  /// Called exactly once when the exchange ends, with the body bytes sent and whether all of them
  /// went out. For audit and metrics. May park.
  std::function<void(uint64_t bytes_sent, bool complete)> on_finished;
};

struct HttpServerLimits {
  size_t max_header_bytes = 64 << 10;
  size_t max_headers = 200;
  Duration header_timeout = std::chrono::seconds{10};  // from first byte to end of headers
  Duration idle_timeout = std::chrono::seconds{75};    // keep-alive
  Duration body_idle_timeout = std::chrono::seconds{30};
  uint64_t min_body_bytes_per_s = 1024;  // averaged over 30 s windows, both ways
  Duration request_timeout = std::chrono::hours{2};
  size_t max_connections = 20000;    // beyond it new connections get 503 and are closed
  size_t max_drain_bytes = 1 << 20;  // unread body read and dropped before closing instead
};

/// Handles one request on its fiber. Must not throw.
using HttpHandler = std::function<HttpResponse(const Context& context, HttpRequest& request)>;

/// HTTP/1.1 server: keep-alive, pipelining in order, 100-continue, chunked both ways, zero-copy
/// file bodies, smuggling defences (length + chunked, two lengths: 400 and close).
class HttpServer {
 public:
  virtual ~HttpServer() = default;
  struct Options {
    Endpoint endpoint;
    std::shared_ptr<TlsContext> tls;  // null: plain
    HttpServerLimits limits;
    std::string name;  // metrics label: "s3", "gcs", "admin"
    HttpHandler handler;
  };
  /// Binds one socket per loop of `runtime` and serves until stop(). @error kUnavailable
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(class Runtime& runtime,
                                                                 Options options);
  virtual uint16_t port() const = 0;
  /// Stops accepting, lets running requests end until `grace` is over, closes the rest, joins.
  virtual void stop(Duration grace) = 0;
};

struct HttpClientRequest {
  std::string method = "GET";
  std::string target = "/";  // escaped path and query
  HttpHeaders headers;       // Host, Content-Length, Transfer-Encoding are set by the client
  std::string text;          // body, when `body` is null
  ByteSource* body = nullptr;
  std::optional<uint64_t> body_length;  // of `body`; absent: chunked
  bool expect_continue = false;
};

/// Answer head; the body streams from the pooled connection, which returns to the pool when the
/// body was read to its end (else it is closed). Owned by the caller.
struct HttpClientResponse {
  int status = 0;
  HttpHeaders headers;
  std::optional<uint64_t> content_length;
  std::unique_ptr<ByteSource> body;  // never null; a short body is kUnavailable, not an end
};

/// Pooled HTTP/1.1 client for one endpoint. Thread-safe. No retries except once on a reused
/// connection that died before any answer byte, and only for requests without a streaming body
/// and with an idempotent method (GET, HEAD, PUT with text, DELETE).
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  struct Options {
    Endpoint endpoint;
    std::shared_ptr<TlsContext> tls;
    std::string host_header;  // default: host[:port]
    size_t max_connections = 256;
    size_t max_idle = 64;
    Duration connect_timeout = std::chrono::seconds{5};
    Duration idle_timeout = std::chrono::seconds{60};
    Duration response_timeout = std::chrono::seconds{60};  // head after the request was sent
    Duration body_idle_timeout = std::chrono::seconds{30};
    size_t max_header_bytes = 64 << 10;
  };
  static std::unique_ptr<HttpClient> make(Options options);
  /// @error kUnavailable: Retry::kSafe if no byte of the request was sent, else kMaybeApplied
  [[nodiscard]] virtual Result<HttpClientResponse> send(const Context& context,
                                                        HttpClientRequest request) = 0;
};

/// http[s]://host[:port][/base]. @error kInvalid
struct Url {
  bool tls = false;
  Endpoint endpoint;
  std::string path;   // "" or "/base", no trailing slash
  std::string query;  // without '?'
  static Result<Url> parse(std::string_view text);
};

}  // namespace beringia::io
