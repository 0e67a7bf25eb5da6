#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <utility>

#include "io/runtime.h"
#include "io/socket.h"
#include "io/sync.h"
#include "io/tls_context.h"

namespace beringia::io {
namespace {

constexpr size_t kReadStep = 16 << 10;   // about one record
constexpr size_t kWriteStep = 64 << 10;  // records that go out by one send
constexpr size_t kKeptBytes = 16 << 10;  // buffer memory an idle connection keeps

/// TLS over any Stream. The engine reads and writes memory only, so no call of OpenSSL ever parks.
class TlsStream final : public Stream {
 public:
  TlsStream(std::unique_ptr<Stream> plain, SSL_CTX* context, std::string peer_name);
  ~TlsStream() override { SSL_free(ssl_); }

  /// As client: verifies that the certificate is for `peer_name`.
  void be_client(const Endpoint& endpoint);
  void be_server() { SSL_set_accept_state(ssl_); }
  [[nodiscard]] Result<void> handshake(const Context& context);

  Result<size_t> read(const Context& context, std::span<char> buffer) override;
  Result<void> wait_readable(const Context& context) override;
  Result<void> write(const Context& context, std::string_view bytes, bool more) override;
  Result<void> send_file(const Context& context, const FileRegion& region) override {
    return send_file_by_copy(context, *this, region);
  }
  void close() override;
  std::string peer_address() const override { return plain_->peer_address(); }
  bool is_tls() const override { return true; }

 private:
  static BIO_METHOD* memory_method();
  static int take_input(BIO* bio, char* data, int size);
  static int add_output(BIO* bio, const char* data, int size);
  enum class Patience { kWaitForOthers, kLeaveToOthers };
  [[nodiscard]] Result<void> flush(const Context& context, Patience patience);
  [[nodiscard]] Result<bool> fill(const Context& context);

  std::unique_ptr<Stream> plain_;
  const std::string peer_name_;  // key of the session to resume
  std::mutex mutex_;             // guards the engine and what follows; never held across I/O
  SSL* ssl_;
  std::string input_;  // from the peer, not yet taken by the engine
  size_t input_at_ = 0;
  std::string output_;  // of the engine, not yet sent
  bool flushing_ = false;
  bool broken_ = false;  // a part of a record was lost on the way out
  WaitQueue flushed_;
};

BIO_METHOD* TlsStream::memory_method() {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "beringia");
    BIO_meth_set_read(method, take_input);
    BIO_meth_set_write(method, add_output);
    BIO_meth_set_ctrl(method, [](BIO*, int command, long, void*) -> long {
      return command == BIO_CTRL_FLUSH ? 1 : 0;
    });
    return method;
  }();
  return kMethod;
}

int TlsStream::take_input(BIO* bio, char* data, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const size_t n = std::min(static_cast<size_t>(size), self.input_.size() - self.input_at_);
  if (n == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(data, self.input_.data() + self.input_at_, n);
  self.input_at_ += n;
  if (self.input_at_ == self.input_.size()) {
    self.input_.clear();
    self.input_at_ = 0;
    if (self.input_.capacity() > kKeptBytes) self.input_ = {};
  }
  return static_cast<int>(n);
}

int TlsStream::add_output(BIO* bio, const char* data, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  self.output_.append(data, static_cast<size_t>(size));
  return size;
}

TlsStream::TlsStream(std::unique_ptr<Stream> plain, SSL_CTX* context, std::string peer_name)
    : plain_{std::move(plain)}, peer_name_{std::move(peer_name)}, ssl_{SSL_new(context)} {
  BIO* bio = BIO_new(memory_method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
}

void TlsStream::be_client(const Endpoint& endpoint) {
  SSL_set_connect_state(ssl_);
  X509_VERIFY_PARAM* verify = SSL_get0_param(ssl_);
  X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, endpoint.host.c_str()) != 1) {
    // A name, not a literal (RFC 6066: those are not sent).
    X509_VERIFY_PARAM_set1_host(verify, endpoint.host.c_str(), 0);
    SSL_set_tlsext_host_name(ssl_, endpoint.host.c_str());
  }
  resume_session(ssl_, peer_name_);
}

Result<void> TlsStream::handshake(const Context& context) {
  for (;;) {
    int done = 0;
    int why = SSL_ERROR_NONE;
    std::string reason;
    {
      std::lock_guard lock{mutex_};
      ERR_clear_error();
      done = SSL_do_handshake(ssl_);
      if (done != 1) why = SSL_get_error(ssl_, done);
      if (done != 1 && why != SSL_ERROR_WANT_READ) reason = last_tls_error();
      if (const long verdict = SSL_get_verify_result(ssl_);
          !reason.empty() && verdict != X509_V_OK) {
        reason += std::string{" ("} + X509_verify_cert_error_string(verdict) + ")";
      }
    }
    auto sent = flush(context, Patience::kWaitForOthers);  // an alert, too
    if (!reason.empty()) {
      return std::unexpected(Error{Code::kUnavailable, Retry::kNever, "the TLS handshake failed",
                                   reason, "check certificates and host name"});
    }
    BR_TRY(std::move(sent));
    if (done == 1) break;
    BR_TRY(more, fill(context));
    if (!more) return std::unexpected(unavailable("the TLS handshake was cut off"));
  }
  std::lock_guard lock{mutex_};
  keep_session(ssl_);
  return {};
}

Result<size_t> TlsStream::read(const Context& context, std::span<char> buffer) {
  for (;;) {
    int n = 0;
    int why = SSL_ERROR_NONE;
    std::string reason;
    bool to_send = false;
    {
      std::lock_guard lock{mutex_};
      ERR_clear_error();
      n = SSL_read(ssl_, buffer.data(), static_cast<int>(std::min<size_t>(buffer.size(), 1 << 30)));
      if (n <= 0) why = SSL_get_error(ssl_, n);
      if (n <= 0 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_ZERO_RETURN) {
        reason = last_tls_error();
      }
      to_send = !output_.empty();
    }
    if (n > 0) return static_cast<size_t>(n);
    if (why == SSL_ERROR_ZERO_RETURN) return 0;
    if (!reason.empty()) return std::unexpected(unavailable("cannot receive over TLS", reason));
    // Answers of the engine, or what write() kept back: this side waits now, so it must go.
    if (to_send) BR_TRY(flush(context, Patience::kLeaveToOthers));
    BR_TRY(more, fill(context));
    if (!more) {
      return std::unexpected(unavailable("the TLS connection was cut off",
                                         "the peer closed it without saying so (close_notify)"));
    }
  }
}

Result<void> TlsStream::wait_readable(const Context& context) {
  {
    std::lock_guard lock{mutex_};
    if (!input_.empty() || SSL_pending(ssl_) > 0 || !output_.empty()) return {};
  }
  return plain_->wait_readable(context);
}

Result<void> TlsStream::write(const Context& context, std::string_view bytes, bool more) {
  while (!bytes.empty()) {
    bool full = false;
    {
      std::lock_guard lock{mutex_};
      if (broken_) return std::unexpected(unavailable("the connection was broken"));
      ERR_clear_error();
      while (!bytes.empty() && output_.size() < kWriteStep) {
        const int step = static_cast<int>(std::min(bytes.size(), kWriteStep));
        const int n = SSL_write(ssl_, bytes.data(), step);
        if (n <= 0) {
          return std::unexpected(unavailable("cannot send over TLS", last_tls_error()));
        }
        bytes.remove_prefix(static_cast<size_t>(n));
      }
      full = output_.size() >= kWriteStep;
    }
    if (full || (bytes.empty() && !more)) BR_TRY(flush(context, Patience::kWaitForOthers));
  }
  if (!more) return flush(context, Patience::kWaitForOthers);
  return {};
}

/// Sends what the engine has made, in its order: one fiber at a time. A reader that finds another
/// one sending leaves it to that one: it must not wait for the peer to read.
Result<void> TlsStream::flush(const Context& context, Patience patience) {
  std::unique_lock lock{mutex_};
  while (flushing_) {
    if (patience == Patience::kLeaveToOthers) return {};
    BR_TRY(flushed_.wait(context, lock));
  }
  if (broken_) return std::unexpected(unavailable("the connection was broken"));
  if (output_.empty()) return {};
  flushing_ = true;
  Result<void> sent;
  std::string batch;
  while (sent && !output_.empty()) {
    batch.clear();
    batch.swap(output_);
    lock.unlock();
    sent = plain_->write(context, batch, false);
    lock.lock();
  }
  if (!sent) broken_ = true;
  if (output_.empty() && batch.capacity() <= kKeptBytes) output_.swap(batch);
  output_.clear();
  flushing_ = false;
  flushed_.notify_all();
  return sent;
}

/// false: the peer closed.
Result<bool> TlsStream::fill(const Context& context) {
  std::array<char, kReadStep> buffer;
  BR_TRY(n, plain_->read(context, buffer));
  std::lock_guard lock{mutex_};
  input_.append(buffer.data(), n);
  return n > 0;
}

void TlsStream::close() {
  bool idle = false;
  {
    std::lock_guard lock{mutex_};
    idle = !flushing_ && !broken_ && SSL_is_init_finished(ssl_) == 1;
    if (idle) {
      ERR_clear_error();
      SSL_shutdown(ssl_);  // close_notify
      ERR_clear_error();
    }
  }
  // A context without time: what the kernel takes at once goes out, nothing waits.
  if (idle) {
    (void)flush(Context{}.with_deadline(now()), Patience::kLeaveToOthers);
  }
  plain_->close();
}

}  // namespace

Result<std::unique_ptr<Stream>> connect(const Context& context, const Endpoint& endpoint,
                                        TlsContext* tls) {
  BR_TRY(plain, connect_tcp(context, endpoint));
  if (tls == nullptr) return std::move(plain);
  auto stream = std::make_unique<TlsStream>(std::move(plain), tls->get(), endpoint.to_string());
  stream->be_client(endpoint);
  if (auto done = stream->handshake(context); !done) {
    return std::unexpected(std::move(done).error().during("connecting to " + endpoint.to_string()));
  }
  return stream;
}

Result<std::unique_ptr<Stream>> tls_accept(const Context& context, std::unique_ptr<Stream> plain,
                                           TlsContext& tls) {
  auto stream = std::make_unique<TlsStream>(std::move(plain), tls.get(), "");
  stream->be_server();
  BR_TRY(stream->handshake(context));
  return stream;
}

}  // namespace beringia::io
