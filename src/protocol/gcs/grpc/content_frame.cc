#include "protocol/gcs/grpc/content_frame.h"

#include <cstring>

#include "base/checksum.h"
#include "protocol/gcs/grpc/grpc_call.h"

namespace beringia::protocol::gcs::grpc {
namespace {

// Tags: field number and wire type (2: bytes or a message, 5: four bytes).
constexpr char kContent = 1 << 3 | 2;           // ChecksummedData.content
constexpr char kCrc32c = 2 << 3 | 5;            // ChecksummedData.crc32c
constexpr char kChecksummedData = 1 << 3 | 2;   // of ReadObjectResponse and of ObjectRangeData
constexpr char kObjectDataRanges = 6 << 3 | 2;  // of BidiReadObjectResponse

}  // namespace

ContentFrame::ContentFrame(size_t content, size_t tail)
    : buffer_{std::make_unique_for_overwrite<char[]>(kHeadBytes + content + kCrcBytes + tail)},
      content_{content} {}

void ContentFrame::wrap(char tag, size_t length) {
  size_t bytes = 1;
  for (size_t rest = length; rest >>= 7;) ++bytes;
  begin_ -= 1 + bytes;
  char* at = buffer_.get() + begin_;
  *at++ = tag;
  for (; length >= 128; length >>= 7) *at++ = static_cast<char>(length | 128);
  *at = static_cast<char>(length);
}

void ContentFrame::append(std::string_view bytes) {
  std::memcpy(buffer_.get() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void ContentFrame::add_data(size_t length) {
  const uint32_t crc = Crc32c::of({buffer_.get() + kHeadBytes, length});
  end_ = kHeadBytes + length;
  wrap(kContent, length);
  char field[kCrcBytes] = {kCrc32c};  // then little-endian
  for (size_t i = 1; i < kCrcBytes; ++i) field[i] = static_cast<char>(crc >> (i - 1) * 8);
  append({field, kCrcBytes});
  wrap(kChecksummedData, end_ - begin_);
}

io::OwnedBytes ContentFrame::framed() {
  const size_t length = end_ - begin_;
  begin_ -= kPrefixBytes;
  put_prefix(buffer_.get() + begin_, length);
  return {std::move(buffer_), begin_, end_};
}

io::OwnedBytes ContentFrame::take_read(size_t length, std::string_view rest) {
  add_data(length);
  append(rest);
  return framed();
}

io::OwnedBytes ContentFrame::take_range(size_t length, std::string_view range,
                                        std::string_view rest) {
  add_data(length);
  append(range);
  wrap(kObjectDataRanges, end_ - begin_);
  append(rest);
  return framed();
}

}  // namespace beringia::protocol::gcs::grpc
