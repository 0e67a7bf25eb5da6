#pragma once

#include <string>
#include <utility>

#include "base/checksum.h"
#include "protocol/gcs/grpc/grpc_call.h"
#include "protocol/gcs/grpc/resources.h"

namespace beringia::protocol::gcs::grpc {

/// The messages of one WriteObject or BidiWriteObject call, each checked as it comes. Lives on the
/// stack of its call's fiber.
template <class Request>
class WriteMessages {
 public:
  explicit WriteMessages(GrpcCall& call) : call_{call} {}

  /// Takes the next message; false: the client sends no more. @error kInvalidArgument
  [[nodiscard]] Answer<bool> next() {
    std::string bytes;
    BR_TRY(more, call_.next(bytes));
    if (!more) return false;
    message_.Clear();
    content_taken_ = false;
    wants_answer_ = false;
    BR_TRY(parse(bytes, message_));
    const bool tells = message_.first_message_case() != Request::FIRST_MESSAGE_NOT_SET;
    if (tells && began_) {
      return refusal(Code::kInvalidArgument, "Only the first message says what is written.");
    }
    if (!tells && !began_) {
      return refusal(Code::kInvalidArgument, "The first message says what is written.");
    }
    began_ = true;
    if (message_.write_offset() < 0) {
      return refusal(Code::kInvalidArgument, "write_offset is negative");
    }
    size_ = message_.checksummed_data().content().size();
    crc32c_ = Crc32c::of(message_.checksummed_data().content());
    if (message_.checksummed_data().has_crc32c() &&
        message_.checksummed_data().crc32c() != crc32c_) {
      return refusal(Code::kInvalidArgument, "The content of a message has another CRC32C.");
    }
    return true;
  }
  /// The same for the first, which must be there.
  [[nodiscard]] Answer<void> first() {
    BR_TRY(more, next());
    if (!more) return refusal(Code::kInvalidArgument, "the request has no message");
    return {};
  }

  /// The one that was taken last.
  const Request& message() const { return message_; }
  uint64_t offset() const { return static_cast<uint64_t>(message_.write_offset()); }
  /// The one at hand is to be answered, though it does not ask for it.
  void want_answer() { wants_answer_ = true; }
  bool wants_answer() const { return wants_answer_; }
  /// Whether it goes on at `position`. Google's asyncio client leaves the offset of messages
  /// without content out.
  bool goes_on_at(uint64_t position) const {
    return offset() == position || (size_ == 0 && offset() == 0);
  }
  /// Where its content ends.
  uint64_t end() const { return offset() + size_; }
  bool has_content() const { return size_ > 0 && !content_taken_; }
  uint32_t crc32c() const { return crc32c_; }
  /// Once.
  std::string take_content() {
    if (std::exchange(content_taken_, true) || !message_.has_checksummed_data()) return {};
    return std::move(*message_.mutable_checksummed_data()->mutable_content());
  }

 private:
  GrpcCall& call_;
  Request message_;
  size_t size_ = 0;
  uint32_t crc32c_ = 0;
  bool began_ = false;
  bool content_taken_ = false;
  bool wants_answer_ = false;
};

}  // namespace beringia::protocol::gcs::grpc
