#include "io/tls_context.h"

#include <openssl/err.h>

#include <map>
#include <mutex>
#include <utility>

#include "io/http2.h"

namespace beringia::io {
namespace {

constexpr size_t kMaxSessions = 256;  // peers of one client context

/// Sessions to resume, by peer. Owned by the SSL_CTX.
class SessionStore {
 public:
  ~SessionStore() {
    for (auto& [peer, session] : sessions_) SSL_SESSION_free(session);
  }

  void put(const std::string& peer, SSL_SESSION* session) {
    std::lock_guard lock{mutex_};
    if (sessions_.size() >= kMaxSessions && !sessions_.contains(peer)) drop(sessions_.begin());
    auto [place, fresh] = sessions_.emplace(peer, session);
    if (!fresh) SSL_SESSION_free(std::exchange(place->second, session));
  }

  /// Takes the session out: one ticket is used once (RFC 8446, C.4).
  SSL_SESSION* take(const std::string& peer) {
    std::lock_guard lock{mutex_};
    auto found = sessions_.find(peer);
    if (found == sessions_.end()) return nullptr;
    SSL_SESSION* session = found->second;
    sessions_.erase(found);
    return session;
  }

 private:
  using Sessions = std::map<std::string, SSL_SESSION*>;
  void drop(Sessions::iterator place) {
    SSL_SESSION_free(place->second);
    sessions_.erase(place);
  }
  std::mutex mutex_;
  Sessions sessions_;
};

int store_index() {
  static const int kIndex = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* store, CRYPTO_EX_DATA*, int, long, void*) {
        const std::unique_ptr<SessionStore> owned{static_cast<SessionStore*>(store)};
      });
  return kIndex;
}

int peer_index() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

SessionStore* store_of(SSL* ssl) {
  return static_cast<SessionStore*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), store_index()));
}

/// The server offers a session. Kept as a copy: OpenSSL calls the original useless when its
/// connection ends without close_notify. @return 0: `session` was not taken over
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* peer = static_cast<const std::string*>(SSL_get_ex_data(ssl, peer_index()));
  SessionStore* store = store_of(ssl);
  if (peer == nullptr || store == nullptr) return 0;
  if (SSL_SESSION* copy = SSL_SESSION_dup(session)) store->put(*peer, copy);
  return 0;
}

constexpr unsigned char kHttp11[] = "\x08http/1.1";  // RFC 7301 protocol list, one entry
constexpr unsigned kHttp11Bytes = sizeof kHttp11 - 1;

int choose_http11(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
                  unsigned in_length, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, length, kHttp11, kHttp11Bytes, in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;  // HTTP/1.1 is spoken anyway
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

constexpr unsigned char kBoth[] = "\x02h2\x08http/1.1";  // the server's order counts

int choose_both(SSL* ssl, const unsigned char** out, unsigned char* length, const unsigned char* in,
                unsigned in_length, void* unused) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, length, kBoth, sizeof kBoth - 1, in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return choose_http11(ssl, out, length, in, in_length, unused);
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// Encrypted key files are refused; OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Error setup_error(const std::string& what) {
  return {Code::kInvalid, Retry::kNever, what, last_tls_error(),
          "check that the file is readable and holds unencrypted PEM"};
}

Result<std::shared_ptr<TlsContext>> make_context(const SSL_METHOD* method) {
  SSL_CTX* raw = SSL_CTX_new(method);
  if (raw == nullptr) return std::unexpected(setup_error("cannot set TLS up"));
  auto context = std::make_shared<TlsContext>(raw);
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
  return context;
}

}  // namespace

std::string last_tls_error() {
  char text[256] = "no detail";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof text);
  }
  ERR_clear_error();
  return text;
}

void resume_session(SSL* ssl, const std::string& peer) {
  SSL_set_ex_data(ssl, peer_index(), const_cast<std::string*>(&peer));
  SessionStore* store = store_of(ssl);
  if (store == nullptr) return;
  if (SSL_SESSION* session = store->take(peer)) {
    SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
  }
}

void keep_session(SSL* ssl) {
  if (SSL_version(ssl) >= TLS1_3_VERSION || SSL_session_reused(ssl) == 0) return;
  on_new_session(ssl, SSL_get0_session(ssl));
}

Result<std::shared_ptr<TlsContext>> make_tls_server(const TlsServerFiles& files) {
  ERR_clear_error();
  BR_TRY(context, make_context(TLS_server_method()));
  SSL_CTX* raw = context->get();
  SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_alpn_select_cb(raw, choose_http11, nullptr);
  // Resumption by tickets only: no table of sessions, no lock.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate_pem.c_str()) != 1) {
    return std::unexpected(setup_error("cannot load the certificate " + files.certificate_pem));
  }
  if (SSL_CTX_use_PrivateKey_file(raw, files.key_pem.c_str(), SSL_FILETYPE_PEM) != 1) {
    return std::unexpected(setup_error("cannot load the private key " + files.key_pem));
  }
  if (SSL_CTX_check_private_key(raw) != 1) {
    return std::unexpected(
        setup_error(files.key_pem + " is not the key of " + files.certificate_pem));
  }
  return context;
}

Result<std::shared_ptr<TlsContext>> make_tls_http2_server(const TlsServerFiles& files) {
  BR_TRY(context, make_tls_server(files));
  SSL_CTX_set_alpn_select_cb(context->get(), choose_both, nullptr);
  return context;
}

Result<std::shared_ptr<TlsContext>> make_tls_client(const std::string& ca_pem) {
  ERR_clear_error();
  BR_TRY(context, make_context(TLS_client_method()));
  SSL_CTX* raw = context->get();
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_alpn_protos(raw, kHttp11, kHttp11Bytes);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(raw, on_new_session);
  SSL_CTX_set_ex_data(raw, store_index(), std::make_unique<SessionStore>().release());
  const int loaded = ca_pem.empty() ? SSL_CTX_set_default_verify_paths(raw)
                                    : SSL_CTX_load_verify_locations(raw, ca_pem.c_str(), nullptr);
  if (loaded != 1) {
    return std::unexpected(setup_error("cannot load trusted certificates from " + ca_pem));
  }
  return context;
}

}  // namespace beringia::io
