#include "io/http_parser.h"

#include <gtest/gtest.h>

namespace beringia::io {
namespace {

/// What the chunks of `bytes` hold, fed at most `step` bytes at a time; nullopt if they are refused
/// or not complete.
std::optional<std::string> decode(std::string_view bytes, size_t step = std::string_view::npos) {
  ChunkedDecoder decoder{1024};
  std::string body;
  std::string waiting;
  while (!decoder.done()) {
    auto taken = decoder.feed(waiting);
    if (!taken) return std::nullopt;
    body += taken->data;
    waiting.erase(0, taken->used);
    if (taken->used > 0) continue;
    if (bytes.empty()) return std::nullopt;
    waiting += bytes.substr(0, step);
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  return body;
}

TEST(ChunkedDecoder, reads_chunks_however_they_arrive) {
  const std::string bytes = "3\r\nabc\r\n00A;name=\"a value\"\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n";
  for (const size_t step : {size_t{1}, size_t{2}, size_t{7}, bytes.size()}) {
    EXPECT_EQ(decode(bytes, step), "abc0123456789") << step;
  }
}

// RFC 9112 7.1 and 11.2: who reads another size than the proxy before it lets requests be smuggled.
TEST(ChunkedDecoder, refuses_sizes_that_others_may_read_differently) {
  for (const char* line : {"3 ", "3\t", " 3", "3 ;a=b", "0x3", "+3", "3,3", "3 3", "", ";a", "-0",
                           "3;a\n", "3\r", "3;\x01", "1000000000000000", "0000000000000003"}) {
    EXPECT_EQ(decode(std::string{line} + "\r\nabc\r\n0\r\n\r\n"), std::nullopt) << line;
  }
  EXPECT_EQ(decode("3\r\nabcd\r\n0\r\n\r\n"), std::nullopt);
  EXPECT_EQ(decode("3\nabc\n0\n\n"), std::nullopt);
  EXPECT_EQ(decode("3\r\nabc\r\n0 \r\n\r\n"), std::nullopt);
}

TEST(ChunkedDecoder, refuses_trailers_that_are_no_fields_or_too_many) {
  EXPECT_EQ(decode("0\r\nX : v\r\n\r\n"), std::nullopt);
  EXPECT_EQ(decode("0\r\n folded\r\n\r\n"), std::nullopt);
  EXPECT_EQ(decode("0\r\nX: a\nb\r\n\r\n"), std::nullopt);
  std::string many = "0\r\n";
  for (int n = 0; n < 200; ++n) many += "X-Trailer: v\r\n";
  EXPECT_EQ(decode(many + "\r\n"), std::nullopt);
}

}  // namespace
}  // namespace beringia::io
