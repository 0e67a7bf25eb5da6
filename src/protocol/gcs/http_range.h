#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "io/byte_source.h"

namespace beringia::protocol::gcs {

/// What a Range header asks of `size` bytes. nullopt: the whole (no header, other units, several
/// ranges, or bad syntax, all of which RFC 9110 lets a server ignore).
/// @error kInvalid (tag "range"): nothing of it lies inside
[[nodiscard]] Result<std::optional<io::ByteRange>> parse_range(std::string_view header,
                                                               uint64_t size);

/// A Content-Range of an upload: "bytes FIRST-LAST/TOTAL", "bytes */TOTAL"; either may be "*".
struct ContentRange {
  std::optional<uint64_t> first;  // absent: "*", a question about the state
  uint64_t length = 0;
  std::optional<uint64_t> total;  // absent: "*"
};
/// @error kInvalid
[[nodiscard]] Result<ContentRange> parse_content_range(std::string_view header);

}  // namespace beringia::protocol::gcs
