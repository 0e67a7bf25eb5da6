#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace beringia {

/// CRC-32C (Castagnoli), incremental. Uses SSE4.2 when present.
class Crc32c {
 public:
  Crc32c() = default;
  explicit Crc32c(uint32_t value) : value_{value} {}
  void update(std::string_view bytes);
  uint32_t value() const { return value_; }
  /// CRC of the concatenation A|B from crc(A), crc(B) and the length of B in bytes.
  static uint32_t combine(uint32_t a, uint32_t b, uint64_t length_b);
  /// 4 bytes big-endian, the order used by S3 and GCS (before base64).
  static std::string to_bytes(uint32_t value);
  static uint32_t of(std::string_view bytes);

 private:
  uint32_t value_ = 0;
};

/// CRC-32 (ISO-HDLC, as in zip); same shape as Crc32c.
class Crc32 {
 public:
  void update(std::string_view bytes);
  uint32_t value() const { return value_; }
  static uint32_t combine(uint32_t a, uint32_t b, uint64_t length_b);

 private:
  uint32_t value_ = 0;
};

/// CRC-64/NVME (S3's x-amz-checksum-crc64nvme).
class Crc64Nvme {
 public:
  void update(std::string_view bytes);
  uint64_t value() const { return value_; }
  static uint64_t combine(uint64_t a, uint64_t b, uint64_t length_b);

 private:
  uint64_t value_ = 0;
};

/// xxHash by its canonical (big-endian) bytes: XXH64, XXH3 of 64 and of 128 bits, seed 0. Not
/// copyable; finish() once.
class XxHash {
 public:
  enum class Kind { k64, k3, k128 };
  explicit XxHash(Kind kind);
  XxHash(XxHash&&) noexcept;
  XxHash& operator=(XxHash&&) noexcept;
  ~XxHash();
  void update(std::string_view bytes);
  std::string finish();  // raw bytes: 8, 8 or 16

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Incremental MD5 / SHA-1 / SHA-256 / SHA-512. Not copyable; finish() once.
class Digest {
 public:
  enum class Kind { kMd5, kSha1, kSha256, kSha512 };
  explicit Digest(Kind kind);
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();
  void update(std::string_view bytes);
  std::string finish();  // raw bytes: 16, 20, 32 or 64
  static std::string of(Kind kind, std::string_view bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// HMAC-SHA256 with the key's two midstates computed once; copying it is cheap. Thread-safe to use.
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);
  std::string sign(std::string_view message) const;  // 32 raw bytes

 private:
  std::array<uint32_t, 8> inner_;
  std::array<uint32_t, 8> outer_;
};

std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string md5(std::string_view bytes);     // 16 raw bytes

}  // namespace beringia
