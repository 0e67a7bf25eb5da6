#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "io/socket.h"
#include "io/stream.h"

namespace beringia::io {

/// Certificates and keys are loaded once; OpenSSL 3 takes locks when they are loaded per
/// connection.
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

namespace {

constexpr size_t kBufferBytes = 16 << 10;

std::string last_tls_error() {
  char text[256] = "no detail";
  if (const unsigned long code = ERR_get_error(); code != 0)
    ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

int choose_http11(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
                  unsigned in_length, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, length, kHttp11, sizeof kHttp11 - 1, in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// TLS over any Stream by memory BIOs: the engine never touches a descriptor.
class TlsStream final : public Stream {
 public:
  TlsStream(std::unique_ptr<Stream> plain, SSL* ssl) : plain_{std::move(plain)}, ssl_{ssl} {
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_, in_, out_);
  }
  ~TlsStream() override { SSL_free(ssl_); }

  Result<void> handshake(const Context& context) {
    for (;;) {
      const int done = SSL_do_handshake(ssl_);
      const int why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_, done);
      BR_TRY(flush(context));
      if (done == 1) return {};
      if (why != SSL_ERROR_WANT_READ) {
        return std::unexpected(Error{Code::kUnavailable, Retry::kNever, "the TLS handshake failed",
                                     last_tls_error(), "check certificates and host name"});
      }
      BR_TRY(more, fill(context));
      if (!more) return std::unexpected(unavailable("the TLS handshake was cut off"));
    }
  }

  Result<size_t> read(const Context& context, std::span<char> buffer) override {
    for (;;) {
      const int n =
          SSL_read(ssl_, buffer.data(), static_cast<int>(std::min(buffer.size(), size_t{1} << 30)));
      if (n > 0) return static_cast<size_t>(n);
      const int why = SSL_get_error(ssl_, n);
      BR_TRY(flush(context));
      if (why == SSL_ERROR_ZERO_RETURN) return 0;
      if (why != SSL_ERROR_WANT_READ) {
        return std::unexpected(unavailable("cannot receive over TLS", last_tls_error()));
      }
      BR_TRY(more, fill(context));
      if (!more) {
        // The peer went without close_notify: a truncated message shows by its missing length.
        return 0;
      }
    }
  }

  Result<void> write(const Context& context, std::string_view bytes, bool) override {
    while (!bytes.empty()) {
      const size_t step = std::min(bytes.size(), kBufferBytes);
      const int n = SSL_write(ssl_, bytes.data(), static_cast<int>(step));
      if (n <= 0) {
        const int why = SSL_get_error(ssl_, n);
        if (why != SSL_ERROR_WANT_READ) {
          return std::unexpected(unavailable("cannot send over TLS", last_tls_error()));
        }
        BR_TRY(fill(context));
        continue;
      }
      bytes.remove_prefix(static_cast<size_t>(n));
      BR_TRY(flush(context));
    }
    return {};
  }

  Result<void> send_file(const Context& context, const FileRegion& region) override {
    return send_file_by_copy(context, *this, region);
  }

  void close() override { plain_->close(); }
  std::string peer_address() const override { return plain_->peer_address(); }
  bool is_tls() const override { return true; }

 private:
  Result<void> flush(const Context& context) {
    while (BIO_ctrl_pending(out_) > 0) {
      std::array<char, kBufferBytes + 512> buffer;
      const int n = BIO_read(out_, buffer.data(), buffer.size());
      if (n <= 0) return {};
      BR_TRY(plain_->write(context, {buffer.data(), static_cast<size_t>(n)},
                           BIO_ctrl_pending(out_) > 0));
    }
    return {};
  }

  /// false: the peer closed.
  Result<bool> fill(const Context& context) {
    std::array<char, kBufferBytes> buffer;
    BR_TRY(n, plain_->read(context, buffer));
    if (n > 0) BIO_write(in_, buffer.data(), static_cast<int>(n));
    return n > 0;
  }

  std::unique_ptr<Stream> plain_;
  SSL* ssl_;
  BIO* in_ = nullptr;   // owned by ssl_
  BIO* out_ = nullptr;  // owned by ssl_
};

Error tls_setup_error(const std::string& what) {
  return {Code::kInvalid, Retry::kNever, what, last_tls_error(), "check the PEM files"};
}

}  // namespace

Result<std::shared_ptr<TlsContext>> make_tls_server(const TlsServerFiles& files) {
  auto context = std::make_shared<TlsContext>(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* raw = context->get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(raw, choose_http11, nullptr);
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate_pem.c_str()) != 1) {
    return std::unexpected(tls_setup_error("cannot load the certificate " + files.certificate_pem));
  }
  if (SSL_CTX_use_PrivateKey_file(raw, files.key_pem.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(raw) != 1) {
    return std::unexpected(tls_setup_error("cannot use the private key " + files.key_pem));
  }
  return context;
}

Result<std::shared_ptr<TlsContext>> make_tls_client(const std::string& ca_pem) {
  auto context = std::make_shared<TlsContext>(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* raw = context->get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  const int loaded = ca_pem.empty() ? SSL_CTX_set_default_verify_paths(raw)
                                    : SSL_CTX_load_verify_locations(raw, ca_pem.c_str(), nullptr);
  if (loaded != 1) return std::unexpected(tls_setup_error("cannot load trusted certificates"));
  return context;
}

Result<std::unique_ptr<Stream>> connect(const Context& context, const Endpoint& endpoint,
                                        TlsContext* tls) {
  BR_TRY(plain, connect_tcp(context, endpoint));
  if (tls == nullptr) return std::move(plain);
  SSL* ssl = SSL_new(tls->get());
  SSL_set_connect_state(ssl);
  SSL_set_tlsext_host_name(ssl, endpoint.host.c_str());
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, endpoint.host.c_str()) != 1) {
    X509_VERIFY_PARAM_set1_host(verify, endpoint.host.c_str(), 0);
  }
  auto stream = std::make_unique<TlsStream>(std::move(plain), ssl);
  BR_TRY(stream->handshake(context));
  return stream;
}

Result<std::unique_ptr<Stream>> tls_accept(const Context& context, std::unique_ptr<Stream> plain,
                                           TlsContext& tls) {
  SSL* ssl = SSL_new(tls.get());
  SSL_set_accept_state(ssl);
  auto stream = std::make_unique<TlsStream>(std::move(plain), ssl);
  BR_TRY(stream->handshake(context));
  return stream;
}

}  // namespace beringia::io
