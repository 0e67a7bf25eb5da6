#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "io/stream.h"

namespace beringia::io {

/// Certificates, keys and trust, loaded once: OpenSSL 3 takes locks when they are loaded per
/// connection. Thread-safe. Connections keep what they need of it alive.
class TlsContext {
 public:
  explicit TlsContext(SSL_CTX* context) : context_{context} {}
  ~TlsContext() { SSL_CTX_free(context_); }
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  SSL_CTX* get() const { return context_; }

 private:
  SSL_CTX* context_;
};

/// Prepares `ssl` to resume the last session with this peer, if there is one. `peer` must live as
/// long as `ssl`: sessions that the server offers later are kept under it.
void resume_session(SSL* ssl, const std::string& peer);
/// After the handshake: keeps a session that may be used again (TLS 1.2).
void keep_session(SSL* ssl);

/// The oldest error of OpenSSL's queue of this thread; empties the queue.
std::string last_tls_error();

}  // namespace beringia::io
