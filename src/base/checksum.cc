#include "base/checksum.h"

#include <nmmintrin.h>
#include <zlib.h>

#include <cstring>

namespace beringia {
namespace {

/// Polynomials in reflected form.
constexpr uint32_t kCrc32cPoly = 0x82F63B78U;
constexpr uint64_t kCrc64NvmePoly = 0x9A6C9329AC4BC9B5ULL;

/// GF(2) matrices: row i is the image of bit i. Appending zero bytes to a message is linear in its
/// CRC, so crc(A|B) = zeros(length of B)(crc(A)) ^ crc(B). Same idea as zlib's crc32_combine.
template <class T>
struct ZeroOperator {
  static constexpr int kBits = sizeof(T) * 8;
  std::array<T, kBits> rows{};

  T apply(T value) const {
    T result = 0;
    for (int i = 0; value != 0; value >>= 1, ++i) {
      if (value & 1) result ^= rows[i];
    }
    return result;
  }
  ZeroOperator squared() const {
    ZeroOperator out;
    for (int i = 0; i < kBits; ++i) out.rows[i] = apply(rows[i]);
    return out;
  }
  static ZeroOperator one_bit(T polynomial) {
    ZeroOperator out;
    out.rows[0] = polynomial;
    for (int i = 1; i < kBits; ++i) out.rows[i] = T{1} << (i - 1);
    return out;
  }
};

template <class T>
T combine_crc(T a, T b, uint64_t length_b, T polynomial) {
  auto power = ZeroOperator<T>::one_bit(polynomial);
  for (int i = 0; i < 3; ++i) power = power.squared();  // one byte of zeros
  for (; length_b != 0; length_b >>= 1) {
    if (length_b & 1) a = power.apply(a);
    if (length_b > 1) power = power.squared();
  }
  return a ^ b;
}

using Crc64Tables = std::array<std::array<uint64_t, 256>, 8>;

Crc64Tables make_crc64_tables() {
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

const Crc64Tables kCrc64 = make_crc64_tables();

}  // namespace

void Crc32c::update(std::string_view bytes) {
  uint64_t crc = ~value_;
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t word = 0;
    std::memcpy(&word, p, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto tail = static_cast<uint32_t>(crc);
  for (; n > 0; ++p, --n) tail = _mm_crc32_u8(tail, static_cast<unsigned char>(*p));
  value_ = ~tail;
}

uint32_t Crc32c::combine(uint32_t a, uint32_t b, uint64_t length_b) {
  return combine_crc<uint32_t>(a, b, length_b, kCrc32cPoly);
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
  return combine_crc<uint32_t>(a, b, length_b, 0xEDB88320U);
}

void Crc64Nvme::update(std::string_view bytes) {
  uint64_t crc = ~value_;
  const char* p = bytes.data();
  size_t n = bytes.size();
  for (; n >= 8; p += 8, n -= 8) {
    uint64_t word = 0;
    std::memcpy(&word, p, 8);
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kCrc64[7 - k][(word >> (8 * k)) & 255];
  }
  for (; n > 0; ++p, --n) {
    crc = (crc >> 8) ^ kCrc64[0][(crc ^ static_cast<unsigned char>(*p)) & 255];
  }
  value_ = ~crc;
}

uint64_t Crc64Nvme::combine(uint64_t a, uint64_t b, uint64_t length_b) {
  return combine_crc<uint64_t>(a, b, length_b, kCrc64NvmePoly);
}

}  // namespace beringia
