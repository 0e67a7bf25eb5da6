#pragma once

#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/epoll_loop.h"
#include "io/stream.h"

namespace beringia::io {

/// A non-blocking descriptor that fibers wait for. Owns the descriptor. It is watched by the loop
/// that waits for it; a pooled connection that is used on another loop moves there. One fiber (or
/// thread) waits per direction.
class Socket {
 public:
  explicit Socket(int fd) : fd_{fd}, readiness_{std::make_shared<Readiness>()} {}
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }
  /// Parks until the descriptor may be ready, after it was seen not to be.
  /// @error kCancelled, kUnavailable (closed here)
  [[nodiscard]] Result<void> wait(const Context& context, Readiness::Direction direction);
  bool hung_up() const { return readiness_->hung_up(); }
  /// Ends both directions and wakes waiters; the descriptor stays until destruction. Any thread.
  void shut_down();
  /// Closing it will be a reset: what was not sent is lost, and the peer is told so.
  void reset_at_end();
  bool closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  bool join_loop();
  bool poll(const Context& context, Readiness::Direction direction) const;

  const int fd_;
  std::atomic<bool> closed_{false};
  std::atomic<int> waiting_{0};
  std::atomic<EpollLoop*> home_{nullptr};
  std::mutex moving_;
  std::shared_ptr<Readiness> readiness_;  // owners: this and the loop's table
};

using SocketAddress = sockaddr_storage;
socklen_t length_of(const SocketAddress& address);
Endpoint to_endpoint(const SocketAddress& address);
Error socket_error(const char* what, int error_number, Retry retry);

/// Addresses of an endpoint, in the order of the resolver; names are looked up on the blocking
/// pool. @error kUnavailable, kCancelled
[[nodiscard]] Result<std::vector<SocketAddress>> resolve(const Context& context,
                                                         const Endpoint& endpoint, bool passive);

/// Takes a connected, non-blocking descriptor over.
std::unique_ptr<Stream> make_tcp_stream(int fd, std::string peer);
[[nodiscard]] Result<std::unique_ptr<Stream>> connect_tcp(const Context& context,
                                                          const Endpoint& endpoint);

/// For streams without sendfile: read and write.
[[nodiscard]] Result<void> send_file_by_copy(const Context& context, Stream& stream,
                                             const FileRegion& region);

}  // namespace beringia::io
