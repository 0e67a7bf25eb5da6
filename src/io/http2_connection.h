#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "io/http2_stream.h"
#include "io/http_connection.h"

namespace beringia::io {

/// The server side of one HTTP/2 connection: frames by libnghttp2, which does no I/O; one fiber
/// reads, one writes, one per stream handles it, all on the loop of the connection.
class Http2Connection {
 public:
  Http2Connection(HttpServerShared& shared, HttpServerShared::Tokens& tokens, Stream& stream);
  ~Http2Connection();
  Http2Connection(const Http2Connection&) = delete;
  Http2Connection& operator=(const Http2Connection&) = delete;
  /// Serves until the connection ends. `first`: bytes that were read already, with the preface.
  void run(std::string_view first);

 private:
  friend class Http2Stream;
  using StreamPointer = std::shared_ptr<Http2Stream>;  // owners: streams_ and the handler's fiber

  struct Callbacks;  // what nghttp2 calls, with the mutex held

  bool set_up();
  bool take(std::string_view bytes);
  bool read_more();
  void drain();
  void stop_now();
  void cancel_gone();
  void end();
  void start_handler(const StreamPointer& stream);
  void handle(const StreamPointer& stream);
  void after_handler(Http2Stream& stream);
  Result<void> write_frames();
  StreamPointer find(int32_t id);
  void wake_writer() { to_write_.notify_one(); }
  bool too_many_resets();

  HttpServerShared& shared_;
  const HttpServerLimits& limits_;
  HttpServerShared::Tokens& tokens_;
  Stream& stream_;
  std::shared_ptr<CancelToken> reading_ = std::make_shared<CancelToken>();

  std::mutex mutex_;  // guards all below and the streams; never held across I/O
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, StreamPointer> streams_;
  std::vector<std::shared_ptr<CancelToken>> gone_;  // cancelled once the mutex is free
  std::vector<StreamPointer> begun_;                // handlers to start, likewise
  size_t running_ = 0;                              // handlers
  size_t resets_ = 0;
  MonotonicTime resets_since_;
  bool draining_ = false;
  bool closing_ = false;
  WaitQueue to_write_;
  std::string batch_;  // frames that go out next; the writer's while it writes
  Scope* scope_ = nullptr;
};

}  // namespace beringia::io
