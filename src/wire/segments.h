#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/secret.h"
#include "io/byte_source.h"

namespace beringia::wire {

// Encrypted objects at rest, docs/formats/encrypted-objects.md. An object is one stream, or several
// (the parts of an upload) one behind the other. stream: header | segments; segment: ciphertext of
// 64 KiB (the last one: 0 to 64 KiB) | tag 16 B.

inline constexpr size_t kDataKeyBytes = 32;
inline constexpr size_t kSaltBytes = 32;
inline constexpr size_t kStreamHeaderBytes = 40;  // "BRES" | version | log2(segment) | 0 0 | salt
inline constexpr size_t kSegmentBytes = 64 << 10;
inline constexpr size_t kSegmentTagBytes = 16;
inline constexpr size_t kSealedSegmentBytes = kSegmentBytes + kSegmentTagBytes;
/// Larger objects do not exist; keeps the arithmetic below 2^63.
inline constexpr uint64_t kMaxPlainBytes = uint64_t{1} << 60;

/// HKDF-SHA256 (RFC 5869), 32 bytes.
[[nodiscard]] Result<Secret> derive_key(const Secret& key, std::string_view salt,
                                        std::string_view info);

/// A header with a new salt.
std::string new_stream_header(Rng& rng);
/// The header that has this salt (kSaltBytes).
std::string stream_header(std::string_view salt);

/// Seals or opens the segments of one stream, in any order. Not thread-safe; does not park.
class SegmentCipher {
 public:
  enum class Direction { kSeal, kOpen };
  /// @error kCorrupt: not a header of this format; kUnsupported: of a newer one
  [[nodiscard]] static Result<SegmentCipher> make(const Secret& data_key, std::string_view header,
                                                  Direction direction);
  /// `out` has plain.size() + kSegmentTagBytes. They may not overlap.
  [[nodiscard]] Result<void> seal(uint64_t number, bool is_last, std::string_view plain,
                                  std::span<char> out);
  /// `out` has sealed.size() - kSegmentTagBytes; its bytes mean nothing after an error.
  /// @error kCorrupt: other bytes, another place, or another key
  [[nodiscard]] Result<void> open(uint64_t number, bool is_last, std::string_view sealed,
                                  std::span<char> out);

 private:
  struct Context;
  struct Free {
    void operator()(Context* context) const;
  };
  explicit SegmentCipher(std::unique_ptr<Context, Free> context) : context_{std::move(context)} {}
  std::unique_ptr<Context, Free> context_;
};

/// `count` streams of `bytes` plain bytes each.
struct StreamRun {
  uint64_t bytes = 0;
  uint64_t count = 1;
  bool operator==(const StreamRun&) const = default;
};

uint64_t segments_of(uint64_t plain_bytes);
uint64_t stored_bytes_of(uint64_t plain_bytes);

/// Which stored bytes hold which plain ones. A value; immutable.
class StreamLayout {
 public:
  /// One stream.
  explicit StreamLayout(uint64_t plain_bytes) : StreamLayout({{plain_bytes, 1}}) {}
  explicit StreamLayout(std::vector<StreamRun> runs);
  const std::vector<StreamRun>& runs() const { return runs_; }
  uint64_t plain_bytes() const { return plain_bytes_; }
  uint64_t stored_bytes() const { return stored_bytes_; }
  /// Too many or too large streams to be real: nothing may be read by this layout.
  bool is_sane() const { return sane_; }

  /// How to read a range of plain bytes.
  struct Plan {
    io::ByteRange stored;        ///< whole segments, headers between streams included
    size_t run = 0;              ///< of the first stream
    uint64_t in_run = 0;         ///< number of the first stream in its run
    uint64_t segment = 0;        ///< first one, in that stream
    uint64_t skip = 0;           ///< plain bytes before the range in that segment
    uint64_t header_offset = 0;  ///< of the first stream
    /// False: `stored` starts behind the header, which has to be got otherwise.
    bool has_header = false;
  };
  /// `range` lies inside and is not empty, or is the whole of an empty object.
  Plan plan(io::ByteRange range) const;

 private:
  struct Place;
  Place place_of(uint64_t byte) const;

  std::vector<StreamRun> runs_;
  uint64_t plain_bytes_ = 0;
  uint64_t stored_bytes_ = 0;
  bool sane_ = true;
};

}  // namespace beringia::wire
