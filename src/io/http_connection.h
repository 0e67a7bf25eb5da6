#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>

#include "base/random.h"
#include "io/fiber.h"
#include "io/http.h"
#include "io/http2.h"
#include "io/sync.h"

namespace beringia::io {

/// What the connections of one server share.
struct HttpServerShared {
  explicit HttpServerShared(HttpServer::Options o, Http2Handler h = {})
      : options{std::move(o)}, http2{std::move(h)} {}

  const HttpServer::Options options;
  const Http2Handler http2;  // empty: HTTP/1.1 only
  std::atomic<bool> draining{false};
  /// Numbers of requests, from which their ids are made: not those of other servers and starts.
  std::atomic<uint64_t> requests{SystemRng{}.next()};
  std::atomic<size_t> acceptors{0};  // that enter() counts too

  /// One connection's two tokens: `idle` ends the wait for a next request, `active` everything.
  struct Tokens {
    std::shared_ptr<CancelToken> idle = std::make_shared<CancelToken>();
    std::shared_ptr<CancelToken> active = std::make_shared<CancelToken>();
  };
  /// @return null when the server is full or draining
  std::shared_ptr<Tokens> enter();
  void leave(const std::shared_ptr<Tokens>& tokens);
  size_t connections() const;  // without acceptors
  void cancel_idle();
  void cancel_all();
  /// false: the deadline came first.
  bool wait_empty(const std::optional<MonotonicTime>& deadline);

 private:
  mutable std::mutex mutex_;
  std::set<std::shared_ptr<Tokens>> tokens_;  // owners: this and the connections
  WaitQueue empty_;
};

/// Serves one connection until it ends. Runs on the connection's fiber.
void serve_connection(HttpServerShared& shared, HttpServerShared::Tokens& tokens,
                      std::unique_ptr<Stream> stream);

/// "Date" header value of now, computed once a second per thread.
const std::string& current_http_date();

}  // namespace beringia::io
