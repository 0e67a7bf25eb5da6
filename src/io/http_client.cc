#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "base/encoding.h"
#include "io/http.h"
#include "io/http_parser.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::io {
namespace {

constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kSendBytes = 256 << 10;
constexpr size_t kMaxHeaders = 200;
constexpr Duration kContinueWait = std::chrono::seconds{1};  // RFC 9110 10.1.1: not for ever

/// One connection to the endpoint with the bytes that came early.
struct Link {
  std::unique_ptr<Stream> stream;
  std::string input;
  MonotonicTime idle_since;
  bool reused = false;
};

/// What the pool and the answers that are still being read share.
struct Pool {
  explicit Pool(HttpClient::Options o)
      : options{std::move(o)}, permits{static_cast<int64_t>(options.max_connections)} {}

  const HttpClient::Options options;
  Semaphore permits;
  std::mutex mutex;
  std::vector<std::unique_ptr<Link>> idle;

  std::unique_ptr<Link> take_idle() {
    std::lock_guard lock{mutex};
    const MonotonicTime time = now();
    while (!idle.empty()) {
      auto link = std::move(idle.back());
      idle.pop_back();
      if (time - link->idle_since < options.idle_timeout) {
        link->reused = true;
        return link;
      }
    }
    return nullptr;
  }

  void give_back(std::unique_ptr<Link> link, bool reusable) {
    if (reusable && link->input.empty()) {
      link->idle_since = now();
      std::lock_guard lock{mutex};
      if (idle.size() < options.max_idle) idle.push_back(std::move(link));
    }
    link.reset();
    permits.release();
  }
};

Result<void> fill(const Context& context, Link& link) {
  const size_t old = link.input.size();
  link.input.resize(old + kReadBytes);
  auto n = link.stream->read(context, {link.input.data() + old, kReadBytes});
  link.input.resize(old + (n ? *n : 0));
  if (!n) return std::unexpected(std::move(n).error());
  if (*n == 0) return std::unexpected(unavailable("the server closed the connection"));
  return {};
}

/// The body of an answer. Gives the connection back when it has been read to its end.
class ResponseBody final : public ByteSource {
 public:
  enum class Framing { kNone, kLength, kChunked, kUntilClose };
  ResponseBody(std::shared_ptr<Pool> pool, std::unique_ptr<Link> link, Framing framing,
               uint64_t length, bool keep_alive)
      : pool_{std::move(pool)},
        link_{std::move(link)},
        framing_{framing},
        left_{length},
        keep_alive_{keep_alive},
        decoder_{pool_->options.max_header_bytes} {
    if (framing_ == Framing::kNone || (framing_ == Framing::kLength && left_ == 0)) finish(true);
  }
  ~ResponseBody() override {
    if (link_) finish(false);
  }

  Result<size_t> read(const Context& context, std::span<char> buffer) override {
    if (failure_) return std::unexpected(*failure_);
    if (!link_) return 0;
    const Context patient = context.with_deadline(now() + pool_->options.body_idle_timeout);
    auto n = read_more(patient, buffer);
    if (!n) {
      failure_ = Error{n.error().code() == Code::kInvalid ? Code::kUnavailable : n.error().code(),
                       Retry::kSafe, "the answer broke off", n.error().to_string()};
      finish(false);
      return std::unexpected(*failure_);
    }
    return n;
  }

  std::optional<uint64_t> remaining() const override {
    return framing_ == Framing::kLength || framing_ == Framing::kNone ? std::optional{left_}
                                                                      : std::nullopt;
  }

 private:
  Result<size_t> read_more(const Context& context, std::span<char> buffer) {
    switch (framing_) {
      case Framing::kNone: return 0;
      case Framing::kLength: {
        BR_TRY(n, take(context, buffer.first(std::min<uint64_t>(buffer.size(), left_))));
        if (n == 0) {
          return std::unexpected(
              unavailable("the body is short", std::to_string(left_) + " bytes are missing"));
        }
        left_ -= n;
        if (left_ == 0) finish(true);
        return n;
      }
      case Framing::kChunked: return read_chunked(context, buffer);
      case Framing::kUntilClose: {
        BR_TRY(n, take(context, buffer));
        if (n == 0) finish(false);
        return n;
      }
    }
    return 0;
  }

  Result<size_t> read_chunked(const Context& context, std::span<char> buffer) {
    for (;;) {
      // Feeding no more than fits means that no decoded byte is left over; size lines and trailers
      // may be longer than a small buffer and then need all there is.
      const std::string_view input = link_->input;
      BR_TRY(narrow, decoder_.feed(input.substr(0, buffer.size())));
      ChunkedDecoder::Step step = narrow;
      if (step.used == 0 && input.size() > buffer.size()) {
        BR_TRY(wide, decoder_.feed(input));
        step = wide;
      }
      const size_t n = step.data.size();
      if (n > 0) std::memcpy(buffer.data(), step.data.data(), n);
      link_->input.erase(0, step.used);
      if (n > 0) return n;
      if (decoder_.done()) {
        finish(true);
        return 0;
      }
      if (step.used == 0) BR_TRY(fill(context, *link_));
    }
  }

  Result<size_t> take(const Context& context, std::span<char> buffer) {
    if (link_->input.empty()) return link_->stream->read(context, buffer);
    const size_t n = std::min(buffer.size(), link_->input.size());
    std::memcpy(buffer.data(), link_->input.data(), n);
    link_->input.erase(0, n);
    return n;
  }

  void finish(bool whole) { pool_->give_back(std::move(link_), whole && keep_alive_); }

  std::shared_ptr<Pool> pool_;  // owners: the client and the answers being read
  std::unique_ptr<Link> link_;
  const Framing framing_;
  uint64_t left_;
  const bool keep_alive_;
  ChunkedDecoder decoder_;
  std::optional<Error> failure_;
};

/// Sends one request and reads the head of its answer over one connection.
class Exchange {
 public:
  Exchange(std::shared_ptr<Pool> pool, HttpClientRequest& request)
      : pool_{std::move(pool)}, request_{request} {}
  ~Exchange() {
    if (link_) pool_->give_back(std::move(link_), false);
  }

  Result<HttpClientResponse> run(const Context& context, std::unique_ptr<Link> link) {
    link_ = std::move(link);
    auto sent = send(context);
    if (!sent) {
      if (body_failed_) return std::unexpected(std::move(sent).error());
      // The server may have answered before it closed: that answer says why.
      if (!started_) return std::unexpected(as(sent.error(), Retry::kSafe));
    }
    const Context patient = context.with_deadline(now() + pool_->options.response_timeout);
    if (early_) return answer(std::move(*early_), early_framing_);
    auto head = read_head(patient);
    if (!head) return std::unexpected(as(head.error(), Retry::kMaybeApplied));
    return answer(std::move(head->first), head->second);
  }
  bool answered() const { return answered_; }

 private:
  using Head = std::pair<ResponseHead, BodyFraming>;

  static Error as(const Error& error, Retry retry) {
    const Code code = error.code() == Code::kCancelled ? Code::kCancelled : Code::kUnavailable;
    return {code, retry, "the HTTP request failed", error.to_string()};
  }

  std::string head_text() const {
    const auto& options = pool_->options;
    std::string head = request_.method + " " + request_.target + " HTTP/1.1\r\nHost: ";
    if (!options.host_header.empty()) {
      head += options.host_header;
    } else {
      const uint16_t usual = options.tls ? 443 : 80;
      head += options.endpoint.port == usual ? options.endpoint.host : options.endpoint.to_string();
    }
    head += "\r\n";
    for (const auto& [name, value] : request_.headers.fields())
      head += name + ": " + value + "\r\n";
    if (request_.body != nullptr && !request_.body_length) {
      head += "Transfer-Encoding: chunked\r\n";
    } else if (request_.body != nullptr) {
      head += "Content-Length: " + std::to_string(*request_.body_length) + "\r\n";
    } else if (!request_.text.empty() || request_.method == "POST" || request_.method == "PUT" ||
               request_.method == "PATCH") {
      head += "Content-Length: " + std::to_string(request_.text.size()) + "\r\n";
    }
    if (request_.expect_continue && request_.body != nullptr) head += "Expect: 100-continue\r\n";
    return head += "\r\n";
  }

  Result<void> send(const Context& context) {
    std::string head = head_text();
    if (request_.body == nullptr) head += request_.text;
    const Context patient = context.with_deadline(now() + pool_->options.response_timeout);
    // MSG_MORE holds the head back for 200 ms unless body bytes follow at once.
    const bool more =
        request_.body != nullptr && request_.body_length != 0u && !request_.expect_continue;
    auto written = link_->stream->write(patient, head, more);
    started_ = written.has_value() || written.error().retry() == Retry::kMaybeApplied;
    if (!written) return written;
    if (request_.body == nullptr) return {};
    if (request_.expect_continue) {
      BR_TRY(wait_for_continue(context));
      if (early_) return {};
    }
    return send_body(context);
  }

  /// Waits a little for "100 Continue"; a final answer instead means the body is not wanted.
  Result<void> wait_for_continue(const Context& context) {
    auto head = read_head(context.with_deadline(now() + kContinueWait), true);
    if (!head) {
      const bool only_late = head.error().code() == Code::kCancelled && context.check(now());
      return only_late ? Result<void>{} : std::unexpected(std::move(head).error());
    }
    if (head->first.status == 100) return {};
    early_ = std::move(head->first);
    early_->keep_alive = false;
    early_framing_ = head->second;
    return {};
  }

  Result<void> send_body(const Context& context) {
    const bool chunked = !request_.body_length;
    std::string buffer;
    uint64_t sent = 0;
    for (;;) {
      const size_t start = chunked ? kChunkSizeBytes : 0;
      const size_t room =
          chunked ? kSendBytes : std::min<uint64_t>(kSendBytes, *request_.body_length - sent);
      if (room == 0) return {};
      buffer.resize(start + room);
      auto n = request_.body->read(context, {buffer.data() + start, room});
      if (!n || (*n == 0 && !chunked)) {
        body_failed_ = true;
        if (!n) return std::unexpected(std::move(n).error());
        return std::unexpected(invalid("the body to send is short"));
      }
      sent += *n;
      buffer.resize(start + *n);
      if (chunked && *n == 0) {
        buffer = "0\r\n\r\n";
      } else if (chunked) {
        static_assert(kSendBytes < 1U << 24);
        write_chunk_size(buffer.data(), *n);
        buffer += "\r\n";
      }
      const Context patient = context.with_deadline(now() + pool_->options.response_timeout);
      BR_TRY(link_->stream->write(patient, buffer));
      if (chunked && *n == 0) return {};
    }
  }

  /// The next final head (or 100, when asked for); other interim answers are skipped.
  Result<Head> read_head(const Context& context, bool want_continue = false) {
    for (;;) {
      size_t end = 0;
      for (size_t searched = 0; (end = find_head_end(link_->input, searched)) == 0;) {
        searched = link_->input.size();
        if (searched > pool_->options.max_header_bytes) {
          return std::unexpected(unavailable("the answer's header is too large"));
        }
        BR_TRY(fill(context, *link_));
        answered_ = true;
      }
      Head head;
      BR_TRY(framing, parse_response_head(std::string_view{link_->input}.substr(0, end),
                                          kMaxHeaders, head.first));
      head.second = framing;
      link_->input.erase(0, end);
      const int status = head.first.status;
      if (status >= 200 || (status == 100 && want_continue)) return head;
    }
  }

  Result<HttpClientResponse> answer(ResponseHead head, const BodyFraming& framing) {
    HttpClientResponse response;
    response.status = head.status;
    response.headers = std::move(head.headers);
    response.content_length = framing.content_length;
    using Framing = ResponseBody::Framing;
    Framing kind = Framing::kUntilClose;
    if (request_.method == "HEAD" || head.status == 204 || head.status == 304) {
      kind = Framing::kNone;
    } else if (framing.chunked) {
      kind = Framing::kChunked;
    } else if (framing.content_length) {
      kind = Framing::kLength;
    }
    response.body = std::make_unique<ResponseBody>(
        pool_, std::move(link_), kind, framing.content_length.value_or(0), head.keep_alive);
    return response;
  }

  std::shared_ptr<Pool> pool_;  // owners: the client and its exchanges
  HttpClientRequest& request_;
  std::unique_ptr<Link> link_;
  std::optional<ResponseHead> early_;
  BodyFraming early_framing_;
  bool started_ = false;
  bool answered_ = false;
  bool body_failed_ = false;
};

class PooledHttpClient final : public HttpClient {
 public:
  explicit PooledHttpClient(Options options) : pool_{std::make_shared<Pool>(std::move(options))} {}

  Result<HttpClientResponse> send(const Context& context, HttpClientRequest request) override {
    BR_TRY(enter(context));
    if (auto link = pool_->take_idle()) {
      Exchange exchange{pool_, request};
      auto response = exchange.run(context, std::move(link));
      // A pooled connection may have died unnoticed: once more on a new one, if that is harmless.
      const bool repeat = !response && !exchange.answered() && may_repeat(request) &&
                          response.error().code() == Code::kUnavailable;
      if (!repeat) return response;
      BR_TRY(enter(context));
    }
    auto link = open(context);
    if (!link) {
      pool_->permits.release();
      return std::unexpected(std::move(link).error());
    }
    return Exchange{pool_, request}.run(context, std::move(*link));
  }

 private:
  /// Waits for a place among the connections. A deadline that passes meanwhile says nothing about
  /// the service: busy.
  Result<void> enter(const Context& context) {
    auto entered = pool_->permits.acquire(context);
    if (entered || entered.error().code() != Code::kCancelled) return entered;
    if (context.cancel() && context.cancel()->cancelled()) return entered;
    return std::unexpected(busy("cannot ask " + pool_->options.endpoint.to_string(),
                                "all connections to it are in use"));
  }

  static bool may_repeat(const HttpClientRequest& request) {
    return request.body == nullptr && (request.method == "GET" || request.method == "HEAD" ||
                                       request.method == "PUT" || request.method == "DELETE");
  }

  Result<std::unique_ptr<Link>> open(const Context& context) {
    const auto& options = pool_->options;
    const Context timely = context.with_deadline(now() + options.connect_timeout);
    auto stream = connect(timely, options.endpoint, options.tls.get());
    if (!stream) {
      if (stream.error().code() == Code::kCancelled && context.check(now())) {
        return std::unexpected(unavailable("cannot connect to " + options.endpoint.to_string(),
                                           "it did not answer in time"));
      }
      return std::unexpected(std::move(stream).error());
    }
    auto link = std::make_unique<Link>();
    link->stream = std::move(*stream);
    return link;
  }

  std::shared_ptr<Pool> pool_;  // owners: this and the answers being read
};

}  // namespace

std::unique_ptr<HttpClient> HttpClient::make(Options options) {
  return std::make_unique<PooledHttpClient>(std::move(options));
}

}  // namespace beringia::io
