#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "io/http2.h"

namespace beringia::protocol::gcs::grpc {

/// A gRPC message around content that is read into its place at once, so that the bytes of an
/// object are not moved on their way into the frame. Made for one message.
class ContentFrame {
 public:
  /// @param content  most bytes of content @param tail  most bytes behind it, see take()
  ContentFrame(size_t content, size_t tail);

  /// Where the content goes.
  std::span<char> room() { return {buffer_.get() + kHeadBytes, content_}; }
  /// ReadObjectResponse: checksummed_data of the first `length` bytes of room(), then the fields
  /// `rest`, serialized.
  io::OwnedBytes take_read(size_t length, std::string_view rest);
  /// BidiReadObjectResponse: one object_data_ranges, whose further fields are `range`, then `rest`.
  io::OwnedBytes take_range(size_t length, std::string_view range, std::string_view rest);

 private:
  static constexpr size_t kHeadBytes = 32;  // gRPC's prefix, three tags and lengths
  static constexpr size_t kCrcBytes = 5;

  /// Puts a field's tag and length before what begins at `begin_`.
  void wrap(char tag, size_t length);
  void add_data(size_t length);
  void append(std::string_view bytes);
  io::OwnedBytes framed();

  std::unique_ptr<char[]> buffer_;
  const size_t content_;
  size_t begin_ = kHeadBytes;
  size_t end_ = kHeadBytes;
};

}  // namespace beringia::protocol::gcs::grpc
