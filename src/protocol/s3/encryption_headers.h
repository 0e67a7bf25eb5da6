#pragma once

#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// What the headers say about encryption is consistent; encryption itself is not offered.
/// @error kInvalid: tags InvalidArgument, InvalidRequest (customer's keys without TLS)
[[nodiscard]] Result<void> check_encryption(const Call& call);

}  // namespace beringia::protocol::s3
