#include <algorithm>
#include <cstring>

#include "base/checksum.h"
#include "base/encoding.h"
#include "base/random.h"
#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/resources.h"

namespace beringia::protocol::gcs::grpc {
namespace {

/// The content of the messages of one write, between a head and a tail: the body of a multipart
/// upload of the JSON API. Checks offsets, the checksum of each message and that of the whole
/// before the last byte is handed on, so that nothing wrong is ever committed.
class WriteBody final : public io::ByteSource {
 public:
  WriteBody(GrpcCall& call, v2::WriteObjectRequest first, std::string head, std::string tail)
      : call_{call}, message_{std::move(first)}, ready_{std::move(head)}, tail_{std::move(tail)} {}

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
      std::string bytes;
      BR_TRY(more, call_.next(bytes));
      if (!more) {
        return refusal(Code::kInvalidArgument, "The write ended without finish_write.");
      }
      message_.Clear();
      BR_TRY(parse(bytes, message_));
      if (message_.first_message_case() != v2::WriteObjectRequest::FIRST_MESSAGE_NOT_SET) {
        return refusal(Code::kInvalidArgument, "Only the first message says what is written.");
      }
    }
    taken_ = true;
    if (message_.write_offset() != static_cast<int64_t>(written_)) {
      return refusal(Code::kInvalidArgument, "write_offset is " +
                                                 std::to_string(message_.write_offset()) + "; " +
                                                 std::to_string(written_) + " bytes have come");
    }
    BR_TRY(take_data());
    if (!message_.finish_write()) return {};
    BR_TRY(check_end());
    ready_ += tail_;
    ended_ = true;
    return {};
  }

  Answer<void> take_data() {
    if (!message_.has_checksummed_data()) return {};
    auto& data = *message_.mutable_checksummed_data();
    ready_ = std::move(*data.mutable_content());
    const uint32_t sum = Crc32c::of(ready_);
    if (data.has_crc32c() && data.crc32c() != sum) {
      return refusal(Code::kInvalidArgument, "The content of a message has another CRC32C.");
    }
    whole_ = Crc32c::combine(whole_, sum, ready_.size());
    written_ += ready_.size();
    return {};
  }

  /// The first message's sums are checked by the JSON API.
  Answer<void> check_end() const {
    const auto& sums = message_.object_checksums();
    if (sums.has_crc32c() && sums.crc32c() != whole_) {
      return refusal(Code::kInvalidArgument, "The object has another CRC32C than was said.");
    }
    const bool is_late =
        message_.first_message_case() == v2::WriteObjectRequest::FIRST_MESSAGE_NOT_SET;
    if (is_late && !sums.md5_hash().empty()) {
      return refusal(Code::kUnimplemented, "An MD5 is taken with the first message only.");
    }
    return {};
  }

  GrpcCall& call_;
  v2::WriteObjectRequest message_;
  std::string ready_;
  size_t at_ = 0;
  const std::string tail_;
  bool taken_ = false;
  bool ended_ = false;
  uint64_t written_ = 0;
  uint32_t whole_ = 0;
  std::optional<Status> failure_;
};

}  // namespace

Answer<void> write_object(GrpcCall& call) {
  std::string bytes;
  BR_TRY(more, call.next(bytes));
  if (!more) return refusal(Code::kInvalidArgument, "the request has no message");
  v2::WriteObjectRequest first;
  BR_TRY(parse(bytes, first));
  if (!first.has_write_object_spec()) {
    return refusal(Code::kUnimplemented, "Resumable writes over gRPC are not offered.");
  }
  const v2::WriteObjectSpec spec = first.write_object_spec();
  BR_TRY(bucket, bucket_of(spec.resource().bucket()));
  BR_TRY(change, change_of(spec.resource()));
  if (first.object_checksums().has_crc32c()) change.crc32c = first.object_checksums().crc32c();
  if (!first.object_checksums().md5_hash().empty()) {
    change.md5 = first.object_checksums().md5_hash();
  }
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
  WriteBody body{call, std::move(first), std::move(head), "\r\n" + line + "--\r\n"};
  ask.source = &body;
  auto json = call.ask_text(ask);
  if (!json && body.failure()) return std::unexpected(*body.failure());
  if (!json) return std::unexpected(std::move(json).error());
  BR_TRY(object, object_of(*json));
  v2::WriteObjectResponse response;
  *response.mutable_resource() = std::move(object);
  return call.send(response);
}

}  // namespace beringia::protocol::gcs::grpc
