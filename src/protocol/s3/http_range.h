#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "io/byte_source.h"

namespace beringia::protocol::s3 {

/// What a Range header asks of `size` bytes. nullopt: the whole (no header, other units, several
/// ranges, or bad syntax, all of which RFC 9110 lets a server ignore, and S3 does).
/// @error kInvalid (tag InvalidRange): nothing of it lies inside
[[nodiscard]] Result<std::optional<io::ByteRange>> parse_range(std::string_view header,
                                                               uint64_t size);

/// x-amz-copy-source-range: "bytes=first-last", both there, inside the source.
/// @error kInvalid (tag InvalidArgument); with tag InvalidRange when it ends behind `size`
[[nodiscard]] Result<io::ByteRange> parse_copy_range(std::string_view header, uint64_t size);

}  // namespace beringia::protocol::s3
