#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/byte_source.h"
#include "io/context.h"
#include "io/runtime.h"

namespace beringia::io {

/// A two-way byte stream (TCP, TLS, or a pair in tests). One fiber reads, one writes, on any loops;
/// close() from any thread. Waits park the fiber until the deadline or the cancellation of the
/// context.
class Stream {
 public:
  virtual ~Stream() = default;
  /// 1..n bytes; 0 = peer closed its side. @error kUnavailable: reset; kCancelled: deadline
  [[nodiscard]] virtual Result<size_t> read(const Context& context, std::span<char> buffer) = 0;
  /// Parks until read() has something to say; an idle connection then needs no buffer. May return
  /// early. @error as read()
  [[nodiscard]] virtual Result<void> wait_readable(const Context& context) {
    return context.check(now());
  }
  /// Writes all. `more` says that further bytes follow at once (MSG_MORE): they may stay here until
  /// the next call without it.
  [[nodiscard]] virtual Result<void> write(const Context& context, std::string_view bytes,
                                           bool more = false) = 0;
  /// Sends a file region, zero-copy where it can (sendfile in bounded slices; TLS: read + write).
  [[nodiscard]] virtual Result<void> send_file(const Context& context,
                                               const FileRegion& region) = 0;
  /// Stops both ways; parked calls return kUnavailable. Idempotent.
  virtual void close() = 0;
  /// Makes the end of the connection, which must follow, a reset where the transport knows one.
  virtual void reset_at_end() {}
  /// "127.0.0.1:4711" or empty.
  virtual std::string peer_address() const = 0;
  virtual bool is_tls() const = 0;
};

struct Endpoint {
  std::string host;  // name or literal; "" = all addresses (listen)
  uint16_t port = 0;
  /// "host:port", "[v6]:port", ":port". @error kInvalid
  static Result<Endpoint> parse(std::string_view text);
  std::string to_string() const;
};

/// Server or client side TLS settings, loaded once and shared. Thread-safe.
class TlsContext;
struct TlsServerFiles {
  std::string certificate_pem;  // file path
  std::string key_pem;          // file path
};
[[nodiscard]] Result<std::shared_ptr<TlsContext>> make_tls_server(const TlsServerFiles& files);
/// `ca_pem` empty: the system's roots.
[[nodiscard]] Result<std::shared_ptr<TlsContext>> make_tls_client(const std::string& ca_pem);

/// Connects (resolving on the blocking pool). `tls` null: plain TCP; else SNI and verification of
/// `endpoint.host`. TCP_NODELAY is set. @error kUnavailable (Retry::kSafe), kCancelled
[[nodiscard]] Result<std::unique_ptr<Stream>> connect(const Context& context,
                                                      const Endpoint& endpoint, TlsContext* tls);

/// A listening socket per loop (SO_REUSEPORT), bound at construction so that the port is known.
class Listener {
 public:
  virtual ~Listener() = default;
  /// Port 0 picks a free one. One socket for the loop of the calling fiber; for several loops make
  /// one listener per loop with the same port. @error kUnavailable: address in use
  [[nodiscard]] static Result<std::unique_ptr<Listener>> bind(const Endpoint& endpoint);
  [[nodiscard]] virtual Result<std::unique_ptr<Stream>> accept(const Context& context) = 0;
  virtual uint16_t port() const = 0;
  virtual void close() = 0;
};

/// TLS handshake over an accepted stream; takes it over. @error kUnavailable, kCancelled
[[nodiscard]] Result<std::unique_ptr<Stream>> tls_accept(const Context& context,
                                                         std::unique_ptr<Stream> plain,
                                                         TlsContext& tls);

/// Two connected in-memory streams, for tests.
std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_stream_pair();

}  // namespace beringia::io
