#include "io/socket.h"

#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::io {
namespace {

constexpr int64_t kPollSliceMs = 20;  // plain threads look for a cancellation this often

}  // namespace

Socket::~Socket() { ::close(fd_); }

/// Watches the descriptor on the calling fiber's loop. While somebody waits it stays where it is:
/// signals reach waiters of other loops and threads too. false: it cannot be watched.
bool Socket::join_loop() {
  Loop* const current = Loop::current();
  EpollLoop* const here = current == nullptr ? nullptr : current->epoll();
  if (here == nullptr || home_.load(std::memory_order_acquire) == here) return true;
  std::lock_guard lock{moving_};
  EpollLoop* const old = home_.load(std::memory_order_acquire);
  if (old == here || (old != nullptr && waiting_.load(std::memory_order_acquire) > 0)) {
    return true;
  }
  if (old != nullptr) old->forget(fd_);
  // Adding reports at once what is ready already: no edge is lost on the way.
  const bool watched = here->watch(fd_, readiness_);
  home_.store(watched ? here : nullptr, std::memory_order_release);
  return watched;
}

Result<void> Socket::wait(const Context& context, Readiness::Direction direction) {
  if (closed()) return std::unexpected(unavailable("the connection was closed"));
  if (!join_loop()) {
    return std::unexpected(Error{Code::kBusy, Retry::kSafe, "cannot watch a connection",
                                 std::strerror(errno), "raise fs.epoll.max_user_watches"});
  }
  bool ready = false;
  if (home_.load(std::memory_order_acquire) != nullptr) {
    waiting_.fetch_add(1, std::memory_order_acq_rel);
    ready = readiness_->wait(context, direction);
    waiting_.fetch_sub(1, std::memory_order_acq_rel);
  } else {
    ready = poll(context, direction);
  }
  if (closed()) return std::unexpected(unavailable("the connection was closed"));
  if (ready) return {};
  BR_TRY(context.check(now()));
  return std::unexpected(cancelled("the deadline has passed"));
}

/// A plain thread, and no loop watches: the kernel's own waiting.
bool Socket::poll(const Context& context, Readiness::Direction direction) const {
  for (;;) {
    int64_t slice = context.cancel() ? kPollSliceMs : -1;
    if (context.deadline()) {
      const int64_t left = std::max<int64_t>(
          0, (*context.deadline() - SystemClock{}.monotonic()).count() / 1'000'000 + 1);
      slice = slice < 0 ? left : std::min(slice, left);
    }
    pollfd item{fd_, static_cast<short>(direction == Readiness::kRead ? POLLIN : POLLOUT), 0};
    if (::poll(&item, 1, static_cast<int>(std::min<int64_t>(slice, 60'000))) > 0) return true;
    if (closed()) return true;
    if (!context.check(SystemClock{}.monotonic())) return false;
  }
}

void Socket::shut_down() {
  if (closed_.exchange(true, std::memory_order_acq_rel)) return;
  ::shutdown(fd_, SHUT_RDWR);
  readiness_->signal(true, true, true);
}

void Socket::reset_at_end() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

socklen_t length_of(const SocketAddress& address) {
  return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

Error socket_error(const char* what, int error_number, Retry retry) {
  return {Code::kUnavailable, retry, what, std::strerror(error_number)};
}

namespace {

Result<std::vector<SocketAddress>> look_up(const Endpoint& endpoint, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const char* host = endpoint.host.empty() ? nullptr : endpoint.host.c_str();
  const int failed = ::getaddrinfo(host, port.c_str(), &hints, &list);
  if (failed != 0) {
    return std::unexpected(unavailable("cannot resolve " + endpoint.host, ::gai_strerror(failed)));
  }
  std::vector<SocketAddress> found;
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    SocketAddress address{};
    std::memcpy(&address, item->ai_addr, item->ai_addrlen);
    found.push_back(address);
  }
  ::freeaddrinfo(list);
  return found;
}

/// A look-up that may outlast the one who asked for it.
struct Lookup {
  Event done;
  Result<std::vector<SocketAddress>> result;
};

}  // namespace

Result<std::vector<SocketAddress>> resolve(const Context& context, const Endpoint& endpoint,
                                           bool passive) {
  const int flags = passive ? AI_PASSIVE : 0;
  // Literals need no look-up and no thread.
  auto literal = look_up(endpoint, flags | AI_NUMERICHOST);
  if (literal || !on_fiber()) return literal ? std::move(literal) : look_up(endpoint, flags);
  auto lookup = std::make_shared<Lookup>();  // owners: the one who asks and the fiber that looks
  Loop::current()->start([lookup, endpoint, flags] {
    lookup->result = blocking([&] { return look_up(endpoint, flags); });
    lookup->done.set();
  });
  if (auto waited = lookup->done.wait(context); !waited) {
    return std::unexpected(std::move(waited).error().during("resolving " + endpoint.host));
  }
  return std::move(lookup->result);
}

}  // namespace beringia::io
