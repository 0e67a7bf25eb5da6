#include "io/tcp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "io/disk.h"
#include "io/runtime.h"

namespace beringia::io {
namespace {

constexpr size_t kSendfileSlice = 1 << 20;  // bounded, so that one big body does not hold the loop

Error socket_error(const char* what, int error_number, Retry retry = Retry::kSafe) {
  return {Code::kUnavailable, retry, what, std::strerror(error_number)};
}

std::string to_text(const sockaddr_storage& address) {
  char host[INET6_ADDRSTRLEN] = {};
  uint16_t port = 0;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
    port = ntohs(v6.sin6_port);
  }
  return Endpoint{host, port}.to_string();
}

/// Addresses of a name; resolved on the blocking pool.
Result<std::vector<sockaddr_storage>> resolve(const Endpoint& endpoint, bool passive) {
  return blocking([&]() -> Result<std::vector<sockaddr_storage>> {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = passive ? AI_PASSIVE : 0;
    addrinfo* list = nullptr;
    const std::string port = std::to_string(endpoint.port);
    const int failed = ::getaddrinfo(endpoint.host.empty() ? nullptr : endpoint.host.c_str(),
                                     port.c_str(), &hints, &list);
    if (failed != 0) {
      return std::unexpected(
          unavailable("cannot resolve " + endpoint.host, ::gai_strerror(failed)));
    }
    std::vector<sockaddr_storage> found;
    for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
      sockaddr_storage address{};
      std::memcpy(&address, item->ai_addr, item->ai_addrlen);
      found.push_back(address);
    }
    ::freeaddrinfo(list);
    return found;
  });
}

socklen_t length_of(const sockaddr_storage& address) {
  return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

void set_nodelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Socket::Socket(int fd) : fd_{fd} {}

Socket::~Socket() {
  leave_loop();
  if (fd_ >= 0) ::close(fd_);
}

/// Watches the descriptor on the calling fiber's loop. A socket that was used on another loop (a
/// pooled connection) moves: the old loop forgets the old descriptor on its own thread.
void Socket::join_loop() {
  auto* loop = dynamic_cast<EpollLoop*>(Loop::current());
  if (loop == home_ || loop == nullptr) return;
  if (home_ != nullptr) {
    const int moved = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    home_->post([old_home = home_, old = fd_] {
      old_home->unwatch(old);
      ::close(old);
    });
    fd_ = moved;
  }
  home_ = loop;
  readiness_ = std::make_shared<Readiness>();
  home_->watch(fd_, readiness_);
}

void Socket::leave_loop() {
  if (home_ == nullptr) return;
  if (Loop::current() == home_) {
    home_->unwatch(fd_);
  } else {
    home_->post([home = home_, fd = std::exchange(fd_, -1), keep = readiness_] {
      home->unwatch(fd);
      ::close(fd);
    });
  }
  home_ = nullptr;
}

Result<void> Socket::wait(const Context& context, Readiness::Direction direction) {
  BR_TRY(context.check(now()));
  bool ready = false;
  if (on_fiber() && home_ != nullptr) {
    ready = readiness_->wait(direction, context);
  } else {
    pollfd item{fd_, static_cast<short>(direction == Readiness::kRead ? POLLIN : POLLOUT), 0};
    int timeout = -1;
    if (context.deadline()) {
      timeout = static_cast<int>(
          std::max<int64_t>(0, (*context.deadline() - now()).count() / 1'000'000) + 1);
    }
    ready = ::poll(&item, 1, timeout) > 0;
  }
  if (ready) return {};
  if (closed_) return std::unexpected(unavailable("the connection was closed"));
  BR_TRY(context.check(now()));
  return std::unexpected(cancelled("the deadline has passed"));
}

void Socket::shut_down() {
  if (std::exchange(closed_, true)) return;
  ::shutdown(fd_, SHUT_RDWR);
  if (readiness_) readiness_->close();
}

namespace {

class TcpStream final : public Stream {
 public:
  TcpStream(int fd, std::string peer) : socket_{fd}, peer_{std::move(peer)} {}

  Result<size_t> read(const Context& context, std::span<char> buffer) override {
    socket_.join_loop();
    for (;;) {
      const ssize_t n = ::recv(socket_.fd(), buffer.data(), buffer.size(), 0);
      if (n >= 0) return static_cast<size_t>(n);
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return std::unexpected(socket_error("cannot receive", errno));
      BR_TRY(socket_.wait(context, Readiness::kRead));
    }
  }

  Result<void> write(const Context& context, std::string_view bytes, bool more) override {
    socket_.join_loop();
    while (!bytes.empty()) {
      const ssize_t n =
          ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | (more ? MSG_MORE : 0));
      if (n >= 0) {
        bytes.remove_prefix(static_cast<size_t>(n));
        continue;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        return std::unexpected(socket_error("cannot send", errno, Retry::kMaybeApplied));
      }
      BR_TRY(socket_.wait(context, Readiness::kWrite));
    }
    return {};
  }

  Result<void> send_file(const Context& context, const FileRegion& region) override {
    socket_.join_loop();
    const int source = region.file->descriptor();
    if (source < 0) return send_file_by_copy(context, *this, region);
    auto offset = static_cast<off_t>(region.range.offset);
    uint64_t left = region.range.length;
    while (left > 0) {
      const size_t slice = std::min<uint64_t>(left, kSendfileSlice);
      const ssize_t n = ::sendfile(socket_.fd(), source, &offset, slice);
      if (n > 0) {
        left -= static_cast<uint64_t>(n);
        if (left > 0 && static_cast<size_t>(n) == slice) yield();
        continue;
      }
      if (n == 0) return std::unexpected(corrupt("a file ended while it was sent"));
      if (errno == EINTR) continue;
      if (errno != EAGAIN) {
        return std::unexpected(socket_error("cannot send a file", errno, Retry::kMaybeApplied));
      }
      BR_TRY(socket_.wait(context, Readiness::kWrite));
    }
    return {};
  }

  void close() override { socket_.shut_down(); }
  std::string peer_address() const override { return peer_; }
  bool is_tls() const override { return false; }

 private:
  Socket socket_;
  std::string peer_;
};

class TcpListener final : public Listener {
 public:
  TcpListener(int fd, uint16_t port) : socket_{fd}, port_{port} {
    reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  ~TcpListener() override {
    if (reserve_ >= 0) ::close(reserve_);
  }

  Result<std::unique_ptr<Stream>> accept(const Context& context) override {
    socket_.join_loop();
    for (;;) {
      sockaddr_storage peer{};
      socklen_t length = sizeof peer;
      const int fd = ::accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&peer), &length,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        set_nodelay(fd);
        return std::make_unique<TcpStream>(fd, to_text(peer));
      }
      if (errno == EMFILE || errno == ENFILE) {
        refuse_one();
        BR_TRY(sleep_for(context, std::chrono::milliseconds{10}));
      } else if (errno == EAGAIN) {
        BR_TRY(socket_.wait(context, Readiness::kRead));
      } else if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) {
        return std::unexpected(socket_error("cannot accept", errno));
      }
    }
  }
  uint16_t port() const override { return port_; }
  void close() override { socket_.shut_down(); }

 private:
  /// Out of descriptors: the reserve one takes a waiting connection off the queue and drops it, so
  /// that clients see a reset instead of hanging.
  void refuse_one() {
    if (reserve_ >= 0) ::close(reserve_);
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

  Socket socket_;
  uint16_t port_;
  int reserve_ = -1;
};

Result<int> connect_one(const Context& context, const sockaddr_storage& address) {
  const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(socket_error("cannot make a socket", errno));
  Socket socket{fd};
  set_nodelay(fd);
  socket.join_loop();
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), length_of(address)) != 0) {
    if (errno != EINPROGRESS) return std::unexpected(socket_error("cannot connect", errno));
    int failure = 0;
    socklen_t length = sizeof failure;
    for (bool pending = true; pending;) {
      BR_TRY(socket.wait(context, Readiness::kWrite));
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length);
      sockaddr_storage peer{};
      socklen_t peer_length = sizeof peer;
      // A first edge may come before the handshake has ended.
      pending =
          failure == 0 && ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_length) != 0;
    }
    if (failure != 0) return std::unexpected(socket_error("cannot connect", failure));
  }
  return socket.release();
}

}  // namespace

int Socket::release() {
  if (home_ != nullptr) home_->unwatch(fd_);
  home_ = nullptr;
  return std::exchange(fd_, -1);
}

Result<void> send_file_by_copy(const Context& context, Stream& stream, const FileRegion& region) {
  constexpr size_t kStep = 64 << 10;
  std::string buffer(std::min<uint64_t>(kStep, region.range.length), '\0');
  FileSource source{region};
  for (;;) {
    BR_TRY(n, source.read(context, buffer));
    if (n == 0) return {};
    BR_TRY(stream.write(context, std::string_view{buffer}.substr(0, n), false));
  }
}

Result<std::unique_ptr<Stream>> connect_tcp(const Context& context, const Endpoint& endpoint) {
  BR_TRY(addresses, resolve(endpoint, false));
  std::optional<Error> last;
  for (const auto& address : addresses) {
    auto fd = connect_one(context, address);
    if (fd) return std::make_unique<TcpStream>(*fd, to_text(address));
    last = std::move(fd).error();
    if (last->code() == Code::kCancelled) break;
  }
  if (!last) last = unavailable("cannot connect", "the name has no address");
  return std::unexpected(std::move(*last).during(endpoint.to_string()));
}

Result<std::unique_ptr<Listener>> Listener::bind(const Endpoint& endpoint) {
  BR_TRY(addresses, resolve(endpoint, true));
  std::optional<Error> last;
  for (const auto& address : addresses) {
    const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length_of(address)) == 0 &&
        ::listen(fd, SOMAXCONN) == 0 &&
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) == 0) {
      const uint16_t port =
          ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(bound).sin_port
                                           : reinterpret_cast<sockaddr_in6&>(bound).sin6_port);
      return std::make_unique<TcpListener>(fd, port);
    }
    last = Error{Code::kUnavailable, Retry::kNever, "cannot listen on " + endpoint.to_string(),
                 std::strerror(errno), "choose another address or stop what uses it"};
    ::close(fd);
  }
  if (!last) last = unavailable("cannot listen on " + endpoint.to_string(), "no such address");
  return std::unexpected(std::move(*last));
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto bad = [&] {
    return invalid("not an address: \"" + std::string{text} + "\"", {},
                   "write HOST:PORT, [V6]:PORT or :PORT");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::unexpected(bad());
  uint32_t port = 0;
  const std::string_view digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 5) return std::unexpected(bad());
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::unexpected(bad());
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port > 65535) return std::unexpected(bad());
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return std::unexpected(bad());
  return Endpoint{std::string{host}, static_cast<uint16_t>(port)};
}

std::string Endpoint::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace beringia::io
