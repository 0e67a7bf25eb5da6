#include "io/http_connection.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/encoding.h"
#include "io/disk.h"
#include "io/http2_connection.h"
#include "io/http_parser.h"
#include "io/runtime.h"

namespace beringia::io {
namespace {

using namespace std::chrono_literals;

constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kInlineBody = 16 << 10;  // head and body in one send up to this
constexpr size_t kCopyBytes = 64 << 10;
constexpr uint64_t kFileSlice = 512 << 10;  // zero-copy piece with a deadline of its own
constexpr int kSliceIdleTimes = 4;  // of body_idle_timeout: by default below 4 KiB/s is cut off
constexpr Duration kRateWindow = 30s;
constexpr Duration kTlsTime = 10s;
constexpr Duration kDrainTime = 5s;
/// Read and dropped before closing. A client that sends all of its body before it looks for an
/// answer would else see a reset in place of it; nginx (lingering_close) has no limit but time.
constexpr size_t kMaxLingerBytes = 64 << 20;

/// Bytes that came but are not used yet, over a stream.
class Input {
 public:
  explicit Input(Stream& stream) : stream_{stream} {}
  std::string_view view() const { return std::string_view{buffer_}.substr(start_); }
  void consume(size_t n) {
    start_ += n;
    if (start_ == buffer_.size()) {
      buffer_.clear();
      start_ = 0;
    }
  }
  /// 0: the peer closed.
  Result<size_t> fill(const Context& context) {
    if (start_ > 0) {
      buffer_.erase(0, start_);
      start_ = 0;
    }
    const size_t old = buffer_.size();
    buffer_.resize(old + kReadBytes);
    auto n = stream_.read(context, {buffer_.data() + old, kReadBytes});
    buffer_.resize(old + (n ? *n : 0));
    return n;
  }
  /// Straight into the caller's memory when nothing is buffered.
  Result<size_t> read(const Context& context, std::span<char> out) {
    if (view().empty()) return stream_.read(context, out);
    const size_t n = std::min(out.size(), view().size());
    std::memcpy(out.data(), view().data(), n);
    consume(n);
    return n;
  }
  /// An idle connection holds no buffer.
  void release() {
    if (buffer_.empty()) std::string{}.swap(buffer_);
  }

 private:
  Stream& stream_;
  std::string buffer_;
  size_t start_ = 0;
};

/// The body of one request, as the handler pulls it.
class RequestBody final : public ByteSource {
 public:
  RequestBody(Stream& stream, Input& input, const BodyFraming& framing, bool expects_continue,
              const HttpServerLimits& limits)
      : stream_{stream},
        input_{input},
        chunked_{framing.chunked},
        left_{framing.content_length.value_or(0)},
        decoder_{limits.max_header_bytes},
        continue_pending_{expects_continue},
        limits_{limits} {}

  Result<size_t> read(const Context& context, std::span<char> buffer) override {
    if (failure_) return std::unexpected(*failure_);
    if (at_end()) return 0;
    if (std::exchange(continue_pending_, false)) {
      BR_TRY(keep(stream_.write(context, "HTTP/1.1 100 Continue\r\n\r\n")));
    }
    auto n = chunked_ ? read_chunked(context, buffer) : read_plain(context, buffer);
    if (!n) {
      failure_ = n.error();
    } else if (auto fast = check_rate(*n); !fast) {
      failure_ = fast.error();
      return std::unexpected(*failure_);
    }
    return n;
  }

  std::optional<uint64_t> remaining() const override {
    return chunked_ ? std::nullopt : std::optional{left_};
  }
  bool at_end() const { return chunked_ ? decoder_.done() : left_ == 0; }
  bool waits_for_continue() const { return continue_pending_; }
  bool failed() const { return failure_.has_value(); }
  const HttpHeaders& trailers() const { return decoder_.trailers(); }

 private:
  Result<void> keep(Result<void> result) {
    if (!result) failure_ = result.error();
    return result;
  }

  Context patient(const Context& context) const {
    return context.with_deadline(now() + limits_.body_idle_timeout);
  }

  Result<size_t> read_plain(const Context& context, std::span<char> buffer) {
    BR_TRY(n,
           input_.read(patient(context), buffer.first(std::min<uint64_t>(buffer.size(), left_))));
    if (n == 0) return std::unexpected(cut_off());
    left_ -= n;
    return n;
  }

  Result<size_t> read_chunked(const Context& context, std::span<char> buffer) {
    for (;;) {
      const std::string_view bytes = input_.view();
      BR_TRY(step, decoder_.feed(bytes.substr(0, buffer.size())));
      // Lines may be longer than a small buffer: give the decoder all there is.
      ChunkedDecoder::Step taken = step;
      if (taken.used == 0 && bytes.size() > buffer.size()) {
        BR_TRY(wide, decoder_.feed(bytes));
        taken = wide;
      }
      if (!taken.data.empty()) {
        std::memcpy(buffer.data(), taken.data.data(), taken.data.size());
        input_.consume(taken.used);
        return taken.data.size();
      }
      input_.consume(taken.used);
      if (decoder_.done()) return 0;
      if (taken.used > 0) continue;
      BR_TRY(n, input_.fill(patient(context)));
      if (n == 0) return std::unexpected(cut_off());
    }
  }

  static Error cut_off() {
    return invalid("the request body is not whole", "the client closed the connection")
        .with_tag("incomplete_body");
  }

  Result<void> check_rate(size_t n) {
    const MonotonicTime time = now();
    if (window_start_.nanos == 0) window_start_ = time;
    window_bytes_ += n;
    if (time - window_start_ < kRateWindow) return {};
    const auto seconds = static_cast<uint64_t>((time - window_start_) / 1s);
    const bool slow = window_bytes_ < limits_.min_body_bytes_per_s * seconds;
    window_start_ = time;
    window_bytes_ = 0;
    if (!slow) return {};
    return std::unexpected(cancelled("the request body came too slowly").with_tag("too_slow"));
  }

  Stream& stream_;
  Input& input_;
  const bool chunked_;
  uint64_t left_;
  ChunkedDecoder decoder_;
  bool continue_pending_;
  const HttpServerLimits& limits_;
  std::optional<Error> failure_;
  MonotonicTime window_start_;
  uint64_t window_bytes_ = 0;
};

bool has_no_body(int status) { return status == 204 || status == 304 || status < 200; }

/// CR and LF in a value would split the response.
void append_clean(std::string& out, std::string_view value) {
  if (value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos) {
    out += value;
    return;
  }
  for (const char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

class Connection {
 public:
  Connection(HttpServerShared& shared, HttpServerShared::Tokens& tokens, Stream& stream)
      : shared_{shared},
        limits_{shared.options.limits},
        tokens_{tokens},
        stream_{stream},
        input_{stream} {}

  void run() {
    if (shared_.http2 && begins_http2()) {
      Http2Connection{shared_, tokens_, stream_}.run(input_.view());
      return;
    }
    while (serve_one()) {
    }
  }

 private:
  /// Reads until the first bytes are HTTP/2's preface, or are not. No method is called PRI.
  bool begins_http2() {
    const Context context =
        Context{}.with_deadline(now() + limits_.idle_timeout).with_cancel(tokens_.idle);
    while (input_.view().size() < kHttp2Preface.size() &&
           kHttp2Preface.starts_with(input_.view())) {
      auto n = input_.fill(context);
      if (!n || *n == 0) return false;
    }
    return input_.view().starts_with(kHttp2Preface);
  }

  /// @return true if the connection may carry another request
  bool serve_one() {
    auto head_length = read_head();
    if (!head_length) return refuse(head_length.error());
    if (*head_length == 0) return false;
    HttpRequest request;
    auto framing =
        parse_request_head(input_.view().substr(0, *head_length), limits_.max_headers, request);
    input_.consume(*head_length);
    if (!framing) return refuse(framing.error());
    request.peer_address = stream_.peer_address();
    request.is_tls = stream_.is_tls();
    request.content_length = framing->content_length;
    request.has_body = framing->chunked || framing->content_length.value_or(0) > 0;
    const bool expects = request.has_body &&
                         equals_ignoring_case(request.headers.get_or("expect", ""), "100-continue");
    RequestBody body{stream_, input_, *framing, expects, limits_};
    request.body = &body;
    request.trailers = &body.trailers();
    const Context context = Context{trace_id()}
                                .with_deadline(now() + limits_.request_timeout)
                                .with_cancel(tokens_.active);
    HttpResponse response = shared_.options.handler(context, request);
    if (response.reset) {
      stream_.reset_at_end();
      return false;
    }
    const bool asked_close =
        equals_ignoring_case(request.headers.get_or("connection", ""), "close");
    bool keep = !asked_close && !response.close && !shared_.draining && !body.failed();
    // A client that still waits for "100 Continue" may send the body or not: nobody can tell.
    if (body.waits_for_continue()) keep = false;
    if (!body.at_end() && !response.close && keep) keep = drains_cheaply(body);
    const bool sent = send(context, request.method == "HEAD", response, keep);
    if (!sent || !keep) return linger(body);
    return drain(context, body, limits_.max_drain_bytes);
  }

  std::string trace_id() {
    std::string bytes;
    append_be64(bytes, shared_.requests.fetch_add(1) * 0x9e3779b97f4a7c15ULL);
    return to_hex(bytes);
  }

  /// Length of the head in the buffer; 0: the client went away between requests.
  Result<size_t> read_head() {
    if (input_.view().empty()) {
      input_.release();
      const Context idle =
          Context{}.with_deadline(now() + limits_.idle_timeout).with_cancel(tokens_.idle);
      auto n = input_.fill(idle);
      if (!n || *n == 0) return 0;
    }
    const Context context =
        Context{}.with_deadline(now() + limits_.header_timeout).with_cancel(tokens_.active);
    for (size_t searched = 0;;) {
      // RFC 9112 2.2: empty lines before a request line are skipped.
      while (input_.view().starts_with("\r\n")) input_.consume(2);
      const size_t end = find_head_end(input_.view(), searched);
      if (end > 0 && end <= limits_.max_header_bytes) return end;
      searched = input_.view().size();
      if (searched > limits_.max_header_bytes) {
        return std::unexpected(
            invalid("the request header is too large",
                    "more than " + std::to_string(limits_.max_header_bytes) + " bytes")
                .with_tag("too_many"));
      }
      BR_TRY(n, input_.fill(context));
      if (n == 0) return 0;
    }
  }

  /// Answers what never became a request.
  bool refuse(const Error& error) {
    HttpResponse response;
    response.close = true;
    switch (error.code()) {
      case Code::kInvalid: response.status = error.tag() == "too_many" ? 431 : 400; break;
      case Code::kUnsupported: response.status = 501; break;
      case Code::kCancelled: response.status = 408; break;
      default: return false;
    }
    response.headers.add("Content-Type", "text/plain");
    response.text = error.to_string() + "\n";
    const Context context = Context{}.with_cancel(tokens_.active);
    send(context, false, response, false);
    return false;
  }

  bool drains_cheaply(const RequestBody& body) const {
    const auto left = body.remaining();
    return !left || *left <= limits_.max_drain_bytes;
  }

  bool drain(const Context& context, RequestBody& body, size_t most) {
    const Context hurried = context.with_deadline(now() + kDrainTime);
    std::array<char, kReadBytes> scrap;
    for (size_t total = 0; !body.at_end();) {
      auto n = body.read(hurried, scrap);
      if (!n) return false;
      total += *n;
      if (total > most) return false;
    }
    return true;
  }

  /// Before closing with an unread body: take of it, so that the answer is not lost to a reset.
  bool linger(RequestBody& body) {
    if (!body.at_end() && !body.failed() && !body.waits_for_continue()) {
      drain(Context{}.with_cancel(tokens_.active), body, kMaxLingerBytes);
    }
    return false;
  }

  std::string head_of(const HttpResponse& response, bool keep, std::optional<uint64_t> length,
                      bool chunked) const {
    std::string head;
    head.reserve(512);
    head += "HTTP/1.1 ";
    head += std::to_string(response.status);
    head += ' ';
    head += reason_of(response.status);
    head += "\r\nDate: ";
    head += current_http_date();
    head += "\r\n";
    for (const auto& [name, value] : response.headers.fields()) {
      append_clean(head, name);
      head += ": ";
      append_clean(head, value);
      head += "\r\n";
    }
    if (length) head += "Content-Length: " + std::to_string(*length) + "\r\n";
    if (chunked) head += "Transfer-Encoding: chunked\r\n";
    head += keep ? "\r\n" : "Connection: close\r\n\r\n";
    return head;
  }

  /// How long a reader may take for one slice, or for an answer from memory.
  Duration slice_time() const { return kSliceIdleTimes * limits_.body_idle_timeout; }

  bool send(const Context& context, bool is_head, HttpResponse& response, bool keep) {
    uint64_t sent = 0;
    const auto result = send_parts(context, is_head, response, keep, sent);
    if (response.on_finished) response.on_finished(sent, result.has_value());
    if (!result) stream_.close();
    return result.has_value();
  }

  Result<void> send_parts(const Context& context, bool is_head, HttpResponse& response, bool keep,
                          uint64_t& sent) {
    const Context timely = context.with_deadline(now() + slice_time());
    if (has_no_body(response.status)) {
      return stream_.write(timely, head_of(response, keep, std::nullopt, false));
    }
    if (!response.body || is_head) {
      const uint64_t length = response.content_length.value_or(response.text.size());
      std::string head = head_of(response, keep, length, false);
      if (is_head) return stream_.write(timely, head);
      head += response.text;
      BR_TRY(stream_.write(timely, head));
      sent = response.text.size();
      return {};
    }
    auto length = response.content_length;
    if (!length) length = response.body->remaining();
    const std::string head = head_of(response, keep, length, !length.has_value());
    if (length) {
      if (auto region = response.body->as_file()) return send_region(context, head, *region, sent);
    }
    return send_source(context, head, *response.body, length, sent);
  }

  Result<void> send_region(const Context& context, std::string head, FileRegion region,
                           uint64_t& sent) {
    const uint64_t length = region.range.length;
    if (length <= kInlineBody) {
      const size_t start = head.size();
      head.resize(start + length);
      const auto n = region.file->try_read_cached(
          region.range.offset, {head.data() + start, static_cast<size_t>(length)});
      if (n && *n == length) {
        BR_TRY(stream_.write(context.with_deadline(now() + slice_time()), head));
        sent = length;
        return {};
      }
      head.resize(start);
    }
    BR_TRY(stream_.write(context.with_deadline(now() + slice_time()), head, length > 0));
    while (sent < length) {
      const uint64_t slice = std::min(kFileSlice, length - sent);
      BR_TRY(stream_.send_file(context.with_deadline(now() + slice_time()),
                               {region.file, {region.range.offset + sent, slice}}));
      sent += slice;
    }
    return {};
  }

  Result<void> send_source(const Context& context, std::string_view head, ByteSource& source,
                           std::optional<uint64_t> length, uint64_t& sent) {
    return length ? send_sized(context, head, source, *length, sent)
                  : send_chunked(context, head, source, sent);
  }

  Result<void> send_sized(const Context& context, std::string_view head, ByteSource& source,
                          uint64_t length, uint64_t& sent) {
    // Not zeroed: that was 3 % of the CPU time of a GET of 1 MiB (perf, 2026-11).
    const size_t step = std::clamp<uint64_t>(length, 1, kCopyBytes);
    const auto buffer = std::make_unique_for_overwrite<char[]>(head.size() + step);
    head.copy(buffer.get(), head.size());  // the first piece goes out together with the head
    size_t start = head.size();
    do {
      BR_TRY(n, source.read(context, {buffer.get() + start, step}));
      sent += n;
      if (sent > length || (n == 0 && sent < length)) {
        return std::unexpected(corrupt("a body has not the length that was announced",
                                       "another number of bytes than announced"));
      }
      BR_TRY(stream_.write(context.with_deadline(now() + slice_time()), {buffer.get(), start + n},
                           sent < length));
      start = 0;
    } while (sent < length);
    return {};
  }

  Result<void> send_chunked(const Context& context, std::string_view head, ByteSource& source,
                            uint64_t& sent) {
    std::string buffer{head};
    for (bool more = true; more;) {
      const size_t start = buffer.size() + kChunkSizeBytes;
      buffer.resize(start + kCopyBytes);
      BR_TRY(n, source.read(context, {buffer.data() + start, kCopyBytes}));
      more = n > 0;
      frame_chunk(buffer, start, n);
      sent += n;
      BR_TRY(stream_.write(context.with_deadline(now() + slice_time()), buffer, more));
      buffer.clear();
    }
    return {};
  }

  /// Writes the size line into the 8 bytes before `start` and closes the chunk.
  static void frame_chunk(std::string& buffer, size_t start, size_t n) {
    buffer.resize(start + n);
    if (n == 0) {
      buffer.resize(start - kChunkSizeBytes);
      buffer += "0\r\n\r\n";
      return;
    }
    write_chunk_size(buffer.data() + start - kChunkSizeBytes, n);
    buffer += "\r\n";
  }

  HttpServerShared& shared_;
  const HttpServerLimits& limits_;
  HttpServerShared::Tokens& tokens_;
  Stream& stream_;
  Input input_;
};

/// Too many connections: one short answer, then away.
void answer_full(Stream& stream) {
  const Context context = Context{}.with_deadline(now() + 1s);
  auto sent = stream.write(context,
                           "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                           "Content-Length: 0\r\nConnection: close\r\n\r\n");
  if (!sent) stream.close();
}

}  // namespace

const std::string& current_http_date() {
  struct Cached {
    int64_t second = -1;
    std::string text;
  };
  static thread_local Cached cached;
  const Timestamp wall = current_clock().wall();
  if (cached.second != wall.micros / 1'000'000) {
    cached.second = wall.micros / 1'000'000;
    cached.text = to_http_date(wall);
  }
  return cached.text;
}

void serve_connection(HttpServerShared& shared, HttpServerShared::Tokens& tokens,
                      std::unique_ptr<Stream> stream) {
  if (shared.connections() > shared.options.limits.max_connections) {
    answer_full(*stream);
    return;
  }
  if (shared.options.tls) {
    const Context context = Context{}.with_deadline(now() + kTlsTime).with_cancel(tokens.active);
    auto secured = tls_accept(context, std::move(stream), *shared.options.tls);
    if (!secured) return;
    stream = std::move(*secured);
  }
  Connection{shared, tokens, *stream}.run();
}

}  // namespace beringia::io
