#include "io/http2_connection.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/encoding.h"
#include "io/runtime.h"

namespace beringia::io {
namespace {

using namespace std::chrono_literals;

constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kWriteBytes = 64 << 10;  // frames that go out by one write
constexpr Duration kGoodbyeTime = 5s;     // for the last frames of a connection
constexpr size_t kFrameHeadBytes = 9;     // RFC 9113, 4.1
constexpr int kSliceIdleTimes = 4;        // of body_idle_timeout, as over HTTP/1.1

std::string_view text_of(const uint8_t* bytes, size_t length) {
  return {reinterpret_cast<const char*>(bytes), length};
}

}  // namespace

/// Static members, because nghttp2 is C. All run inside take() and write_frames().
struct Http2Connection::Callbacks {
  static Http2Connection& self(void* user) { return *static_cast<Http2Connection*>(user); }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Connection& connection = self(user);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    const int32_t id = frame->hd.stream_id;
    if (connection.running_ >= Http2Limits::kMaxStreams || connection.draining_) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
      return 0;
    }
    ++connection.running_;
    connection.streams_.emplace(id, std::make_shared<Http2Stream>(connection, id));
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                       size_t name_length, const uint8_t* value, size_t value_length, uint8_t,
                       void* user) {
    Http2Connection& connection = self(user);
    const StreamPointer stream = connection.find(frame->hd.stream_id);
    if (!stream || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    HttpRequest& request = stream->request_;
    stream->header_bytes_ += name_length + value_length + 32;  // RFC 9113, 6.5.2
    if (stream->header_bytes_ > connection.limits_.max_header_bytes ||
        request.headers.fields().size() >= connection.limits_.max_headers) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // the stream is reset
    }
    const std::string_view key = text_of(name, name_length);
    std::string text{text_of(value, value_length)};
    if (key == ":method") {
      request.method = std::move(text);
    } else if (key == ":path") {
      request.target = std::move(text);
    } else if (key == ":authority") {
      request.headers.set("host", std::move(text));
    } else if (!key.starts_with(':')) {
      request.headers.add(std::string{key}, std::move(text));
    }
    return 0;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Connection& connection = self(user);
    if (frame->hd.type == NGHTTP2_RST_STREAM && connection.too_many_resets()) {
      nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
      return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    const StreamPointer stream = connection.find(frame->hd.stream_id);
    if (!stream) return 0;
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      stream->inbox_ended_ = true;
      stream->readable_.notify_all();
    }
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      connection.begun_.push_back(stream);
    }
    return 0;
  }

  /// RFC 9113, 8.1: who has answered in full before the request ended asks the client to stop.
  /// Answers with trailers only, which gRPC's are: its clients wait for what they have not ended.
  static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
      return 0;
    }
    const StreamPointer stream = self(user).find(frame->hd.stream_id);
    if (stream && stream->finished_ && !stream->inbox_ended_) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }

  static int on_data(nghttp2_session* session, uint8_t, int32_t id, const uint8_t* data,
                     size_t length, void* user) {
    const StreamPointer stream = self(user).find(id);
    if (!stream) {
      nghttp2_session_consume_connection(session, length);
      return 0;
    }
    if (stream->handled_) return nghttp2_session_consume(session, id, length);
    stream->inbox_.append(text_of(data, length));  // at most the stream's window
    stream->readable_.notify_all();
    return 0;
  }

  static int on_close(nghttp2_session* session, int32_t id, uint32_t, void* user) {
    Http2Connection& connection = self(user);
    const StreamPointer stream = connection.find(id);
    if (!stream) return 0;
    // What nobody will read any more must not fill the connection's window.
    nghttp2_session_consume_connection(session, stream->inbox_.size() - stream->inbox_at_);
    stream->inbox_.clear();
    stream->inbox_at_ = 0;
    stream->gone_ = true;
    stream->readable_.notify_all();
    stream->writable_.notify_all();
    connection.gone_.push_back(stream->cancel_);
    connection.streams_.erase(id);
    // A stream that was reset before its handler began has none that counts it out.
    const bool has_handler = stream->request_.body != nullptr;
    const bool will_have = std::ranges::find(connection.begun_, stream) != connection.begun_.end();
    if (!has_handler && !will_have) --connection.running_;
    return 0;
  }

  /// Says how much there is; on_send_data hands it on.
  static ssize_t on_pull(nghttp2_session* session, int32_t id, uint8_t*, size_t length,
                         uint32_t* flags, nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    const size_t n = std::min(length, stream.waiting_);
    if (n > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (n == stream.waiting_ && stream.finished_) return end_of(session, id, stream, n, flags);
    if (n == 0) stream.deferred_ = true;
    return n == 0 ? static_cast<ssize_t>(NGHTTP2_ERR_DEFERRED) : static_cast<ssize_t>(n);
  }

  /// The only copy of the bytes of an answer: out of its stream into what is written next.
  static int on_send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t length,
                          nghttp2_data_source* source, void* user) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    std::string& batch = self(user).batch_;
    batch.append(text_of(head, kFrameHeadBytes));
    while (length > 0) {
      OwnedBytes& first = stream.outbox_.front();
      const size_t n = std::min(length, first.view().size());
      batch.append(first.view().substr(0, n));
      first.begin += n;
      length -= n;
      stream.waiting_ -= n;
      if (first.view().empty()) stream.outbox_.pop_front();
    }
    stream.writable_.notify_all();
    return 0;
  }

  static ssize_t end_of(nghttp2_session* session, int32_t id, Http2Stream& stream, size_t n,
                        uint32_t* flags) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream.trailers_.fields().empty()) return static_cast<ssize_t>(n);
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    const auto fields = fields_of(stream.trailers_, std::nullopt);
    if (nghttp2_submit_trailer(session, id, fields.values.data(), fields.values.size()) != 0) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return static_cast<ssize_t>(n);
  }

  /// nghttp2 copies names and values.
  struct Fields {
    std::vector<std::string> names;
    std::string status;
    std::vector<nghttp2_nv> values;
  };
  static Fields fields_of(const HttpHeaders& headers, std::optional<int> status) {
    Fields out;
    const auto add = [&](std::string_view name, std::string_view value) {
      out.values.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                            reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())),
                            name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    };
    out.names.reserve(headers.fields().size());
    if (status) {
      out.status = std::to_string(*status);
      add(":status", out.status);
    }
    for (const auto& [name, value] : headers.fields()) {
      out.names.push_back(ascii_lower(name));
      add(out.names.back(), value);
    }
    return out;
  }
};

Http2Connection::Http2Connection(HttpServerShared& shared, HttpServerShared::Tokens& tokens,
                                 Stream& stream)
    : shared_{shared}, limits_{shared.options.limits}, tokens_{tokens}, stream_{stream} {}

Http2Connection::~Http2Connection() { nghttp2_session_del(session_); }

bool Http2Connection::set_up() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) return false;
  if (nghttp2_option_new(&option) != 0) {
    nghttp2_session_callbacks_del(callbacks);
    return false;
  }
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::on_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, Callbacks::on_send_data);
  nghttp2_option_set_no_auto_window_update(option, 1);  // windows open as handlers read
  const bool made = nghttp2_session_server_new2(&session_, callbacks, this, option) == 0;
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  if (!made) return false;
  const std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, Http2Limits::kMaxStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Http2Limits::kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits_.max_header_bytes)},
  }};
  return nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) ==
             0 &&
         nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                               Http2Limits::kConnectionWindow) == 0;
}

void Http2Connection::run(std::string_view first) {
  if (!set_up()) return;
  const uint64_t on_drain = tokens_.idle->on_cancel([this] { drain(); });
  const uint64_t on_stop = tokens_.active->on_cancel([this] { stop_now(); });
  {
    Scope scope{Context{}};
    scope_ = &scope;
    scope.spawn([this]() -> Result<void> {
      auto written = write_frames();
      if (!written) {
        stream_.close();
        reading_->cancel();
      }
      return {};
    });
    bool more = take(first);
    while (more) more = read_more();
    end();
    scope_ = nullptr;
  }
  tokens_.idle->remove(on_drain);
  tokens_.active->remove(on_stop);
}

/// @return false: the connection is over
bool Http2Connection::take(std::string_view bytes) {
  std::vector<StreamPointer> begun;
  bool goes_on = false;
  {
    std::lock_guard lock{mutex_};
    const auto taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    goes_on = taken >= 0 && (nghttp2_session_want_read(session_) != 0 ||
                             nghttp2_session_want_write(session_) != 0);
    begun.swap(begun_);
    wake_writer();
  }
  cancel_gone();
  for (const StreamPointer& stream : begun) start_handler(stream);
  return goes_on;
}

bool Http2Connection::read_more() {
  const Context context =
      Context{}.with_deadline(now() + limits_.idle_timeout).with_cancel(reading_);
  Result<size_t> n = 0;
  if (auto ready = stream_.wait_readable(context); !ready) {
    n = std::unexpected(std::move(ready).error());
  } else {
    const auto buffer = std::make_unique_for_overwrite<char[]>(kReadBytes);
    n = stream_.read(context, {buffer.get(), kReadBytes});
    if (n && *n > 0) return take({buffer.get(), *n});
  }
  if (n || n.error().code() != Code::kCancelled || reading_->cancelled()) return false;
  std::lock_guard lock{mutex_};
  if (!streams_.empty()) return true;  // long answers: their handlers have deadlines of their own
  nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  wake_writer();
  return false;
}

/// The server is to stop: no new streams; those that run may end. From any thread.
void Http2Connection::drain() {
  bool idle = false;
  {
    std::lock_guard lock{mutex_};
    if (draining_) return;
    draining_ = true;
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                          nullptr, 0);
    wake_writer();
    idle = running_ == 0 && streams_.empty();
  }
  if (idle) reading_->cancel();
}

/// From any thread.
void Http2Connection::stop_now() {
  {
    std::lock_guard lock{mutex_};
    for (const auto& [id, stream] : streams_) gone_.push_back(stream->cancel_);
  }
  cancel_gone();
  reading_->cancel();
  stream_.close();
}

void Http2Connection::cancel_gone() {
  std::vector<std::shared_ptr<CancelToken>> tokens;
  {
    std::lock_guard lock{mutex_};
    tokens.swap(gone_);
  }
  for (const auto& token : tokens) token->cancel();
}

/// Nothing more is read: handlers give up, the last frames go out.
void Http2Connection::end() {
  {
    std::lock_guard lock{mutex_};
    for (const auto& [id, stream] : streams_) {
      stream->gone_ = true;
      stream->readable_.notify_all();
      stream->writable_.notify_all();
      gone_.push_back(stream->cancel_);
    }
    closing_ = true;
    wake_writer();
  }
  cancel_gone();
}

void Http2Connection::start_handler(const StreamPointer& stream) {
  HttpRequest& request = stream->request_;
  const size_t question = request.target.find('?');
  request.path = request.target.substr(0, question);
  if (question != std::string::npos) request.query = request.target.substr(question + 1);
  request.peer_address = stream_.peer_address();
  request.is_tls = stream_.is_tls();
  request.body = stream.get();
  {
    std::lock_guard lock{mutex_};
    request.has_body = !stream->inbox_ended_ || !stream->inbox_.empty();
  }
  if (request.has_body)
    request.content_length = parse_u64(request.headers.get_or("content-length", "x"));
  scope_->spawn([this, stream]() -> Result<void> {
    handle(stream);
    return {};
  });
}

void Http2Connection::handle(const StreamPointer& stream) {
  std::string id;
  append_be64(id, shared_.requests.fetch_add(1) * 0x9e3779b97f4a7c15ULL);
  const Context context = Context{to_hex(id)}
                              .with_deadline(now() + limits_.request_timeout)
                              .with_cancel(stream->cancel_);
  shared_.http2(context, *stream);
  after_handler(*stream);
}

void Http2Connection::after_handler(Http2Stream& stream) {
  std::lock_guard lock{mutex_};
  --running_;
  stream.handled_ = true;
  if (!stream.gone_ && !stream.finished_) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, NGHTTP2_INTERNAL_ERROR);
  } else if (!stream.gone_ && stream.inbox_at_ < stream.inbox_.size()) {
    // RFC 9113, 8.1: the answer is whole without the rest of the request. What is still on its way
    // is dropped, so that the client's window stays open until it has seen the answer.
    nghttp2_session_consume(session_, stream.id_, stream.inbox_.size() - stream.inbox_at_);
    stream.inbox_.clear();
    stream.inbox_at_ = 0;
  }
  wake_writer();
}

Result<void> Http2Connection::write_frames() {
  for (;;) {
    bool closing = false;
    {
      std::unique_lock lock{mutex_};
      batch_.clear();
      while (batch_.size() < kWriteBytes) {
        const uint8_t* data = nullptr;
        const auto n = nghttp2_session_mem_send(session_, &data);
        if (n < 0) return std::unexpected(unavailable("the HTTP/2 connection failed"));
        if (n == 0) break;
        batch_.append(text_of(data, static_cast<size_t>(n)));  // after what on_send_data added
      }
      closing = closing_;
      // The peer was told to go: after its last stream, or at once for what it has sent.
      const bool drained = draining_ && running_ == 0 && streams_.empty();
      const bool over = drained || (nghttp2_session_want_read(session_) == 0 &&
                                    nghttp2_session_want_write(session_) == 0);
      if (batch_.empty() && over) reading_->cancel();
      if (batch_.empty() && closing) return {};
      if (batch_.empty()) {
        BR_TRY(to_write_.wait(Context{}, lock));
        continue;
      }
    }
    const Duration time = closing ? kGoodbyeTime : kSliceIdleTimes * limits_.body_idle_timeout;
    BR_TRY(stream_.write(Context{}.with_deadline(now() + time), batch_));
    cancel_gone();
  }
}

Http2Connection::StreamPointer Http2Connection::find(int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

/// CVE-2023-44487: streams that are opened only to be reset cost the client nothing.
bool Http2Connection::too_many_resets() {
  const MonotonicTime time = now();
  if (time - resets_since_ > Http2Limits::kResetWindow) {
    resets_since_ = time;
    resets_ = 0;
  }
  return ++resets_ > Http2Limits::kMaxResets;
}

Result<void> Http2Stream::send_head(int status, const HttpHeaders& headers) {
  std::lock_guard lock{connection_.mutex_};
  if (gone_) return std::unexpected(unavailable("the client reset the stream"));
  const auto fields = Http2Connection::Callbacks::fields_of(headers, status);
  nghttp2_data_provider provider{};
  provider.source.ptr = this;
  provider.read_callback = Http2Connection::Callbacks::on_pull;
  if (nghttp2_submit_response(connection_.session_, id_, fields.values.data(), fields.values.size(),
                              &provider) != 0) {
    return std::unexpected(internal("an HTTP/2 answer could not begin"));
  }
  return {};  // goes out with the first bytes, or with the end
}

OwnedBytes OwnedBytes::copy_of(std::string_view bytes) {
  OwnedBytes copy{std::make_unique_for_overwrite<char[]>(bytes.size()), 0, bytes.size()};
  std::memcpy(copy.buffer.get(), bytes.data(), bytes.size());
  return copy;
}

Result<void> Http2Stream::give(const Context& context, OwnedBytes bytes) {
  const Duration patience = kSliceIdleTimes * connection_.limits_.body_idle_timeout;
  const Context timely = context.with_deadline(now() + patience);
  std::unique_lock lock{connection_.mutex_};
  while (!gone_ && (waiting_ > Http2Limits::kMaxQueuedAnswer ||
                    outbox_.size() >= Http2Limits::kMaxQueuedPieces)) {
    BR_TRY(writable_.wait(timely, lock));
  }
  if (gone_) return std::unexpected(unavailable("the client reset the stream"));
  if (bytes.view().empty()) return {};
  waiting_ += bytes.view().size();
  outbox_.push_back(std::move(bytes));
  if (std::exchange(deferred_, false)) nghttp2_session_resume_data(connection_.session_, id_);
  connection_.wake_writer();
  return {};
}

Result<void> Http2Stream::finish(const HttpHeaders& trailers) {
  std::lock_guard lock{connection_.mutex_};
  if (gone_) return std::unexpected(unavailable("the client reset the stream"));
  trailers_ = trailers;
  finished_ = true;
  if (std::exchange(deferred_, false)) nghttp2_session_resume_data(connection_.session_, id_);
  connection_.wake_writer();
  return {};
}

Result<size_t> Http2Stream::read(const Context& context, std::span<char> buffer) {
  const Context timely = context.with_deadline(now() + connection_.limits_.body_idle_timeout);
  std::unique_lock lock{connection_.mutex_};
  while (!gone_ && inbox_at_ == inbox_.size() && !inbox_ended_) {
    BR_TRY(readable_.wait(timely, lock));
  }
  const size_t n = std::min(buffer.size(), inbox_.size() - inbox_at_);
  if (n == 0 && inbox_ended_) return 0;
  if (n == 0) {
    return std::unexpected(invalid("the request body is not whole", "the client reset the stream")
                               .with_tag("incomplete_body"));
  }
  std::memcpy(buffer.data(), inbox_.data() + inbox_at_, n);
  inbox_at_ += n;
  if (inbox_at_ == inbox_.size()) {
    inbox_.clear();
    inbox_at_ = 0;
  }
  if (!gone_) {
    nghttp2_session_consume(connection_.session_, id_, n);
    connection_.wake_writer();
  }
  return n;
}

}  // namespace beringia::io
