#include "protocol/gcs/grpc/grpc_call.h"

#include <google/protobuf/message.h>

#include <array>
#include <limits>

#include "base/encoding.h"
#include "io/runtime.h"
#include "protocol/gcs/grpc/storage.pb.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs::grpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

/// What of an HTTP request of a client is its identity and who pays; the rest is about transport.
constexpr std::array<const char*, 3> kForwarded = {"authorization", "host", "x-goog-user-project"};

Code code_of(int status, std::string_view reason) {
  switch (status) {
    case 304: return Code::kAborted;
    case 400: return Code::kInvalidArgument;
    case 401: return Code::kUnauthenticated;
    case 403: return Code::kPermissionDenied;
    case 404: return Code::kNotFound;
    case 405: return Code::kUnimplemented;
    case 409: return reason == "conflict" ? Code::kAlreadyExists : Code::kFailedPrecondition;
    case 412: return Code::kFailedPrecondition;
    case 413: return Code::kInvalidArgument;
    case 416: return Code::kOutOfRange;
    case 429: return Code::kResourceExhausted;
    case 499: return Code::kCancelled;
    case 501: return Code::kUnimplemented;
    case 503: return Code::kUnavailable;
    case 507: return Code::kResourceExhausted;
    default: return status >= 500 ? Code::kInternal : Code::kUnknown;
  }
}

/// The first field that a client sent and we do not know: its message and number. Depth is bounded
/// by protobuf's parser (100).
std::optional<std::string> unknown_field(const Message& message) {
  const auto* reflection = message.GetReflection();
  if (const auto& unknown = reflection->GetUnknownFields(message); !unknown.empty()) {
    return message.GetDescriptor()->name() + " field " + std::to_string(unknown.field(0).number());
  }
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    if (!field->is_repeated()) {
      if (auto found = unknown_field(reflection->GetMessage(message, field))) return found;
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      if (auto found = unknown_field(reflection->GetRepeatedMessage(message, field, i))) {
        return found;
      }
    }
  }
  return std::nullopt;
}

Answer<bool> read_exactly(const io::Context& context, io::ByteSource& body, std::span<char> out,
                          bool may_end) {
  for (size_t done = 0; done < out.size();) {
    auto got = body.read(context, out.subspan(done));
    if (!got) return refusal(Code::kCancelled, got.error().to_string());
    if (*got == 0 && done == 0 && may_end) return false;
    if (*got == 0) return refusal(Code::kInvalidArgument, "the request ends inside a message");
    done += *got;
  }
  return true;
}

/// A google.rpc.Status in base64, as clients look for it; "" if there is nothing to add.
std::string details_of(const Status& status) {
  if (status.reason.empty() && status.detail_type.empty()) return {};
  constexpr std::string_view kTypes = "type.googleapis.com/";
  google::storage::v2::Status message;
  message.set_code(static_cast<int>(status.code));
  message.set_message(status.message);
  if (!status.detail_type.empty()) {
    auto& detail = *message.add_details();
    detail.set_type_url(std::string{kTypes} + status.detail_type);
    detail.set_value(status.detail);
  }
  if (!status.reason.empty()) {
    google::storage::v2::ErrorInfo info;
    info.set_reason(status.reason);
    info.set_domain("storage.googleapis.com");
    auto& detail = *message.add_details();
    detail.set_type_url(std::string{kTypes} + "google.rpc.ErrorInfo");
    detail.set_value(info.SerializeAsString());
  }
  return to_base64(message.SerializeAsString());
}

}  // namespace

void put_prefix(char* out, size_t length) {
  *out++ = 0;  // not compressed
  for (const int shift : {24, 16, 8, 0}) *out++ = static_cast<char>(length >> shift);
}

void Query::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += '&';
  text_ += name;
  text_ += '=';
  text_ += percent_encode(value);
}

Answer<bool> next_message(const io::Context& context, io::ByteSource& body, std::string& bytes) {
  std::array<char, kPrefixBytes> prefix;
  BR_TRY(more, read_exactly(context, body, prefix, true));
  if (!more) return false;
  if (prefix[0] != 0) {
    return refusal(Code::kUnimplemented, "compressed messages are not offered");
  }
  size_t length = 0;
  for (size_t i = 1; i < kPrefixBytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(prefix[i]);
  }
  if (length > kMaxMessage) {
    return refusal(Code::kResourceExhausted, "a message has " + std::to_string(length) +
                                                 " bytes; at most " + std::to_string(kMaxMessage) +
                                                 " are taken");
  }
  bytes.clear();
  constexpr size_t kStep = 64 << 10;
  while (bytes.size() < length) {
    const size_t start = bytes.size();
    bytes.resize(std::min(length, start + kStep));
    BR_TRY(read_exactly(context, body, std::span{bytes}.subspan(start), false));
  }
  return true;
}

Answer<void> GrpcCall::read(Message& message) {
  std::string bytes;
  BR_TRY(more, next(bytes));
  if (!more) return refusal(Code::kInvalidArgument, "the request has no message");
  return parse(bytes, message);
}

Answer<void> GrpcCall::begin() {
  if (std::exchange(begun_, true)) return {};
  io::HttpHeaders headers;
  headers.add("content-type", "application/grpc");
  headers.add("grpc-accept-encoding", "identity");
  auto sent = exchange_.send_head(200, headers);
  if (!sent) return refusal(Code::kCancelled, sent.error().to_string());
  return {};
}

Answer<void> GrpcCall::send(const Message& message) {
  const size_t length = message.ByteSizeLong();
  io::OwnedBytes frame{std::make_unique_for_overwrite<char[]>(kPrefixBytes + length), 0,
                       kPrefixBytes + length};
  put_prefix(frame.buffer.get(), length);
  if (!message.SerializeToArray(frame.buffer.get() + kPrefixBytes, static_cast<int>(length))) {
    return refusal(Code::kInternal, "an answer could not be written");
  }
  return send_frame(std::move(frame));
}

Answer<void> GrpcCall::send_frame(io::OwnedBytes frame) {
  BR_TRY(begin());
  auto written = exchange_.give(context_, std::move(frame));
  if (!written) return refusal(Code::kCancelled, written.error().to_string());
  return {};
}

void GrpcCall::finish(const Status& status) {
  if (!begin()) return;  // the client has gone
  io::HttpHeaders trailers;
  trailers.add("grpc-status", std::to_string(static_cast<int>(status.code)));
  if (!status.message.empty()) trailers.add("grpc-message", encode_message(status.message));
  if (std::string details = details_of(status); !details.empty()) {
    trailers.add("grpc-status-details-bin", std::move(details));
  }
  static_cast<void>(exchange_.finish(trailers));  // likewise
}

io::HttpResponse GrpcCall::ask(const JsonCall& call) {
  const io::HttpRequest& from = exchange_.request();
  io::HttpRequest request;
  request.method = call.method;
  request.path = call.path;
  request.query = call.query.text();
  request.target = request.path + (request.query.empty() ? "" : "?" + request.query);
  request.headers = call.headers;
  for (const char* name : kForwarded) {
    for (const std::string_view value : from.headers.all(name)) {
      request.headers.add(name, std::string{value});
    }
  }
  request.peer_address = from.peer_address;
  request.is_tls = from.is_tls;
  io::StringSource text{call.text};
  request.body = call.source != nullptr ? call.source : &text;
  request.has_body = call.source != nullptr || !call.text.empty();
  if (call.source == nullptr && request.has_body) {
    request.content_length = call.text.size();
    request.headers.add("Content-Type", "application/json");
  }
  return service_.handle(context_, request, "gcs-grpc");
}

Answer<std::string> GrpcCall::ask_text(const JsonCall& call) {
  io::HttpResponse response = ask(call);
  if (response.on_finished) response.on_finished(response.text.size(), true);
  if (response.status >= 300) return std::unexpected(status_of(response));
  return std::move(response.text);
}

Status GrpcCall::status_of(const io::HttpResponse& response) const {
  const auto error = wire::gcs::parse_error(response.text, response.status);
  Status status{code_of(response.status, error.reason), error.message, error.reason};
  if (response.status == 304) status.message = "The condition of the read did not hold.";
  if (response.status == 503 && context_.deadline() && io::now() >= *context_.deadline()) {
    status.code = Code::kDeadlineExceeded;
  }
  return status;
}

Answer<void> parse(std::string_view bytes, Message& message) {
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return refusal(Code::kInvalidArgument,
                   "the request is not a " + message.GetDescriptor()->name());
  }
  if (const auto unknown = unknown_field(message)) {
    return refusal(Code::kUnimplemented, *unknown + " is not offered");
  }
  return {};
}

std::optional<Duration> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;  // at most 8 digits
  const auto number = parse_u64(text.substr(0, text.size() - 1));
  if (!number) return std::nullopt;
  const auto count = static_cast<int64_t>(*number);
  switch (text.back()) {
    case 'H': return std::chrono::hours{std::min<int64_t>(count, 24 * 365)};
    case 'M': return std::chrono::minutes{std::min<int64_t>(count, 60 * 24 * 365)};
    case 'S': return std::chrono::seconds{count};
    case 'm': return std::chrono::milliseconds{count};
    case 'u': return std::chrono::microseconds{count};
    case 'n': return std::chrono::nanoseconds{count};
    default: return std::nullopt;
  }
}

std::string encode_message(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

}  // namespace beringia::protocol::gcs::grpc
