#include "wire/segments.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace beringia::wire {
namespace {

using Direction = SegmentCipher::Direction;

const Secret kKey{std::string(kDataKeyBytes, 'k')};

std::string pattern(size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 131 + (i >> 8));
  return text;
}

/// One whole stream, as it is stored.
std::string sealed_stream(std::string_view plain, char salt = 's') {
  std::string stored = stream_header(std::string(kSaltBytes, salt));
  auto cipher = SegmentCipher::make(kKey, stored, Direction::kSeal);
  EXPECT_TRUE(cipher);
  const uint64_t segments = segments_of(plain.size());
  for (uint64_t n = 0; n < segments; ++n) {
    const auto segment = plain.substr(n * kSegmentBytes, kSegmentBytes);
    const size_t at = stored.size();
    stored.resize(at + segment.size() + kSegmentTagBytes);
    EXPECT_TRUE(cipher->seal(n, n + 1 == segments, segment, std::span{stored}.subspan(at)));
  }
  return stored;
}

Result<std::string> opened_segment(std::string_view stored, uint64_t number, bool is_last,
                                   const Secret& key = kKey) {
  BR_TRY(cipher, SegmentCipher::make(key, stored.substr(0, kStreamHeaderBytes), Direction::kOpen));
  const auto sealed =
      stored.substr(kStreamHeaderBytes + number * kSealedSegmentBytes, kSealedSegmentBytes);
  std::string plain(sealed.size() - kSegmentTagBytes, '\0');
  BR_TRY(cipher.open(number, is_last, sealed, std::span{plain}));
  return plain;
}

TEST(DeriveKey, is_hkdf_of_rfc_5869) {
  // RFC 5869, A.1: the first 32 bytes of its output.
  const Secret key{std::string(22, '\x0b')};
  const auto derived =
      derive_key(key, *from_hex("000102030405060708090a0b0c"), *from_hex("f0f1f2f3f4f5f6f7f8f9"));
  ASSERT_TRUE(derived);
  EXPECT_EQ(to_hex(derived->reveal()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

TEST(SegmentCipher, keeps_the_format_it_once_wrote) {
  // Computed by an independent implementation (Python's cryptography): the format is for ever.
  const std::string stored = sealed_stream("hello, world");
  EXPECT_EQ(to_hex(stored.substr(0, kStreamHeaderBytes)),
            "4252455301100000" + to_hex(std::string(kSaltBytes, 's')));
  EXPECT_EQ(to_hex(stored.substr(kStreamHeaderBytes)),
            "434ab2b27758a4470d11b3aa847585a8ba4a07225403eb6fbd7b1560");
}

TEST(SegmentCipher, opens_what_it_sealed) {
  for (const size_t size : {size_t{0}, size_t{1}, kSegmentBytes - 1, kSegmentBytes,
                            kSegmentBytes + 1, 3 * kSegmentBytes}) {
    const std::string plain = pattern(size);
    const std::string stored = sealed_stream(plain);
    EXPECT_EQ(stored.size(), stored_bytes_of(size));
    std::string opened;
    for (uint64_t n = 0; n < segments_of(size); ++n) {
      auto segment = opened_segment(stored, n, n + 1 == segments_of(size));
      ASSERT_TRUE(segment) << size;
      opened += *segment;
    }
    EXPECT_EQ(opened, plain) << size;
  }
}

TEST(SegmentCipher, refuses_every_flipped_bit) {
  const std::string stored = sealed_stream("a short object");
  for (size_t bit = 0; bit < stored.size() * 8; ++bit) {
    std::string changed = stored;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(opened_segment(changed, 0, true)) << bit;
  }
  EXPECT_TRUE(opened_segment(stored, 0, true));
}

TEST(SegmentCipher, refuses_other_places_and_other_keys) {
  const std::string stored = sealed_stream(pattern(2 * kSegmentBytes));
  EXPECT_TRUE(opened_segment(stored, 0, false));
  EXPECT_TRUE(opened_segment(stored, 1, true));
  // The first segment as if the object ended there, the last one as if it went on.
  EXPECT_FALSE(opened_segment(stored, 0, true));
  EXPECT_FALSE(opened_segment(stored, 1, false));
  const std::string first = stored.substr(kStreamHeaderBytes, kSealedSegmentBytes);
  const std::string second = stored.substr(kStreamHeaderBytes + kSealedSegmentBytes);
  EXPECT_FALSE(opened_segment(stored.substr(0, kStreamHeaderBytes) + second + first, 0, false));
  EXPECT_FALSE(opened_segment(stored, 0, false, Secret{std::string(kDataKeyBytes, 'x')}));
  // Another stream of the same key.
  const std::string other = sealed_stream(pattern(2 * kSegmentBytes), 't');
  EXPECT_FALSE(opened_segment(other.substr(0, kStreamHeaderBytes) + first + second, 0, false));
}

TEST(SegmentCipher, refuses_what_is_cut_off) {
  const std::string stored = sealed_stream("a short object");
  for (size_t size = kStreamHeaderBytes + kSegmentTagBytes; size < stored.size(); ++size) {
    EXPECT_FALSE(opened_segment(stored.substr(0, size), 0, true)) << size;
  }
}

TEST(SegmentCipher, tells_headers_of_others_and_of_newer_formats) {
  EXPECT_EQ(SegmentCipher::make(kKey, "no header", Direction::kOpen).error().code(),
            Code::kCorrupt);
  std::string header = stream_header(std::string(kSaltBytes, 's'));
  header[4] = 2;
  EXPECT_EQ(SegmentCipher::make(kKey, header, Direction::kOpen).error().code(), Code::kUnsupported);
}

/// The ranges that a plan names, opened one by one.
Result<std::string> read_by_plan(const StreamLayout& layout, const std::string& stored,
                                 io::ByteRange range) {
  const auto plan = layout.plan(range);
  EXPECT_LE(plan.stored.offset + plan.stored.length, stored.size());
  std::string_view rest = std::string_view{stored}.substr(plan.stored.offset, plan.stored.length);
  std::string header = stored.substr(plan.header_offset, kStreamHeaderBytes);
  if (plan.has_header) rest.remove_prefix(kStreamHeaderBytes);
  std::string plain;
  size_t run = plan.run;
  uint64_t in_run = plan.in_run;
  uint64_t segment = plan.segment;
  while (!rest.empty()) {
    const uint64_t segments = segments_of(layout.runs()[run].bytes);
    if (segment == segments) {
      segment = 0;
      if (++in_run == layout.runs()[run].count) in_run = 0, ++run;
      header = rest.substr(0, kStreamHeaderBytes);
      rest.remove_prefix(kStreamHeaderBytes);
      continue;
    }
    const bool is_last = segment + 1 == segments;
    const uint64_t bytes =
        is_last ? layout.runs()[run].bytes - segment * kSegmentBytes : uint64_t{kSegmentBytes};
    BR_TRY(cipher, SegmentCipher::make(kKey, header, Direction::kOpen));
    std::string opened(bytes, '\0');
    BR_TRY(
        cipher.open(segment, is_last, rest.substr(0, bytes + kSegmentTagBytes), std::span{opened}));
    rest.remove_prefix(bytes + kSegmentTagBytes);
    plain += opened;
    ++segment;
  }
  return plain.substr(plan.skip, range.length);
}

TEST(StreamLayout, finds_every_range_of_several_streams) {
  const std::vector<StreamRun> runs = {
      {kSegmentBytes + 7, 2}, {0, 1}, {5, 3}, {2 * kSegmentBytes, 1}, {0, 2}};
  const StreamLayout layout{runs};
  ASSERT_TRUE(layout.is_sane());
  std::string plain;
  std::string stored;
  for (const auto& run : runs) {
    for (uint64_t i = 0; i < run.count; ++i) {
      const std::string part = pattern(run.bytes);
      stored += sealed_stream(part, static_cast<char>('a' + stored.size() % 19));
      plain += part;
    }
  }
  EXPECT_EQ(layout.plain_bytes(), plain.size());
  EXPECT_EQ(layout.stored_bytes(), stored.size());
  SeededRng rng{7};
  std::vector<io::ByteRange> ranges = {{0, plain.size()}, {0, 1}, {plain.size() - 1, 1}};
  for (const uint64_t edge :
       {uint64_t{kSegmentBytes}, kSegmentBytes + uint64_t{7}, 2 * (kSegmentBytes + uint64_t{7}),
        2 * (kSegmentBytes + uint64_t{7}) + 15}) {
    ranges.push_back({edge - 1, 1});
    ranges.push_back({edge - 1, 2});
    ranges.push_back({edge, 1});
  }
  for (int i = 0; i < 200; ++i) {
    const uint64_t offset = rng.below(plain.size());
    ranges.push_back({offset, 1 + rng.below(plain.size() - offset)});
  }
  for (const auto& range : ranges) {
    const auto read = read_by_plan(layout, stored, range);
    ASSERT_TRUE(read) << range.offset << "+" << range.length;
    EXPECT_EQ(*read, plain.substr(range.offset, range.length)) << range.offset;
  }
}

TEST(StreamLayout, reads_whole_segments_and_no_more) {
  const StreamLayout layout{10 * kSegmentBytes};
  const auto plan = layout.plan({3 * kSegmentBytes + 10, 20});
  EXPECT_EQ(plan.stored,
            (io::ByteRange{kStreamHeaderBytes + 3 * kSealedSegmentBytes, kSealedSegmentBytes}));
  EXPECT_EQ(plan.skip, 10u);
  EXPECT_FALSE(plan.has_header);
  EXPECT_EQ(layout.plan({0, 10 * kSegmentBytes}).stored, (io::ByteRange{0, layout.stored_bytes()}));
}

TEST(StreamLayout, knows_the_empty_object) {
  const StreamLayout layout{0};
  EXPECT_EQ(layout.stored_bytes(), kStreamHeaderBytes + kSegmentTagBytes);
  EXPECT_EQ(layout.plan({0, 0}).stored, (io::ByteRange{0, layout.stored_bytes()}));
}

TEST(StreamLayout, does_not_believe_sizes_that_cannot_be) {
  EXPECT_FALSE(StreamLayout{std::vector<StreamRun>{}}.is_sane());
  EXPECT_FALSE((StreamLayout{{{UINT64_MAX, 1}}}.is_sane()));
  EXPECT_FALSE((StreamLayout{{{uint64_t{1} << 50, 1 << 12}}}.is_sane()));
  EXPECT_FALSE((StreamLayout{{{0, UINT64_MAX}}}.is_sane()));
  EXPECT_FALSE((StreamLayout{{{1, 0}}}.is_sane()));
  EXPECT_TRUE((StreamLayout{{{8 << 20, 10'000}}}.is_sane()));
}

}  // namespace
}  // namespace beringia::wire
