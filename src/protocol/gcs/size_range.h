#pragma once

#include <cstdint>

#include "io/byte_source.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

/// How many bytes an upload of the XML API may have: x-goog-content-length-range, which whoever
/// signs an address puts a bound to it with.
struct SizeRange {
  uint64_t least = 0;
  uint64_t most = UINT64_MAX;

  bool is_open() const { return least == 0 && most == UINT64_MAX; }
  /// @error kInvalid: tag "above_range" or "below_range"
  [[nodiscard]] Result<void> check(uint64_t bytes) const;
};
/// "LEAST,MOST". @error kInvalid
[[nodiscard]] Result<SizeRange> size_range_of(const Call& call);

/// Passes on another source's bytes, and fails when they are more or fewer.
class BoundedSource final : public io::ByteSource {
 public:
  BoundedSource(io::ByteSource& inner, SizeRange range) : inner_{inner}, range_{range} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override { return inner_.remaining(); }

 private:
  io::ByteSource& inner_;
  SizeRange range_;
  uint64_t taken_ = 0;
};

}  // namespace beringia::protocol::gcs
