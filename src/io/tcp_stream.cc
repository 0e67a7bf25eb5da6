#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "io/disk.h"
#include "io/runtime.h"
#include "io/socket.h"

namespace beringia::io {
namespace {

constexpr size_t kSendfileSlice = 1 << 20;  // bounded, so that one big body does not hold the loop
constexpr size_t kCopyStep = 64 << 10;
constexpr size_t kFairBytes = 1 << 20;  // moved without parking before others get their turn
constexpr size_t kCallBytes = 4 << 10;  // what one system call counts for besides its bytes

/// sendfile(2) has no MSG_NOSIGNAL: a broken connection must not end the process.
void ignore_sigpipe() {
  static const bool kDone = [] {
    struct sigaction old{};
    ::sigaction(SIGPIPE, nullptr, &old);
    if (old.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
    return true;
  }();
  (void)kDone;
}

class TcpStream final : public Stream {
 public:
  TcpStream(int fd, std::string peer) : socket_{fd}, peer_{std::move(peer)} {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ignore_sigpipe();
  }

  Result<void> connect(const Context& context, const SocketAddress& address) {
    if (::connect(socket_.fd(), reinterpret_cast<const sockaddr*>(&address), length_of(address)) ==
        0) {
      return {};
    }
    if (errno != EINPROGRESS && errno != EINTR) {
      return std::unexpected(socket_error("cannot connect", errno, Retry::kSafe));
    }
    for (;;) {
      BR_TRY(socket_.wait(context, Readiness::kWrite));
      int failure = 0;
      socklen_t length = sizeof failure;
      ::getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &failure, &length);
      if (failure != 0) {
        return std::unexpected(socket_error("cannot connect", failure, Retry::kSafe));
      }
      SocketAddress peer{};
      socklen_t peer_length = sizeof peer;
      // An edge may come before the handshake has ended.
      if (::getpeername(socket_.fd(), reinterpret_cast<sockaddr*>(&peer), &peer_length) == 0) {
        return {};
      }
    }
  }

  Result<size_t> read(const Context& context, std::span<char> buffer) override {
    for (;;) {
      BR_TRY(wait_readable(context));
      const ssize_t n = ::recv(socket_.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n > 0) {
        // A short read has emptied the socket: what comes next makes a new edge, unless the end of
        // the stream came before and its edge is used up.
        drained_ = static_cast<size_t>(n) < buffer.size() && !socket_.hung_up();
        be_fair(unparked_read_, static_cast<size_t>(n));
        return static_cast<size_t>(n);
      }
      if (n == 0) {
        if (socket_.closed()) return std::unexpected(unavailable("the connection was closed"));
        return 0;
      }
      if (errno == EAGAIN) {
        drained_ = true;
      } else if (errno != EINTR) {
        return std::unexpected(socket_error("cannot receive", errno, Retry::kSafe));
      }
    }
  }

  Result<void> wait_readable(const Context& context) override {
    if (!drained_) return {};
    BR_TRY(socket_.wait(context, Readiness::kRead));
    drained_ = false;
    unparked_read_ = 0;
    return {};
  }

  Result<void> write(const Context& context, std::string_view bytes, bool more) override {
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_.fd(), bytes.data(), bytes.size(), flags);
      if (n >= 0) {
        bytes.remove_prefix(static_cast<size_t>(n));
        be_fair(unparked_write_, static_cast<size_t>(n));
      } else if (errno == EAGAIN) {
        BR_TRY(wait_writable(context));
      } else if (errno != EINTR) {
        return std::unexpected(socket_error("cannot send", errno, Retry::kMaybeApplied));
      }
    }
    return {};
  }

  Result<void> send_file(const Context& context, const FileRegion& region) override {
    if (region.file->descriptor() < 0) return send_file_by_copy(context, *this, region);
    auto offset = static_cast<off_t>(region.range.offset);
    uint64_t left = region.range.length;
    while (left > 0) {
      const size_t slice = std::min<uint64_t>(left, kSendfileSlice);
      const ssize_t n = send_slice(*region.file, offset, slice);
      if (n > 0) {
        left -= static_cast<uint64_t>(n);
        be_fair(unparked_write_, static_cast<size_t>(n));
      } else if (n == 0) {
        return std::unexpected(corrupt("a file ended while it was sent"));
      } else if (errno == EAGAIN) {
        BR_TRY(wait_writable(context));
      } else if (errno == EINVAL || errno == ENOSYS) {
        // A file system without it: go on by copying.
        const ByteRange rest{static_cast<uint64_t>(offset), left};
        return send_file_by_copy(context, *this, {region.file, rest});
      } else if (errno != EINTR) {
        return std::unexpected(socket_error("cannot send a file", errno, Retry::kMaybeApplied));
      }
    }
    return {};
  }

  void close() override { socket_.shut_down(); }
  void reset_at_end() override { socket_.reset_at_end(); }
  std::string peer_address() const override { return peer_; }
  bool is_tls() const override { return false; }

 private:
  /// A peer that is as fast as we are must not keep the loop for itself.
  static void be_fair(size_t& unparked, size_t bytes) {
    unparked += bytes + kCallBytes;
    if (unparked < kFairBytes) return;
    unparked = 0;
    yield();
  }

  Result<void> wait_writable(const Context& context) {
    unparked_write_ = 0;
    return socket_.wait(context, Readiness::kWrite);
  }

  /// sendfile(2) reads pages that are not cached while its caller waits: that happens on the pool.
  /// Sets errno like it.
  ssize_t send_slice(File& file, off_t& offset, size_t bytes) {
    const auto first = static_cast<uint64_t>(offset);
    char probe = 0;
    const bool cached = file.try_read_cached(first, {&probe, 1}).has_value() &&
                        file.try_read_cached(first + bytes - 1, {&probe, 1}).has_value();
    if (cached || !on_fiber()) return ::sendfile(socket_.fd(), file.descriptor(), &offset, bytes);
    const auto [sent, error_number] = blocking([&] {
      const ssize_t n = ::sendfile(socket_.fd(), file.descriptor(), &offset, bytes);
      return std::pair{n, errno};
    });
    errno = error_number;
    return sent;
  }

  Socket socket_;
  const std::string peer_;
  // Of the reading and of the writing fiber, each for itself.
  bool drained_ = false;
  size_t unparked_read_ = 0;
  size_t unparked_write_ = 0;
};

}  // namespace

std::unique_ptr<Stream> make_tcp_stream(int fd, std::string peer) {
  return std::make_unique<TcpStream>(fd, std::move(peer));
}

Result<std::unique_ptr<Stream>> connect_tcp(const Context& context, const Endpoint& endpoint) {
  BR_TRY(addresses, resolve(context, endpoint, false));
  std::optional<Error> last;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const SocketAddress& address = addresses[i];
    const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      last = socket_error("cannot make a socket", errno, Retry::kSafe);
      continue;
    }
    auto stream = std::make_unique<TcpStream>(fd, to_endpoint(address).to_string());
    // An address that swallows packets must leave time for the others.
    Context attempt = context;
    const auto more = static_cast<int64_t>(addresses.size() - i);
    if (context.deadline() && more > 1) {
      attempt = context.with_deadline(now() + (*context.deadline() - now()) / more);
    }
    auto connected = stream->connect(attempt, address);
    if (connected) return stream;
    last = std::move(connected).error();
    if (!context.check(now())) break;
  }
  if (!last) last = unavailable("cannot connect", "the name has no address");
  if (last->code() == Code::kCancelled && context.check(now())) {
    last = unavailable("cannot connect", "no answer in time");
  }
  return std::unexpected(std::move(*last).during("connecting to " + endpoint.to_string()));
}

Result<void> send_file_by_copy(const Context& context, Stream& stream, const FileRegion& region) {
  std::string buffer(std::min<uint64_t>(kCopyStep, region.range.length), '\0');
  FileSource source{region};
  for (;;) {
    BR_TRY(n, source.read(context, buffer));
    if (n == 0) return {};
    const bool more = source.remaining() != uint64_t{0};
    BR_TRY(stream.write(context, std::string_view{buffer}.substr(0, n), more));
  }
}

}  // namespace beringia::io
