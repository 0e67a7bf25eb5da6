#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace beringia::audit {

/// The leaf of a record: its canonical JSON with the member "seq" at its place. What is not an
/// object of sorted members, or too long for an entry, is kept as {"seq":n,"unreadable":base64}.
std::string with_sequence(std::string_view record, uint64_t sequence);

/// Checks that `leaf` is one object of canonical JSON (RFC 8785) in the profile of our records:
/// ASCII member names, whole numbers up to 2^53, depth <= 16. @return its "seq"
/// @error kInvalid: it is not, or has no "seq"
[[nodiscard]] Result<uint64_t> read_leaf(std::string_view leaf);

}  // namespace beringia::audit
