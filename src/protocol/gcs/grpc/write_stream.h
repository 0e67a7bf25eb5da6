#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "protocol/gcs/grpc/write_messages.h"
#include "protocol/gcs/grpc/write_session.h"

namespace beringia::protocol::gcs::grpc {

inline bool wants_state(const v2::WriteObjectRequest&) { return false; }
inline bool wants_state(const v2::BidiWriteObjectRequest& message) {
  return message.state_lookup() || message.flush();
}

/// The content of the messages of a write, from the one at hand up to one that wants to be
/// answered, the last one, or the end of what the client sends.
template <class Request>
class ChunkBody final : public io::ByteSource {
 public:
  explicit ChunkBody(WriteMessages<Request>& messages)
      : messages_{messages}, end_{messages.end()}, ready_{messages.take_content()} {}

  Result<size_t> read(const io::Context&, std::span<char> buffer) override {
    while (at_ == ready_.size()) {
      if (stops()) return 0;
      if (auto more = advance(); !more) {
        failure_ = more.error();
        return std::unexpected(invalid(failure_->message).with_tag("incomplete_body"));
      }
    }
    const size_t n = std::min(buffer.size(), ready_.size() - at_);
    std::memcpy(buffer.data(), ready_.data() + at_, n);
    at_ += n;
    return n;
  }
  uint64_t end() const { return end_; }
  /// The client sends no more.
  bool is_over() const { return over_; }
  const std::optional<Status>& failure() const { return failure_; }

 private:
  bool stops() const {
    return over_ || messages_.message().finish_write() || messages_.wants_answer() ||
           wants_state(messages_.message());
  }
  Answer<void> advance() {
    BR_TRY(more, messages_.next());
    over_ = !more;
    if (over_) return {};
    if (!messages_.goes_on_at(end_)) {
      return refusal(Code::kInvalidArgument, "write_offset is " +
                                                 std::to_string(messages_.offset()) + "; " +
                                                 std::to_string(end_) + " bytes have come");
    }
    end_ = std::max(end_, messages_.end());
    ready_ = messages_.take_content();
    at_ = 0;
    return {};
  }

  WriteMessages<Request>& messages_;
  uint64_t end_;
  std::string ready_;
  size_t at_ = 0;
  bool over_ = false;
  std::optional<Status> failure_;
};

/// Writes messages into a session until one finishes it or the client sends no more. The first one
/// is at hand. `on_state` is called for each that wants to know how far the session is.
/// @return where it is then; with a resource if it was finished
template <class Request, class OnState>
[[nodiscard]] Answer<SessionState> write_into(WriteSession& session,
                                              WriteMessages<Request>& messages,
                                              v2::ObjectChecksums sums, OnState on_state) {
  BR_TRY(state, session.query());
  for (;;) {
    if (state.resource) return state;
    bool over = false;
    if (messages.has_content()) {
      ChunkBody<Request> body{messages};
      const uint64_t start = messages.offset();
      auto stored = session.put(body, start);
      if (body.failure()) return std::unexpected(*body.failure());
      if (!stored) return stored;
      if (stored->persisted < body.end()) {
        return refusal(Code::kOutOfRange, "write_offset is " + std::to_string(start) + "; " +
                                              std::to_string(stored->persisted) +
                                              " bytes are persisted");
      }
      state = std::move(*stored);
      over = body.is_over();
    }
    if (over) return state;
    const Request& message = messages.message();
    if (message.finish_write()) {
      if (message.has_object_checksums()) sums = message.object_checksums();
      const bool goes_on = messages.goes_on_at(state.persisted);
      return session.finish(goes_on ? state.persisted : messages.end(), sums);
    }
    if (messages.wants_answer() || wants_state(message)) BR_TRY(on_state(message, state));
    BR_TRY(more, messages.next());
    if (!more) return state;
  }
}

/// Writes an object of messages that all are on their way, of which the first is at hand, by one
/// call of the JSON API.
[[nodiscard]] Answer<v2::Object> write_at_once(GrpcCall& call,
                                               WriteMessages<v2::BidiWriteObjectRequest>& messages);

/// Writes an appendable object. It is there, empty, from the beginning; what comes is seen when the
/// stream ends, and is durable under the handle from each flush on. The first message is at hand.
[[nodiscard]] Answer<void> begin_appendable(GrpcCall& call,
                                            WriteMessages<v2::BidiWriteObjectRequest>& messages);
/// Goes on with one: where its last stream ended, or by a handle where that one's session is.
[[nodiscard]] Answer<void> append_object(GrpcCall& call,
                                         WriteMessages<v2::BidiWriteObjectRequest>& messages);

}  // namespace beringia::protocol::gcs::grpc
