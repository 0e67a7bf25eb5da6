#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/http2.h"
#include "protocol/gcs/service.h"

namespace google::protobuf {
class Message;
}

namespace beringia::protocol::gcs::grpc {

/// The codes of gRPC that are sent here. Numbers: gRPC, "Status codes".
enum class Code {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16,
};

/// How a call ended, as the client is told. Details go in grpc-status-details-bin.
struct Status {
  Code code = Code::kOk;
  std::string message;
  std::string reason = {};       // of an ErrorInfo: JSON's reason; "" = none
  std::string detail_type = {};  // full name of a further message; "" = none
  std::string detail = {};       // that message, serialized
};

template <class T>
using Answer = std::expected<T, Status>;
inline std::unexpected<Status> refusal(Code code, std::string message) {
  return std::unexpected(Status{code, std::move(message)});
}

/// Name and value pairs of a query of the JSON API.
class Query {
 public:
  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, int64_t value) { add(name, std::to_string(value)); }
  /// Not when it is empty, which is protobuf's "absent".
  void add_text(std::string_view name, std::string_view value) {
    if (!value.empty()) add(name, value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// A call of the JSON API that a gRPC call stands for.
struct JsonCall {
  std::string method = "GET";
  std::string path;
  Query query = {};
  std::string text = {};             // body
  io::ByteSource* source = nullptr;  // body, instead of `text`
  io::HttpHeaders headers = {};
};

/// Longest message taken. Google's libraries send at most 2 MiB of content at once.
inline constexpr size_t kMaxMessage = 5 << 20;

/// What stands before each message: compressed or not, length big-endian.
inline constexpr size_t kPrefixBytes = 5;
void put_prefix(char* out, size_t length);

/// The next message of a request's body into `bytes`; false: there is none. Memory follows what
/// comes, not what is announced. @error kInvalidArgument, kResourceExhausted, kUnimplemented
[[nodiscard]] Answer<bool> next_message(const io::Context& context, io::ByteSource& body,
                                        std::string& bytes);

/// One gRPC call on its fiber: messages in and out over an HTTP/2 exchange, and the JSON API that
/// does the work. gRPC over HTTP/2, "Requests" and "Responses".
class GrpcCall {
 public:
  GrpcCall(const io::Context& context, io::Http2Exchange& exchange, Service& service)
      : context_{context}, exchange_{exchange}, service_{service} {}

  const io::Context& context() const { return context_; }
  /// The next message into `bytes`; false: the client sends no more. Parks.
  [[nodiscard]] Answer<bool> next(std::string& bytes) {
    return next_message(context_, *exchange_.request().body, bytes);
  }
  /// The only message of a call, parsed; what we do not know is refused.
  [[nodiscard]] Answer<void> read(google::protobuf::Message& message);
  [[nodiscard]] Answer<void> send(const google::protobuf::Message& message);
  /// Bytes of a whole frame, its five bytes included. Parks while the client takes nothing.
  [[nodiscard]] Answer<void> send_frame(io::OwnedBytes frame);
  void finish(const Status& status);
  /// The head went out already, by another call of the same exchange.
  void assume_begun() { begun_ = true; }

  /// The JSON API's answer, of any status. Whoever takes it calls on_finished.
  io::HttpResponse ask(const JsonCall& call);
  /// The text of a good answer. @return what the JSON API's error is in gRPC
  [[nodiscard]] Answer<std::string> ask_text(const JsonCall& call);
  /// The same for an answer that ask() gave.
  Status status_of(const io::HttpResponse& response) const;

 private:
  [[nodiscard]] Answer<void> begin();

  const io::Context& context_;
  io::Http2Exchange& exchange_;
  Service& service_;
  bool begun_ = false;
};

/// Parses, and refuses fields that are not offered. @error kInvalidArgument, kUnimplemented
[[nodiscard]] Answer<void> parse(std::string_view bytes, google::protobuf::Message& message);
/// "5S", "100m" ... of the grpc-timeout header; nullopt: it is malformed.
std::optional<Duration> parse_timeout(std::string_view text);
/// grpc-message: percent-encoded UTF-8.
std::string encode_message(std::string_view text);

}  // namespace beringia::protocol::gcs::grpc
