#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "io/runtime.h"
#include "io/socket.h"

namespace beringia::io {
namespace {

constexpr Duration kPause = std::chrono::milliseconds{10};  // when the system is out of something

class TcpListener final : public Listener {
 public:
  TcpListener(int fd, uint16_t port) : socket_{fd}, port_{port} { take_reserve(); }
  ~TcpListener() override {
    if (reserve_ >= 0) ::close(reserve_);
  }

  Result<std::unique_ptr<Stream>> accept(const Context& context) override {
    for (;;) {
      if (socket_.closed()) return std::unexpected(unavailable("the listener was closed"));
      SocketAddress peer{};
      socklen_t length = sizeof peer;
      const int fd = ::accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&peer), &length,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) return make_tcp_stream(fd, to_endpoint(peer).to_string());
      switch (errno) {
        case EAGAIN: BR_TRY(socket_.wait(context, Readiness::kRead)); break;
        case EMFILE:
        case ENFILE:
          refuse_one();
          BR_TRY(sleep_for(context, kPause));
          break;
        case ENOBUFS:
        case ENOMEM: BR_TRY(sleep_for(context, kPause)); break;
        case EBADF:
        case EINVAL:  // shut down
        case ENOTSOCK: return std::unexpected(socket_error("cannot accept", errno, Retry::kNever));
        default: break;  // of the connection, not of the listener (accept(2))
      }
    }
  }

  uint16_t port() const override { return port_; }
  void close() override { socket_.shut_down(); }

 private:
  void take_reserve() { reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

  /// Out of descriptors: the reserve one takes a waiting connection off the queue and drops it, so
  /// that its client sees a reset instead of hanging.
  void refuse_one() {
    if (reserve_ >= 0) ::close(reserve_);
    const int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) ::close(fd);
    take_reserve();
  }

  Socket socket_;
  const uint16_t port_;
  int reserve_ = -1;
};

uint16_t port_of(const SocketAddress& address) {
  return ntohs(address.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                   : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

std::unique_ptr<Listener> listen_on(const SocketAddress& address, int& error_number) {
  const int fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    error_number = errno;
    return nullptr;
  }
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  // "All addresses" means both families, whatever the system's default is.
  if (address.ss_family == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  SocketAddress bound{};
  socklen_t length = sizeof bound;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length_of(address)) == 0 &&
      ::listen(fd, SOMAXCONN) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) == 0) {
    return std::make_unique<TcpListener>(fd, port_of(bound));
  }
  error_number = errno;
  ::close(fd);
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::bind(const Endpoint& endpoint) {
  BR_TRY(addresses, resolve(Context{}, endpoint, true));
  int error_number = EADDRNOTAVAIL;
  // "All addresses": prefer the socket that takes both families.
  for (const int family : {AF_INET6, AF_INET}) {
    if (!endpoint.host.empty()) break;
    for (const auto& address : addresses) {
      if (address.ss_family != family) continue;
      if (auto listener = listen_on(address, error_number)) return listener;
    }
  }
  for (const auto& address : addresses) {
    if (auto listener = listen_on(address, error_number)) return listener;
  }
  return std::unexpected(
      Error{Code::kUnavailable, Retry::kNever, "cannot listen on " + endpoint.to_string(),
            std::strerror(error_number), "choose another address or stop what uses it"});
}

}  // namespace beringia::io
