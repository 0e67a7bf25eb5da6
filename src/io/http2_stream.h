#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "io/http2.h"
#include "io/sync.h"

namespace beringia::io {

class Http2Connection;

/// One stream of a connection: what came of its request, what is to go of its answer. Shared by the
/// connection and the handler's fiber, which outlive each other; guarded by the connection's mutex.
class Http2Stream final : public Http2Exchange, public ByteSource {
 public:
  Http2Stream(Http2Connection& connection, int32_t id) : connection_{connection}, id_{id} {}

  HttpRequest& request() override { return request_; }
  Result<void> send_head(int status, const HttpHeaders& headers) override;
  Result<void> give(const Context& context, OwnedBytes bytes) override;
  Result<void> finish(const HttpHeaders& trailers) override;
  /// Bytes of the request.
  Result<size_t> read(const Context& context, std::span<char> buffer) override;

 private:
  friend class Http2Connection;

  Http2Connection& connection_;
  const int32_t id_;
  HttpRequest request_;
  size_t header_bytes_ = 0;
  std::shared_ptr<CancelToken> cancel_ = std::make_shared<CancelToken>();

  std::string inbox_;
  size_t inbox_at_ = 0;
  bool inbox_ended_ = false;
  WaitQueue readable_;

  std::deque<OwnedBytes> outbox_;
  size_t waiting_ = 0;     // bytes of all of them
  bool deferred_ = false;  // nghttp2 waits for more of the answer
  bool finished_ = false;
  HttpHeaders trailers_;
  WaitQueue writable_;

  bool handled_ = false;  // the handler has returned
  bool gone_ = false;     // closed by either side, or the connection is
};

}  // namespace beringia::io
