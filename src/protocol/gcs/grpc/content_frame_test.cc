#include "protocol/gcs/grpc/content_frame.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/checksum.h"
#include "protocol/gcs/grpc/grpc_call.h"
#include "protocol/gcs/grpc/storage.pb.h"

namespace beringia::protocol::gcs::grpc {
namespace {

namespace v2 = google::storage::v2;

// Around where the length of a field takes one byte more.
constexpr size_t kLengths[] = {0, 1, 115, 127, 128, 16'370, 16'384, 262'144};

std::string content_of(size_t length) {
  std::string content(length, 'c');
  for (size_t i = 0; i < length; ++i) content[i] = static_cast<char>(i * 31);
  return content;
}

/// A frame with content of `length` bytes, in a buffer with room for more.
ContentFrame filled(const std::string& content, size_t spare, size_t tail) {
  ContentFrame frame{content.size() + spare, tail};
  std::ranges::copy(content, frame.room().begin());
  return frame;
}

std::string message_in(const io::OwnedBytes& frame) {
  std::string prefix(kPrefixBytes, '\0');
  put_prefix(prefix.data(), frame.view().size() - kPrefixBytes);
  EXPECT_EQ(frame.view().substr(0, kPrefixBytes), prefix);
  return std::string{frame.view().substr(kPrefixBytes)};
}

TEST(ContentFrame, a_read_is_what_protobuf_would_write) {
  for (const size_t length : kLengths) {
    const std::string content = content_of(length);
    v2::ReadObjectResponse rest;
    rest.mutable_content_range()->set_complete_length(5);
    const std::string fields = rest.SerializeAsString();
    auto frame = filled(content, 7, fields.size());
    v2::ReadObjectResponse read;
    ASSERT_TRUE(read.ParseFromString(message_in(frame.take_read(length, fields)))) << length;
    EXPECT_EQ(read.checksummed_data().content(), content);
    EXPECT_EQ(read.checksummed_data().crc32c(), Crc32c::of(content));
    EXPECT_EQ(read.content_range().complete_length(), 5);
  }
}

TEST(ContentFrame, a_range_is_what_protobuf_would_write) {
  for (const size_t length : kLengths) {
    const std::string content = content_of(length);
    v2::ObjectRangeData range;
    range.mutable_read_range()->set_read_id(9);
    range.set_range_end(true);
    v2::BidiReadObjectResponse head;
    head.mutable_metadata()->set_name("x");
    const std::string inner = range.SerializeAsString();
    const std::string outer = head.SerializeAsString();
    auto frame = filled(content, 0, inner.size() + outer.size());
    v2::BidiReadObjectResponse read;
    ASSERT_TRUE(read.ParseFromString(message_in(frame.take_range(length, inner, outer)))) << length;
    ASSERT_EQ(read.object_data_ranges_size(), 1);
    const auto& data = read.object_data_ranges(0);
    EXPECT_EQ(data.checksummed_data().content(), content);
    EXPECT_EQ(data.checksummed_data().crc32c(), Crc32c::of(content));
    EXPECT_EQ(data.read_range().read_id(), 9);
    EXPECT_TRUE(data.range_end());
    EXPECT_EQ(read.metadata().name(), "x");
  }
}

}  // namespace
}  // namespace beringia::protocol::gcs::grpc
