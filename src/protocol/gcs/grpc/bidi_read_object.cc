#include <algorithm>
#include <memory>

#include "base/checksum.h"
#include "base/encoding.h"
#include "protocol/gcs/grpc/content_frame.h"
#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/resources.h"

namespace beringia::protocol::gcs::grpc {
namespace {

constexpr uint64_t kChunk = 256 << 10;  // content of one message; Google's are at most 2 MiB

/// A stream of reads of one generation of one object, one range after the other.
class Ranges {
 public:
  Ranges(GrpcCall& call, const v2::BidiReadObjectSpec& spec, std::string bucket)
      : call_{call}, spec_{spec}, bucket_{std::move(bucket)} {}

  /// Looks the object up. All ranges are of the generation that this found.
  Answer<void> open() {
    JsonCall ask{.path = object_path(bucket_, spec_.object())};
    ask.query.add("projection", "full");
    if (const int64_t wanted = wanted_generation(); wanted != 0) {
      ask.query.add("generation", wanted);
    }
    add_conditions(spec_, ask.query);
    add_key(ask.headers, spec_.common_object_request_params());
    BR_TRY(json, call_.ask_text(ask));
    BR_TRY(object, object_of(json));
    generation_ = object.generation();
    size_ = static_cast<uint64_t>(object.size());
    trim(spec_, object);
    *head_.mutable_metadata() = std::move(object);
    // Who opens it again by this reads the same generation.
    head_.mutable_read_handle()->set_handle(std::to_string(generation_));
    return {};
  }

  /// What the first answer tells goes out, if no range took it along.
  Answer<void> tell() { return told_ ? Answer<void>{} : send(v2::BidiReadObjectResponse{}); }

  Answer<void> serve(const v2::ReadRange& range) {
    if (range.read_length() < 0) return out_of_range(range, "read_length is negative");
    uint64_t offset = 0;
    if (range.read_offset() >= 0) {
      offset = static_cast<uint64_t>(range.read_offset());
    } else {
      const uint64_t from_end = uint64_t{0} - static_cast<uint64_t>(range.read_offset());
      offset = size_ - std::min(size_, from_end);
    }
    if (offset > size_) {
      return out_of_range(range, "read_offset " + std::to_string(offset) + " is behind the end, " +
                                     std::to_string(size_));
    }
    uint64_t length = size_ - offset;
    if (range.read_length() > 0) {
      length = std::min(length, static_cast<uint64_t>(range.read_length()));
    }
    if (length == 0) return send_empty(range.read_id(), offset);
    return read(range.read_id(), offset, length);
  }

 private:
  int64_t wanted_generation() const {
    if (spec_.generation() != 0 || !spec_.has_read_handle()) return spec_.generation();
    return static_cast<int64_t>(parse_u64(spec_.read_handle().handle()).value_or(0));
  }

  Answer<void> read(int64_t id, uint64_t offset, uint64_t length) {
    JsonCall ask{.path = object_path(bucket_, spec_.object())};
    ask.query.add("alt", "media");
    ask.query.add("generation", generation_);
    add_key(ask.headers, spec_.common_object_request_params());
    ask.headers.add("Accept-Encoding", "gzip");  // bytes as they are stored
    ask.headers.add("Range",
                    "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + length - 1));
    io::HttpResponse response = call_.ask(ask);
    uint64_t sent = 0;
    Answer<void> done = response.status == 206 ? stream(response, id, offset, length, sent)
                                               : std::unexpected(call_.status_of(response));
    if (response.on_finished) response.on_finished(sent, done || response.status >= 300);
    return done;
  }

  Answer<void> stream(io::HttpResponse& response, int64_t id, uint64_t offset, uint64_t length,
                      uint64_t& sent) {
    while (sent < length) {
      const size_t size = std::min(kChunk, length - sent);
      const std::string range = range_fields(id, offset + sent, size, sent + size == length);
      const std::string rest =
          std::exchange(told_, true) ? std::string{} : head_.SerializeAsString();
      ContentFrame frame{size, range.size() + rest.size()};
      for (size_t filled = 0; filled < size;) {
        auto n = response.body->read(call_.context(), frame.room().subspan(filled));
        if (!n) {
          const bool stopped = n.error().code() == beringia::Code::kCancelled;
          return refusal(stopped ? Code::kCancelled : Code::kUnavailable, n.error().what());
        }
        if (*n == 0) return refusal(Code::kUnavailable, "the object ended early");
        filled += *n;
      }
      BR_TRY(call_.send_frame(frame.take_range(size, range, rest)));
      sent += size;
    }
    return {};
  }

  /// What of an ObjectRangeData is not the content.
  static std::string range_fields(int64_t id, uint64_t offset, uint64_t size, bool is_last) {
    v2::ObjectRangeData data;
    data.mutable_read_range()->set_read_offset(static_cast<int64_t>(offset));
    data.mutable_read_range()->set_read_length(static_cast<int64_t>(size));
    data.mutable_read_range()->set_read_id(id);
    data.set_range_end(is_last);
    return data.SerializeAsString();
  }

  /// A range without bytes.
  Answer<void> send_empty(int64_t id, uint64_t offset) {
    v2::BidiReadObjectResponse response;
    auto& data = *response.add_object_data_ranges();
    data.mutable_checksummed_data()->set_crc32c(Crc32c::of(""));
    data.MergeFromString(range_fields(id, offset, 0, true));
    return send(std::move(response));
  }

  Answer<void> send(v2::BidiReadObjectResponse response) {
    if (!std::exchange(told_, true)) response.MergeFrom(head_);
    return call_.send(response);
  }

  /// Clients look for the range in the details.
  static Answer<void> out_of_range(const v2::ReadRange& range, std::string why) {
    v2::BidiReadObjectError error;
    auto& one = *error.add_read_range_errors();
    one.set_read_id(range.read_id());
    one.mutable_status()->set_code(static_cast<int>(Code::kOutOfRange));
    one.mutable_status()->set_message(why);
    Status status{Code::kOutOfRange, std::move(why)};
    status.detail_type = error.GetTypeName();
    status.detail = error.SerializeAsString();
    return std::unexpected(std::move(status));
  }

  GrpcCall& call_;
  const v2::BidiReadObjectSpec& spec_;
  const std::string bucket_;
  v2::BidiReadObjectResponse head_;  // goes with the first answer
  bool told_ = false;
  int64_t generation_ = 0;
  uint64_t size_ = 0;
};

}  // namespace

Answer<void> bidi_read_object(GrpcCall& call) {
  std::string bytes;
  BR_TRY(more, call.next(bytes));
  if (!more) return refusal(Code::kInvalidArgument, "the request has no message");
  v2::BidiReadObjectRequest first;
  BR_TRY(parse(bytes, first));
  if (!first.has_read_object_spec()) {
    return refusal(Code::kInvalidArgument, "The first message says what is read.");
  }
  BR_TRY(bucket, bucket_of(first.read_object_spec().bucket()));
  Ranges ranges{call, first.read_object_spec(), bucket};
  BR_TRY(ranges.open());
  for (const auto& range : first.read_ranges()) BR_TRY(ranges.serve(range));
  BR_TRY(ranges.tell());
  for (;;) {
    BR_TRY(goes_on, call.next(bytes));
    if (!goes_on) return {};
    v2::BidiReadObjectRequest request;
    BR_TRY(parse(bytes, request));
    if (request.has_read_object_spec()) {
      return refusal(Code::kInvalidArgument, "Only the first message says what is read.");
    }
    for (const auto& range : request.read_ranges()) BR_TRY(ranges.serve(range));
  }
}

}  // namespace beringia::protocol::gcs::grpc
