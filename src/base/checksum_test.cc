#include "base/checksum.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random.h"

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

TEST(HmacSha256, matches_rfc_4231) {
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

}  // namespace
}  // namespace beringia
