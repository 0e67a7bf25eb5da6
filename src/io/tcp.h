#pragma once

#include <memory>
#include <utility>

#include "io/epoll_loop.h"
#include "io/stream.h"

namespace beringia::io {

/// A non-blocking descriptor and the loop that watches it. Owns the descriptor.
class Socket {
 public:
  explicit Socket(int fd);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }
  /// Watches on the calling fiber's loop; call before each use.
  void join_loop();
  /// Parks until the descriptor may be ready. @error kCancelled, kUnavailable (closed)
  [[nodiscard]] Result<void> wait(const Context& context, Readiness::Direction direction);
  /// Ends both directions and wakes waiters; the descriptor stays until destruction.
  void shut_down();
  /// Gives the descriptor away, unwatched. Loop thread only.
  int release();

 private:
  void leave_loop();
  int fd_;
  bool closed_ = false;
  EpollLoop* home_ = nullptr;
  std::shared_ptr<Readiness> readiness_;  // owners: this and the loop's table
};

[[nodiscard]] Result<std::unique_ptr<Stream>> connect_tcp(const Context& context,
                                                          const Endpoint& endpoint);

/// For streams without sendfile: read and write.
[[nodiscard]] Result<void> send_file_by_copy(const Context& context, Stream& stream,
                                             const FileRegion& region);

}  // namespace beringia::io
