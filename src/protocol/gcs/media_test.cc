// The small machines of uploads and downloads: ranges, decompression, sessions.
#include <gtest/gtest.h>

#include "protocol/gcs/gunzip_source.h"
#include "protocol/gcs/http_range.h"
#include "protocol/gcs/resumable_session.h"
#include "protocol/gcs/session_turns.h"
#include "protocol/gcs/test_gzip.h"

namespace beringia::protocol::gcs {
namespace {

TEST(HttpRange, follows_the_rules_for_every_form) {
  struct Case {
    std::string_view header;
    uint64_t size;
    std::optional<io::ByteRange> expected;
  };
  const Case cases[] = {
      {"", 10, {}},
      {"bytes=0-4", 10, io::ByteRange{0, 5}},
      {"bytes=5-", 10, io::ByteRange{5, 5}},
      {"bytes=-3", 10, io::ByteRange{7, 3}},
      {"bytes=-30", 10, io::ByteRange{0, 10}},
      {"bytes=0-99", 10, io::ByteRange{0, 10}},
      {"Bytes = 0 - 1", 10, io::ByteRange{0, 2}},
      {"bytes=0-18446744073709551615", 10, io::ByteRange{0, 10}},
      {"bytes=0-1,3-4", 10, {}},
      {"bytes=4-2", 10, {}},
      {"bytes=a-b", 10, {}},
      {"bytes=-", 10, {}},
      {"items=0-1", 10, {}},
      {"bytes", 10, {}},
  };
  for (const Case& c : cases) {
    const auto range = parse_range(c.header, c.size);
    ASSERT_TRUE(range) << c.header;
    EXPECT_EQ(*range, c.expected) << c.header;
  }
  for (const auto& [header, size] : {std::pair{"bytes=10-", 10}, std::pair{"bytes=-0", 10},
                                     std::pair{"bytes=0-", 0}, std::pair{"bytes=-5", 0}}) {
    const auto range = parse_range(header, size);
    ASSERT_FALSE(range) << header;
    EXPECT_EQ(range.error().tag(), "range");
  }
}

TEST(ContentRange, follows_the_rules_for_every_form) {
  const auto chunk = parse_content_range("bytes 5-9/20").value();
  EXPECT_EQ(chunk.first, 5u);
  EXPECT_EQ(chunk.length, 5u);
  EXPECT_EQ(chunk.total, 20u);
  EXPECT_EQ(parse_content_range("bytes 0-9/*")->total, std::nullopt);
  EXPECT_EQ(parse_content_range("bytes */*")->first, std::nullopt);
  EXPECT_EQ(parse_content_range("bytes */20")->total, 20u);
  EXPECT_EQ(parse_content_range("bytes 0-*/*")->length, UINT64_MAX);
  for (const char* bad : {"", "bytes", "bytes 1", "bytes 5-4/20", "bytes 5-20/20", "bytes a-b/c",
                          "items 0-1/2", "bytes 0-18446744073709551615/*", "bytes 1--1/0"}) {
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  }
}

Result<std::string> gunzip(std::string compressed) {
  GunzipSource source{std::make_unique<io::StringSource>(std::move(compressed))};
  return io::read_all(io::Context{}, source, 64 << 20);
}

TEST(GunzipSource, gives_back_what_was_compressed_in_one_or_more_members) {
  std::string large;
  for (int i = 0; i < 200'000; ++i) large += std::to_string(i);
  EXPECT_EQ(gunzip(gzipped("hello")).value(), "hello");
  EXPECT_EQ(gunzip(gzipped("")).value(), "");
  EXPECT_EQ(gunzip(gzipped(large)).value(), large);
  EXPECT_EQ(gunzip(gzipped(large) + gzipped("tail") + gzipped("")).value(), large + "tail");
}

TEST(GunzipSource, every_cut_and_change_ends_with_an_error_never_with_an_end) {
  const std::string whole = gzipped("some bytes that are worth keeping");
  for (size_t n = 0; n < whole.size(); ++n) {
    const auto cut = gunzip(whole.substr(0, n));
    ASSERT_FALSE(cut) << n;
    EXPECT_EQ(cut.error().code(), Code::kCorrupt);
  }
  // Behind the header, whose time and OS are free; the lowest bit, for the last byte is padded.
  for (size_t n = 10; n < whole.size(); ++n) {
    std::string changed = whole;
    changed[n] = static_cast<char>(changed[n] ^ 0x01);
    EXPECT_FALSE(gunzip(changed)) << n;
  }
  EXPECT_FALSE(gunzip("not gzip at all"));
  EXPECT_FALSE(gunzip(whole + "trailing garbage"));
}

meta::PartRecord part(uint32_t number, uint64_t offset, uint64_t size) {
  meta::PartRecord record;
  record.number = number;
  record.size = size;
  record.checksums = marks_of_part(offset, RunningMd5{});
  return record;
}

TEST(SessionProgress, counts_parts_that_join) {
  EXPECT_EQ(progress_of({})->bytes, 0u);
  const auto progress = progress_of({part(1, 0, 5), part(2, 5, 7)}).value();
  EXPECT_EQ(progress.bytes, 12u);
  EXPECT_EQ(progress.parts, 2u);
}

TEST(SessionProgress, refuses_parts_that_do_not_join) {
  EXPECT_FALSE(progress_of({part(1, 0, 5), part(2, 6, 7)}));
  EXPECT_FALSE(progress_of({part(1, 0, 5), part(3, 5, 7)}));
  EXPECT_FALSE(progress_of({part(2, 0, 5)}));
  EXPECT_FALSE(progress_of({meta::PartRecord{}}));
}

TEST(SessionTerms, survive_being_stored) {
  SessionTerms terms;
  terms.conditions.generation_match = 0;
  terms.conditions.metageneration_not_match = 7;
  terms.expected = {5, 0xdeadbeef, std::string(16, '\x01')};
  const auto back = terms_of(options_of(terms)).value();
  EXPECT_EQ(back.conditions.generation_match, 0u);
  EXPECT_EQ(back.conditions.generation_not_match, std::nullopt);
  EXPECT_EQ(back.conditions.metageneration_not_match, 7u);
  EXPECT_EQ(back.expected.size, 5u);
  EXPECT_EQ(back.expected.crc32c, 0xdeadbeef);
  EXPECT_EQ(back.expected.md5, std::string(16, '\x01'));
  EXPECT_FALSE(terms_of({{"size", "x"}}));
}

TEST(SessionTurns, the_later_request_takes_over) {
  SessionTurns turns;
  SessionTurns::Turn first{turns, "a"};
  SessionTurns::Turn other{turns, "b"};
  EXPECT_TRUE(first.is_last());
  {
    const SessionTurns::Turn second{turns, "a"};
    EXPECT_FALSE(first.is_last());
    EXPECT_TRUE(second.is_last());
  }
  EXPECT_FALSE(first.is_last()) << "also after the later one has ended";
  EXPECT_TRUE(other.is_last());
}

TEST(SliceSource, takes_its_share_and_leaves_the_rest) {
  io::StringSource whole{"abcdefgh"};
  RunningMd5 md5;
  SliceSource first{whole, 3, md5};
  EXPECT_EQ(io::read_all(io::Context{}, first, 100).value(), "abc");
  EXPECT_FALSE(first.ended());
  SliceSource second{whole, 100, md5};
  EXPECT_EQ(io::read_all(io::Context{}, second, 100).value(), "defgh");
  EXPECT_TRUE(second.ended());
  EXPECT_EQ(second.taken(), 5u);
}

}  // namespace
}  // namespace beringia::protocol::gcs
