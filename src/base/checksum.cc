#include "base/checksum.h"

#include <nmmintrin.h>
#include <wmmintrin.h>
#include <zlib.h>

#include <cstring>

namespace beringia {
namespace {

/// Polynomials in reflected form (bit 0 is the highest power of x).
constexpr uint32_t kCrc32Poly = 0xEDB88320U;
constexpr uint32_t kCrc32cPoly = 0x82F63B78U;
constexpr uint64_t kCrc64NvmePoly = 0x9A6C9329AC4BC9B5ULL;

/// a * b modulo the polynomial, all reflected.
template <class T>
constexpr T multiply(T a, T b, T polynomial) {
  constexpr int kTop = sizeof(T) * 8 - 1;
  T product = 0;
  for (int i = kTop; i >= 0; --i) {  // coefficients of a, lowest power of x first
    const T bit = (a >> i) & 1;
    product ^= bit ? b : 0;
    b = (b >> 1) ^ ((b & 1) ? polynomial : 0);
  }
  return product;
}

/// powers[k] = x^(8 * 2^k): what 2^k bytes of zeros multiply a CRC by.
template <class T>
constexpr std::array<T, 64> zero_byte_powers(T polynomial) {
  std::array<T, 64> powers{};
  powers[0] = T{1} << (sizeof(T) * 8 - 1 - 8);
  for (size_t k = 1; k < 64; ++k) powers[k] = multiply(powers[k - 1], powers[k - 1], polynomial);
  return powers;
}

/// x^n modulo the polynomial.
template <class T>
constexpr T power_of_x(uint64_t n, T polynomial) {
  T result = T{1} << (sizeof(T) * 8 - 1);
  T square = T{1} << (sizeof(T) * 8 - 2);
  for (; n != 0; n >>= 1) {
    if (n & 1) result = multiply(result, square, polynomial);
    square = multiply(square, square, polynomial);
  }
  return result;
}

/// Appending zeros to a message multiplies its CRC by a power of x (init and final xor cancel out),
/// so crc(A|B) = crc(A) * x^(8 * length of B) ^ crc(B). One multiplication per bit of the length.
template <class T>
T combine_crc(T a, T b, uint64_t length_b, const std::array<T, 64>& powers, T polynomial) {
  for (size_t k = 0; length_b != 0; ++k, length_b >>= 1) {
    if (length_b & 1) a = multiply(a, powers[k], polynomial);
  }
  return a ^ b;
}

constexpr auto kCrc32Powers = zero_byte_powers(kCrc32Poly);
constexpr auto kCrc32cPowers = zero_byte_powers(kCrc32cPoly);
constexpr auto kCrc64NvmePowers = zero_byte_powers(kCrc64NvmePoly);

uint64_t load64(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, 8);
  return word;
}

/// Multiplies a CRC-32C register by x^(8 * Bytes). The carry-less product of two reflected 32-bit
/// values stands for a*b*x in 64 bits, and the crc32 instruction multiplies by x^32: hence -33.
template <uint64_t Bytes>
uint32_t skip_crc32c(uint32_t crc) {
  constexpr uint32_t kFactor = power_of_x<uint32_t>(8 * Bytes - 33, kCrc32cPoly);
  const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128(static_cast<int>(crc)),
                                               _mm_cvtsi32_si128(static_cast<int>(kFactor)), 0);
  return static_cast<uint32_t>(_mm_crc32_u64(0, static_cast<uint64_t>(_mm_cvtsi128_si64(product))));
}

/// Three independent streams: the crc32 instruction takes 3 cycles but one may start each cycle.
template <uint64_t Lane>
uint32_t crc32c_lanes(uint32_t crc, const char*& p, size_t& n) {
  for (; n >= 3 * Lane; p += 3 * Lane, n -= 3 * Lane) {
    uint64_t a = crc;
    uint64_t b = 0;
    uint64_t c = 0;
    for (size_t i = 0; i < Lane; i += 8) {
      a = _mm_crc32_u64(a, load64(p + i));
      b = _mm_crc32_u64(b, load64(p + Lane + i));
      c = _mm_crc32_u64(c, load64(p + 2 * Lane + i));
    }
    crc = skip_crc32c<2 * Lane>(static_cast<uint32_t>(a)) ^
          skip_crc32c<Lane>(static_cast<uint32_t>(b)) ^ static_cast<uint32_t>(c);
  }
  return crc;
}

using Crc64Tables = std::array<std::array<uint64_t, 256>, 8>;

constexpr Crc64Tables make_crc64_tables() {
  Crc64Tables tables{};
  for (uint64_t i = 0; i < 256; ++i) {
    uint64_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kCrc64NvmePoly : 0);
    tables[0][i] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t i = 0; i < 256; ++i) {
      tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 255];
    }
  }
  return tables;
}

constexpr Crc64Tables kCrc64 = make_crc64_tables();

uint64_t crc64_by_table(uint64_t crc, const char* p, size_t n) {
  for (; n >= 8; p += 8, n -= 8) {
    const uint64_t word = load64(p) ^ crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kCrc64[7 - k][(word >> (8 * k)) & 255];
  }
  for (; n > 0; ++p, --n) {
    crc = (crc >> 8) ^ kCrc64[0][(crc ^ static_cast<unsigned char>(*p)) & 255];
  }
  return crc;
}

/// Factors that move 128 bits (reflected) past `Bits` more bits. A carry-less product of two
/// reflected 64-bit values stands for a*b*x: hence -1.
template <uint64_t Bits>
__m128i fold_factors() {
  constexpr uint64_t kFirst = power_of_x<uint64_t>(Bits + 64 - 1, kCrc64NvmePoly);
  constexpr uint64_t kSecond = power_of_x<uint64_t>(Bits - 1, kCrc64NvmePoly);
  return _mm_set_epi64x(static_cast<int64_t>(kSecond), static_cast<int64_t>(kFirst));
}

__m128i fold(__m128i state, __m128i factors, __m128i next) {
  return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(state, factors, 0x00),
                                     _mm_clmulepi64_si128(state, factors, 0x11)),
                       next);
}

__m128i load128(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

constexpr size_t kFoldMinimum = 128;  // below it the tables are as fast

/// Folds 64 bytes a step (Gopal et al., "Fast CRC Computation for Generic Polynomials Using
/// PCLMULQDQ"), then leaves 16 bytes and the tail to the tables. n >= kFoldMinimum.
uint64_t crc64_by_folding(uint64_t crc, const char* p, size_t n) {
  __m128i lanes[4] = {load128(p), load128(p + 16), load128(p + 32), load128(p + 48)};
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi64_si128(static_cast<int64_t>(crc)));
  const __m128i by_64_bytes = fold_factors<512>();
  for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
    for (size_t i = 0; i < 4; ++i) lanes[i] = fold(lanes[i], by_64_bytes, load128(p + 16 * i));
  }
  const __m128i by_16_bytes = fold_factors<128>();
  __m128i state = lanes[0];
  for (size_t i = 1; i < 4; ++i) state = fold(state, by_16_bytes, lanes[i]);
  char rest[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), state);
  return crc64_by_table(crc64_by_table(0, rest, sizeof rest), p, n);
}

}  // namespace

void Crc32c::update(std::string_view bytes) {
  const char* p = bytes.data();
  size_t n = bytes.size();
  uint32_t state = crc32c_lanes<4096>(~value_, p, n);
  state = crc32c_lanes<256>(state, p, n);
  uint64_t crc = state;
  for (; n >= 8; p += 8, n -= 8) crc = _mm_crc32_u64(crc, load64(p));
  auto tail = static_cast<uint32_t>(crc);
  for (; n > 0; ++p, --n) tail = _mm_crc32_u8(tail, static_cast<unsigned char>(*p));
  value_ = ~tail;
}

uint32_t Crc32c::combine(uint32_t a, uint32_t b, uint64_t length_b) {
  return combine_crc(a, b, length_b, kCrc32cPowers, kCrc32cPoly);
}

std::string Crc32c::to_bytes(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

uint32_t Crc32c::of(std::string_view bytes) {
  Crc32c crc;
  crc.update(bytes);
  return crc.value();
}

void Crc32::update(std::string_view bytes) {
  value_ = static_cast<uint32_t>(
      crc32_z(value_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

uint32_t Crc32::combine(uint32_t a, uint32_t b, uint64_t length_b) {
  return combine_crc(a, b, length_b, kCrc32Powers, kCrc32Poly);
}

void Crc64Nvme::update(std::string_view bytes) {
  const auto step = bytes.size() >= kFoldMinimum ? crc64_by_folding : crc64_by_table;
  value_ = ~step(~value_, bytes.data(), bytes.size());
}

uint64_t Crc64Nvme::combine(uint64_t a, uint64_t b, uint64_t length_b) {
  return combine_crc(a, b, length_b, kCrc64NvmePowers, kCrc64NvmePoly);
}

}  // namespace beringia
