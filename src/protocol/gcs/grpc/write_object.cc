#include <algorithm>
#include <cstring>

#include "base/encoding.h"
#include "base/random.h"
#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/write_stream.h"

namespace beringia::protocol::gcs::grpc {
namespace {

/// The content of the messages of one write, between a head and a tail: the body of a multipart
/// upload of the JSON API. Checks offsets and the checksum of the whole before the last byte is
/// handed on, so that nothing wrong is ever committed.
template <class Request>
class WriteBody final : public io::ByteSource {
 public:
  WriteBody(WriteMessages<Request>& messages, std::string head, std::string tail)
      : messages_{messages}, ready_{std::move(head)}, tail_{std::move(tail)} {}

  Result<size_t> read(const io::Context&, std::span<char> buffer) override {
    while (at_ == ready_.size()) {
      if (ended_) return 0;
      ready_.clear();
      at_ = 0;
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
  /// Why the body broke off, if it did.
  const std::optional<Status>& failure() const { return failure_; }

 private:
  /// Takes the message that is at hand, and fetches the next unless it was the last.
  Answer<void> advance() {
    if (taken_) {
      BR_TRY(more, messages_.next());
      if (!more) {
        return refusal(Code::kInvalidArgument, "The write ended without finish_write.");
      }
    }
    if (!messages_.goes_on_at(written_)) {
      return refusal(Code::kInvalidArgument, "write_offset is " +
                                                 std::to_string(messages_.offset()) + "; " +
                                                 std::to_string(written_) + " bytes have come");
    }
    ready_ = messages_.take_content();
    whole_ = Crc32c::combine(whole_, messages_.crc32c(), ready_.size());
    written_ += ready_.size();
    const bool is_late = std::exchange(taken_, true);
    if (!messages_.message().finish_write()) return {};
    BR_TRY(check_end(is_late));
    ready_ += tail_;
    ended_ = true;
    return {};
  }

  /// The first message's sums are checked by the JSON API.
  Answer<void> check_end(bool is_late) const {
    const auto& sums = messages_.message().object_checksums();
    if (sums.has_crc32c() && sums.crc32c() != whole_) {
      return refusal(Code::kInvalidArgument, "The object has another CRC32C than was said.");
    }
    if (is_late && !sums.md5_hash().empty()) {
      return refusal(Code::kUnimplemented, "An MD5 is taken with the first message only.");
    }
    return {};
  }

  WriteMessages<Request>& messages_;
  std::string ready_;
  size_t at_ = 0;
  const std::string tail_;
  bool taken_ = false;
  bool ended_ = false;
  uint64_t written_ = 0;
  uint32_t whole_ = 0;
  std::optional<Status> failure_;
};

template <class Request>
Answer<v2::Object> write_multipart(GrpcCall& call, WriteMessages<Request>& messages) {
  const Request& first = messages.message();
  const v2::WriteObjectSpec spec = first.write_object_spec();
  BR_TRY(bucket, bucket_of(spec.resource().bucket()));
  BR_TRY(change, new_object_change(spec.resource(), first.object_checksums()));
  SystemRng rng;
  const std::string boundary = random_hex(rng, 24);
  const std::string line = "--" + boundary;
  std::string head = line + "\r\nContent-Type: application/json\r\n\r\n" +
                     wire::gcs::render(change) + "\r\n" + line + "\r\n\r\n";
  JsonCall ask{.method = "POST", .path = "/upload" + bucket_path(bucket) + "/o"};
  ask.query.add("uploadType", "multipart");
  ask.query.add_text("kmsKeyName", spec.resource().kms_key());
  ask.query.add_text("predefinedAcl", spec.predefined_acl());
  add_conditions(spec, ask.query);
  add_key(ask.headers, first.common_object_request_params());
  ask.headers.add("Content-Type", "multipart/related; boundary=" + boundary);
  WriteBody<Request> body{messages, std::move(head), "\r\n" + line + "--\r\n"};
  ask.source = &body;
  auto json = call.ask_text(ask);
  if (!json && body.failure()) return std::unexpected(*body.failure());
  if (!json) return std::unexpected(std::move(json).error());
  return object_of(*json);
}

}  // namespace

Answer<v2::Object> write_at_once(GrpcCall& call,
                                 WriteMessages<v2::BidiWriteObjectRequest>& messages) {
  return write_multipart(call, messages);
}

Answer<void> write_object(GrpcCall& call) {
  WriteMessages<v2::WriteObjectRequest> messages{call};
  BR_TRY(messages.first());
  const v2::WriteObjectRequest& first = messages.message();
  v2::WriteObjectResponse response;
  if (first.has_write_object_spec()) {
    if (first.write_object_spec().appendable()) {
      return refusal(Code::kUnimplemented, "Appendable objects are written by BidiWriteObject.");
    }
    BR_TRY(object, write_multipart(call, messages));
    *response.mutable_resource() = std::move(object);
    return call.send(response);
  }
  BR_TRY(name, session_of(first.upload_id()));
  WriteSession session{call, name, first.common_object_request_params()};
  BR_TRY(state, write_into(session, messages, first.object_checksums(),
                           [](const auto&, const auto&) { return Answer<void>{}; }));
  if (state.resource) {
    *response.mutable_resource() = std::move(*state.resource);
  } else {
    response.set_persisted_size(static_cast<int64_t>(state.persisted));
  }
  return call.send(response);
}

}  // namespace beringia::protocol::gcs::grpc
