#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/context.h"
#include "io/http.h"

namespace beringia::io {

class Runtime;

/// Bytes that change hands instead of being copied: those from `begin` to `end`.
struct OwnedBytes {
  std::unique_ptr<char[]> buffer;
  size_t begin = 0;
  size_t end = 0;

  static OwnedBytes copy_of(std::string_view bytes);
  std::string_view view() const { return {buffer.get() + begin, end - begin}; }
};

/// One request over HTTP/2 and its answer, both as streams. Owned by the connection; used by the
/// one fiber of its handler.
class Http2Exchange {
 public:
  virtual ~Http2Exchange() = default;
  /// Host stands for :authority; the body is pulled as over HTTP/1.1, and what is not pulled is not
  /// taken from the client (flow control).
  virtual HttpRequest& request() = 0;
  /// Once, before anything else. Names are sent in lower case.
  [[nodiscard]] virtual Result<void> send_head(int status, const HttpHeaders& headers) = 0;
  /// Queues bytes of the body; parks while more than a bounded amount waits for the client.
  /// @error kUnavailable: the stream is gone; kCancelled: the client takes nothing
  [[nodiscard]] virtual Result<void> give(const Context& context, OwnedBytes bytes) = 0;
  /// The same with a copy of them.
  [[nodiscard]] Result<void> write(const Context& context, std::string_view bytes) {
    return give(context, OwnedBytes::copy_of(bytes));
  }
  /// Ends the answer, with trailers if there are any.
  [[nodiscard]] virtual Result<void> finish(const HttpHeaders& trailers) = 0;
};

/// Handles one request on a fiber of its own; `context` is cancelled when the client resets the
/// stream. An answer that is not finished at return is reset. Must not throw.
using Http2Handler = std::function<void(const Context& context, Http2Exchange& exchange)>;

/// Answers an exchange as the same request over HTTP/1.1 would be answered.
void answer_http2(const Context& context, Http2Exchange& exchange, const HttpHandler& handler);

/// HttpServer::start() for a server whose clients may also speak HTTP/2: `http2` handles those
/// requests. The TLS context must offer it. @error kUnavailable
[[nodiscard]] Result<std::unique_ptr<HttpServer>> start_http2_server(Runtime& runtime,
                                                                     HttpServer::Options options,
                                                                     Http2Handler http2);
/// make_tls_server() that offers HTTP/2 by ALPN, and HTTP/1.1 as before.
[[nodiscard]] Result<std::shared_ptr<TlsContext>> make_tls_http2_server(
    const TlsServerFiles& files);

/// What a client that speaks HTTP/2 sends first (RFC 9113, 3.4).
inline constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bounds of one HTTP/2 connection.
struct Http2Limits {
  static constexpr size_t kMaxStreams = 100;             // running handlers, reset ones too
  static constexpr int kStreamWindow = 1 << 20;          // request bytes held of one stream
  static constexpr int kConnectionWindow = 8 << 20;      // and of all of them
  static constexpr size_t kMaxQueuedAnswer = 256 << 10;  // answer bytes held of one stream
  static constexpr size_t kMaxQueuedPieces = 1024;       // and how they came
  static constexpr size_t kMaxResets = 200;              // by the client, per kResetWindow
  static constexpr Duration kResetWindow = std::chrono::seconds{10};
};

}  // namespace beringia::io
