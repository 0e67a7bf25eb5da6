#include "base/quantity.h"

#include <gtest/gtest.h>

#include "base/nearest_word.h"

namespace beringia {
namespace {

TEST(Quantity, bytes_are_read_in_binary_and_decimal_units) {
  EXPECT_EQ(parse_bytes("65536").value(), 65536u);
  EXPECT_EQ(parse_bytes("64KiB").value(), 65536u);
  EXPECT_EQ(parse_bytes("3MB").value(), 3'000'000u);
  EXPECT_EQ(parse_bytes("0").value(), 0u);
}

TEST(Quantity, nonsense_and_overflow_are_refused) {
  for (const char* text : {"", "-1", "1.5GiB", "10 MiB", "MiB", "9999999999TiB", "5KB"}) {
    EXPECT_FALSE(parse_bytes(text)) << text;
  }
  EXPECT_FALSE(parse_rate("400MiB"));
  EXPECT_FALSE(parse_duration("10"));
}

TEST(Quantity, what_is_written_is_read_back) {
  for (uint64_t bytes : {0ULL, 1ULL, 1023ULL, 1024ULL, 67108864ULL, 5ULL << 40, 1000001ULL}) {
    EXPECT_EQ(parse_bytes(format_bytes(bytes)).value(), bytes);
    EXPECT_EQ(parse_rate(format_rate(bytes)).value(), bytes);
  }
  for (const char* text : {"150ms", "10s", "5m", "2h", "7d", "90s", "0"}) {
    EXPECT_EQ(format_duration(parse_duration(text).value()), text);
  }
}

TEST(NearestWord, finds_a_typo_and_no_more) {
  const std::vector<std::string> known = {"log_level", "log_format", "data", "mount"};
  EXPECT_EQ(nearest_word("log_levl", known), "log_level");
  EXPECT_EQ(nearest_word("mnout", known), "mount");
  EXPECT_EQ(nearest_word("dat", known), "data");
  EXPECT_EQ(nearest_word("compression", known), "");
  EXPECT_EQ(nearest_word("x", known), "");
}

}  // namespace
}  // namespace beringia
