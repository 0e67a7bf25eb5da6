#include "protocol/gcs/grpc/faulty_exchange.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/checksum.h"
#include "io/runtime.h"
#include "protocol/gcs/fault_injection.h"
#include "protocol/gcs/grpc/storage.pb.h"

namespace beringia::protocol::gcs::grpc {
namespace {

namespace v2 = google::storage::v2;

std::string frame_around(const std::string& message) {
  std::string frame(kPrefixBytes, '\0');
  put_prefix(frame.data(), message.size());
  return frame + message;
}

/// The testbench's choice.
Code code_of_injected(int status) {
  switch (status) {
    case 400: return Code::kInvalidArgument;
    case 401: return Code::kUnauthenticated;
    case 429: return Code::kResourceExhausted;
    case 501: return Code::kUnimplemented;
    case 408:
    case 503: return Code::kUnavailable;
    case 504: return Code::kDeadlineExceeded;
    default: return status < 500 ? Code::kFailedPrecondition : Code::kInternal;
  }
}

Status injected(int status) {
  return {code_of_injected(status), "Retry Test: Caused a " + std::to_string(status)};
}

void cut(v2::ChecksummedData& data, uint64_t length) {
  data.mutable_content()->resize(length);
  data.set_crc32c(Crc32c::of(data.content()));
}

void persist(v2::WriteObjectRequest&) {}
void persist(v2::BidiWriteObjectRequest& message) {
  message.set_flush(true);
  message.set_state_lookup(false);
}

v2::ChecksummedData* content_of(v2::ReadObjectResponse& message) {
  return message.has_checksummed_data() ? message.mutable_checksummed_data() : nullptr;
}
v2::ChecksummedData* content_of(v2::BidiReadObjectResponse& message) {
  if (message.object_data_ranges().empty()) return nullptr;
  return message.mutable_object_data_ranges(0)->mutable_checksummed_data();
}
void set_cut(v2::ReadObjectResponse&, uint64_t) {}
void set_cut(v2::BidiReadObjectResponse& message, uint64_t length) {
  auto& range = *message.mutable_object_data_ranges(0);
  range.mutable_read_range()->set_read_length(static_cast<int64_t>(length));
  range.set_range_end(false);
}

/// What the answer `message` to an appendable write says, as a redirection. nullopt: it has no
/// handle.
std::optional<Status> redirected_with_handle(const std::string& token, std::string_view message) {
  v2::BidiWriteObjectResponse response;
  const bool parsed = response.ParseFromArray(message.data(), static_cast<int>(message.size()));
  if (!parsed || !response.has_write_handle()) return std::nullopt;
  v2::BidiWriteObjectRedirectedError error;
  error.set_routing_token(token);
  *error.mutable_write_handle() = response.write_handle();
  error.set_generation(response.resource().generation());
  Status status{Code::kAborted, "Injected redirection"};
  status.detail_type = error.GetTypeName();
  status.detail = error.SerializeAsString();
  return status;
}

}  // namespace

FaultyExchange::FaultyExchange(FaultTests& tests, std::string_view method, io::Http2Exchange& inner)
    : tests_{tests},
      method_{method},
      inner_{inner},
      request_{inner.request()},
      id_{request_.headers.get_or(kFaultHeader, "")} {
  request_.body = this;
}

Answer<void> FaultyExchange::before(const io::Context&) {
  fault_ = tests_.next(id_, method_, true);
  if (!fault_) return {};
  switch (fault_->kind) {
    case Fault::Kind::kStatus: take(); return std::unexpected(injected(fault_->status));
    case Fault::Kind::kReset:
      take();
      return refusal(Code::kUnavailable, "Injected 'connection reset by peer' fault");
    case Fault::Kind::kRedirect: take(); return std::unexpected(redirected(*fault_));
    case Fault::Kind::kExpectRedirect: {
      const auto parameters = request_.headers.get_or("x-goog-request-params", "");
      if (parameters.find("routing_token=" + fault_->token) != std::string_view::npos) take();
      fault_.reset();
      return {};
    }
    default: return {};
  }
}

Status FaultyExchange::redirected(const Fault& fault) const {
  Status status{Code::kAborted, "Injected redirection"};
  if (ends_with("/BidiReadObject")) {
    v2::BidiReadObjectRedirectedError error;
    error.set_routing_token(fault.token);
    status.detail_type = error.GetTypeName();
    status.detail = error.SerializeAsString();
  } else {
    v2::BidiWriteObjectRedirectedError error;
    error.set_routing_token(fault.token);
    status.detail_type = error.GetTypeName();
    status.detail = error.SerializeAsString();
  }
  return status;
}

Result<void> FaultyExchange::send_head(int status, const io::HttpHeaders& headers) {
  begun_ = true;
  return inner_.send_head(status, headers);
}

Result<size_t> FaultyExchange::read(const io::Context& context, std::span<char> buffer) {
  if (at_ == ready_.size()) {
    // An upload that failed did not end.
    if (met_ && ends_with("/BidiWriteObject")) {
      return std::unexpected(cancelled("an injected fault broke the upload off"));
    }
    if (over_) return 0;
    std::string message;
    auto more = next_message(context, *inner_.request().body, message);
    if (!more) return std::unexpected(cancelled(more.error().message));
    over_ = !*more;
    if (over_) return 0;
    over_ = !pass_upload(context, message);
    ready_ = frame_around(message);
    at_ = 0;
  }
  const size_t n = std::min(buffer.size(), ready_.size() - at_);
  std::memcpy(buffer.data(), ready_.data() + at_, n);
  at_ += n;
  return n;
}

bool FaultyExchange::pass_upload(const io::Context& context, std::string& message) {
  if (!fault_ || met_) return true;
  if (ends_with("/WriteObject")) return cut_upload<v2::WriteObjectRequest>(context, message);
  if (ends_with("/BidiWriteObject")) {
    return cut_upload<v2::BidiWriteObjectRequest>(context, message);
  }
  return true;
}

template <class Request>
bool FaultyExchange::cut_upload(const io::Context& context, std::string& message) {
  Request request;
  if (!request.ParseFromString(message)) return true;
  const auto offset = static_cast<uint64_t>(request.write_offset());
  const uint64_t end = offset + request.checksummed_data().content().size();
  if (fault_->kind == Fault::Kind::kStall && offset <= fault_->bytes && fault_->bytes < end) {
    take();
    const std::chrono::seconds time{std::exchange(fault_, {})->seconds};
    static_cast<void>(io::sleep_for(context, time));  // or the client has gone
    return true;
  }
  if (fault_->kind != Fault::Kind::kStatusAfter || fault_->bytes <= offset || fault_->bytes > end) {
    return true;
  }
  take();
  met_ = injected(fault_->status);
  cut(*request.mutable_checksummed_data(), fault_->bytes - offset);
  request.set_finish_write(false);
  request.clear_object_checksums();
  persist(request);
  message = request.SerializeAsString();
  return false;
}

Result<void> FaultyExchange::give(const io::Context& context, io::OwnedBytes frame) {
  if (met_) return {};  // the client learns of the fault alone
  if (!fault_) return inner_.give(context, std::move(frame));
  if (fault_->kind == Fault::Kind::kRedirectHandle) {
    met_ = redirected_with_handle(fault_->token, frame.view().substr(kPrefixBytes));
    if (!met_) return inner_.give(context, std::move(frame));
    take();
    return std::unexpected(unavailable("an injected fault sent the client elsewhere"));
  }
  if (ends_with("/ReadObject"))
    return cut_answer<v2::ReadObjectResponse>(context, std::move(frame));
  if (ends_with("/BidiReadObject"))
    return cut_answer<v2::BidiReadObjectResponse>(context, std::move(frame));
  return inner_.give(context, std::move(frame));
}

template <class Response>
Result<void> FaultyExchange::cut_answer(const io::Context& context, io::OwnedBytes frame) {
  Response response;
  const std::string_view message = frame.view().substr(kPrefixBytes);
  if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return inner_.give(context, std::move(frame));
  }
  v2::ChecksummedData* data = content_of(response);
  if (data == nullptr) return inner_.give(context, std::move(frame));
  const uint64_t length = data->content().size();
  if (fault_->kind == Fault::Kind::kStall && answered_ + length >= fault_->bytes) {
    take();
    const std::chrono::seconds time{std::exchange(fault_, {})->seconds};
    BR_TRY(io::sleep_for(context, time));
    return inner_.give(context, std::move(frame));
  }
  if (fault_->kind != Fault::Kind::kBreakAfter || answered_ + length < fault_->bytes) {
    answered_ += length;
    return inner_.give(context, std::move(frame));
  }
  take();
  met_ = Status{Code::kUnavailable, "Injected 'broken stream' fault"};
  if (const uint64_t kept = fault_->bytes - answered_; kept < length) {
    cut(*data, kept);
    set_cut(response, kept);
  }
  BR_TRY(inner_.write(context, frame_around(response.SerializeAsString())));
  return std::unexpected(unavailable("an injected fault broke the stream off"));
}

}  // namespace beringia::protocol::gcs::grpc
