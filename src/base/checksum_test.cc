#include "base/checksum.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random.h"
#include "base/running_md5.h"

namespace beringia {
namespace {

constexpr std::string_view kCheck = "123456789";  // the check input of the CRC catalogue

TEST(Crc32c, matches_the_check_value_of_the_crc_catalogue) {
  EXPECT_EQ(Crc32c::of(kCheck), 0xE3069283U);
}

TEST(Crc32, matches_the_check_value_of_the_crc_catalogue) {
  Crc32 crc;
  crc.update(kCheck);
  EXPECT_EQ(crc.value(), 0xCBF43926U);
}

TEST(Crc64Nvme, matches_the_check_value_of_the_crc_catalogue) {
  Crc64Nvme crc;
  crc.update(kCheck);
  EXPECT_EQ(crc.value(), 0xAE8B14860A799888ULL);
}

TEST(Crc, combine_equals_the_crc_of_the_concatenation) {
  SeededRng rng{7};
  for (int round = 0; round < 200; ++round) {
    std::string a(rng.below(300), '\0');
    std::string b(rng.below(300), '\0');
    rng.fill(a);
    rng.fill(b);
    EXPECT_EQ(Crc32c::combine(Crc32c::of(a), Crc32c::of(b), b.size()), Crc32c::of(a + b));
    Crc32 a32, b32, ab32;
    a32.update(a), b32.update(b), ab32.update(a + b);
    EXPECT_EQ(Crc32::combine(a32.value(), b32.value(), b.size()), ab32.value());
    Crc64Nvme a64, b64, ab64;
    a64.update(a), b64.update(b), ab64.update(a + b);
    EXPECT_EQ(Crc64Nvme::combine(a64.value(), b64.value(), b.size()), ab64.value());
  }
}

/// Bit by bit, as the definition of a reflected CRC says.
template <class T>
T slow_crc(std::string_view bytes, T polynomial) {
  T crc = ~T{0};
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? polynomial : 0);
  }
  return ~crc;
}

TEST(Crc, fast_paths_equal_the_definition_at_every_length_and_alignment) {
  SeededRng rng{11};
  std::string bytes(40'000, '\0');
  rng.fill(bytes);
  for (int round = 0; round < 400; ++round) {
    const size_t offset = rng.below(64);
    const size_t length = round < 300 ? static_cast<size_t>(round) : rng.below(39'000);
    const auto part = std::string_view{bytes}.substr(offset, length);
    const size_t cut = rng.below(length + 1);
    Crc32c crc32c;
    Crc64Nvme crc64;
    for (const auto piece : {part.substr(0, cut), part.substr(cut)}) {
      crc32c.update(piece);
      crc64.update(piece);
    }
    ASSERT_EQ(crc32c.value(), slow_crc<uint32_t>(part, 0x82F63B78U)) << length;
    ASSERT_EQ(crc64.value(), slow_crc<uint64_t>(part, 0x9A6C9329AC4BC9B5ULL)) << length;
  }
}

TEST(Crc, combine_takes_lengths_beyond_memory) {
  // Appending n zeros twice is appending 2n zeros.
  const uint64_t n = (uint64_t{1} << 40) + 12'345;
  const uint64_t twice = Crc64Nvme::combine(Crc64Nvme::combine(5, 0, n), 0, n);
  EXPECT_EQ(twice, Crc64Nvme::combine(5, 0, 2 * n));
  EXPECT_EQ(Crc32c::combine(Crc32c::combine(5, 0, n), 0, n), Crc32c::combine(5, 0, 2 * n));
}

TEST(HmacSha256, matches_rfc_4231) {
  EXPECT_EQ(to_hex(HmacSha256{std::string(20, '\x0b')}.sign("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(HmacSha256{std::string(20, '\xaa')}.sign(std::string(50, '\xdd'))),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(to_hex(HmacSha256{"Jefe"}.sign("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(HmacSha256{std::string(131, '\xaa')}.sign(
                "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Digest, matches_known_digests) {
  EXPECT_EQ(to_hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(Digest::of(Digest::Kind::kSha1, "abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Digest, sha512_matches_fips_180) {
  EXPECT_EQ(to_hex(Digest::of(Digest::Kind::kSha512, "abc")).substr(0, 32),
            "ddaf35a193617abacc417349ae204131");
}

// Values of the reference implementation's own command line, xxhsum 0.8.
TEST(XxHash, matches_the_reference_in_any_pieces) {
  const auto of = [](XxHash::Kind kind, std::string_view text, size_t cut) {
    XxHash hash{kind};
    hash.update(text.substr(0, cut));
    hash.update(text.substr(cut));
    return to_hex(hash.finish());
  };
  for (const size_t cut : {0, 1, 3}) {
    EXPECT_EQ(of(XxHash::Kind::k64, "abc", cut), "44bc2cf5ad770999");
    EXPECT_EQ(of(XxHash::Kind::k3, "abc", cut), "78af5f94892f3950");
    EXPECT_EQ(of(XxHash::Kind::k128, "abc", cut), "06b05ab6733a618578af5f94892f3950");
  }
  EXPECT_EQ(of(XxHash::Kind::k64, "", 0), "ef46db3751d8e999");
}

TEST(RunningMd5, goes_on_after_it_was_put_aside_anywhere) {
  SeededRng rng{11};
  for (int round = 0; round < 200; ++round) {
    std::string whole;
    RunningMd5 running;
    EXPECT_EQ(running.value(), md5(""));
    for (int piece = 0; piece < 4; ++piece) {
      std::string bytes(rng.below(200), '\0');
      rng.fill(bytes);
      whole += bytes;
      running.update(bytes);
      running = RunningMd5::restore(running.save()).value();
      EXPECT_EQ(running.value(), md5(whole)) << whole.size();
    }
  }
  EXPECT_FALSE(RunningMd5::restore(""));
  EXPECT_FALSE(RunningMd5::restore(RunningMd5{}.save() + "x"));
}

}  // namespace
}  // namespace beringia
