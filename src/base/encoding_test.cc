#include "base/encoding.h"

#include <gtest/gtest.h>

#include "base/json_writer.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/time.h"

namespace beringia {
namespace {

TEST(Lists, are_taken_apart_at_commas) {
  std::string_view list = " a , b c,, d";
  std::vector<std::string_view> items;
  while (!list.empty()) items.push_back(next_list_item(list));
  EXPECT_EQ(items, (std::vector<std::string_view>{"a", "b c", "", "d"}));
  EXPECT_EQ(next_list_item(list), "");
}

TEST(Encoding, reads_back_what_it_wrote) {
  SeededRng rng{3};
  for (int round = 0; round < 300; ++round) {
    std::string bytes(rng.below(40), '\0');
    rng.fill(bytes);
    EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
    EXPECT_EQ(percent_decode(percent_encode(bytes)), bytes);
    std::string buffer;
    const uint64_t number = rng.next() >> rng.below(64);
    append_varint(buffer, number);
    std::string_view view{buffer};
    EXPECT_EQ(read_varint(view), number);
    EXPECT_TRUE(view.empty());
  }
}

TEST(Encoding, refuses_broken_input) {
  EXPECT_EQ(from_hex("abc"), std::nullopt);
  EXPECT_EQ(from_hex("zz"), std::nullopt);
  EXPECT_EQ(from_base64("a"), std::nullopt);
  EXPECT_EQ(from_base64("****"), std::nullopt);
  EXPECT_EQ(percent_decode("%4"), std::nullopt);
  EXPECT_EQ(percent_decode("%zz"), std::nullopt);
  EXPECT_EQ(parse_u64("18446744073709551616"), std::nullopt);
  EXPECT_EQ(parse_u64("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_u64("-1"), std::nullopt);
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));  // a surrogate
  EXPECT_FALSE(is_utf8("\xC0\xAF"));      // an overlong '/'
  EXPECT_TRUE(is_utf8("gr\xC3\xBC\xC3\x9F"));
}

TEST(Time, reads_back_its_own_dates) {
  const Timestamp time{1'795'532'645'000'000};
  EXPECT_EQ(parse_http_date(to_http_date(time)), time);
  EXPECT_EQ(parse_rfc3339(to_iso8601(time)), time);
  EXPECT_EQ(parse_basic_iso8601(to_basic_iso8601(time)), time);
  EXPECT_EQ(parse_rfc3339("2026-11-24T17:04:05+02:00"), parse_rfc3339("2026-11-24T15:04:05Z"));
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"),
            parse_http_date("Sun Nov  6 08:49:37 1994"));
  EXPECT_EQ(parse_http_date("tomorrow"), Timestamp{});
  EXPECT_EQ(parse_basic_iso8601("20261324T150405Z"), Timestamp{});
}

TEST(JsonWriter, escapes_and_places_commas) {
  JsonWriter json;
  json.begin_object().member("a", 1).key("b").begin_array().value("x\"\n\x01").value(true).null();
  json.end_array().member("c", 0.5).end_object();
  EXPECT_EQ(json.text(), R"({"a":1,"b":["x\"\n\u0001",true,null],"c":0.5})");
  JsonWriter bad;
  bad.value(std::string_view{"a\xff"});
  EXPECT_EQ(bad.text(), "\"a\xEF\xBF\xBD\"");
}

TEST(Secret, never_prints_its_value) {
  const Secret secret{"hunter2"};
  EXPECT_EQ(secret.to_string(), "***");
  EXPECT_TRUE(secret == Secret{"hunter2"});
  EXPECT_FALSE(secret == Secret{"hunter3"});
}

TEST(SeededRng, repeats_its_sequence) {
  SeededRng a{42};
  SeededRng b{42};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
}

}  // namespace
}  // namespace beringia
