#include <algorithm>
#include <utility>

#include "io/http_connection.h"
#include "io/runtime.h"

namespace beringia::io {

std::shared_ptr<HttpServerShared::Tokens> HttpServerShared::enter() {
  auto tokens = std::make_shared<Tokens>();
  std::lock_guard lock{mutex_};
  if (draining) return nullptr;
  tokens_.insert(tokens);
  return tokens;
}

void HttpServerShared::leave(const std::shared_ptr<Tokens>& tokens) {
  std::lock_guard lock{mutex_};
  tokens_.erase(tokens);
  if (tokens_.empty()) empty_.notify_all();
}

size_t HttpServerShared::connections() const {
  std::lock_guard lock{mutex_};
  return tokens_.size() - std::min(tokens_.size(), acceptors.load());
}

void HttpServerShared::cancel_idle() {
  std::set<std::shared_ptr<Tokens>> all;
  {
    std::lock_guard lock{mutex_};
    draining = true;
    all = tokens_;
  }
  for (const auto& tokens : all) tokens->idle->cancel();
}

void HttpServerShared::cancel_all() {
  std::set<std::shared_ptr<Tokens>> all;
  {
    std::lock_guard lock{mutex_};
    all = tokens_;
  }
  for (const auto& tokens : all) {
    tokens->idle->cancel();
    tokens->active->cancel();
  }
}

bool HttpServerShared::wait_empty(const std::optional<MonotonicTime>& deadline) {
  const Context context = deadline ? Context{}.with_deadline(*deadline) : Context{};
  std::unique_lock lock{mutex_};
  while (!tokens_.empty()) {
    if (!empty_.wait(context, lock)) return false;
  }
  return true;
}

namespace {

/// Listeners, one per loop, and the connections they accept. A connection lives on the loop that
/// accepted it.
class RealHttpServer final : public HttpServer {
 public:
  RealHttpServer(Runtime& runtime, Options options, Http2Handler http2)
      : runtime_{runtime},
        shared_{std::make_shared<HttpServerShared>(std::move(options), std::move(http2))} {}
  ~RealHttpServer() override { RealHttpServer::stop(Duration{0}); }

  Result<void> start() {
    Endpoint endpoint = shared_->options.endpoint;
    std::vector<std::unique_ptr<Listener>> listeners;
    for (int i = 0; i < runtime_.loop_count(); ++i) {
      BR_TRY(listener, Listener::bind(endpoint));
      endpoint.port = listener->port();
      listeners.push_back(std::move(listener));
    }
    port_ = endpoint.port;
    for (int i = 0; i < runtime_.loop_count(); ++i) {
      // The acceptor counts as a connection, so that stop() waits for it; it owns its listener
      // because a socket is to be closed on its own loop.
      auto tokens = shared_->enter();
      ++shared_->acceptors;
      auto listener =
          std::make_shared<std::unique_ptr<Listener>>(std::move(listeners[static_cast<size_t>(i)]));
      runtime_.spawn_on(i, [shared = shared_, tokens, listener] {
        accept_all(shared, *tokens, **listener);
        listener->reset();
        --shared->acceptors;
        shared->leave(tokens);
      });
    }
    return {};
  }

  uint16_t port() const override { return port_; }

  void stop(Duration grace) override {
    if (stopped_.exchange(true)) return;
    shared_->cancel_idle();
    if (shared_->wait_empty(current_clock().monotonic() + grace)) return;
    shared_->cancel_all();
    shared_->wait_empty(std::nullopt);
  }

 private:
  static void accept_all(const std::shared_ptr<HttpServerShared>& shared,
                         HttpServerShared::Tokens& tokens, Listener& listener) {
    const Context context = Context{}.with_cancel(tokens.idle);
    while (!shared->draining) {
      auto accepted = listener.accept(context);
      if (!accepted) {
        if (shared->draining || !sleep_for(context, std::chrono::milliseconds{10})) return;
        continue;
      }
      auto connection = shared->enter();
      if (!connection) return;
      auto stream = std::make_shared<std::unique_ptr<Stream>>(std::move(*accepted));
      Loop::current()->start([shared, connection, stream] {
        serve_connection(*shared, *connection, std::move(*stream));
        shared->leave(connection);
      });
    }
  }

  Runtime& runtime_;
  std::shared_ptr<HttpServerShared> shared_;  // owners: this and the fibers of its connections
  uint16_t port_ = 0;
  std::atomic<bool> stopped_{false};
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(Runtime& runtime, Options options) {
  return start_http2_server(runtime, std::move(options), {});
}

Result<std::unique_ptr<HttpServer>> start_http2_server(Runtime& runtime,
                                                       HttpServer::Options options,
                                                       Http2Handler http2) {
  auto server = std::make_unique<RealHttpServer>(runtime, std::move(options), std::move(http2));
  BR_TRY(server->start());
  return server;
}

}  // namespace beringia::io
