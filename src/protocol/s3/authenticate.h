#pragma once

#include "base/error.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// Verifies the signature and sets claim, verified and principal of the call; without a signature
/// the principal is anonymous. Reads no body: what
/// is signed about it is checked by UploadBody while it comes.
/// @error kDenied or kInvalid; the tag is S3's code
[[nodiscard]] Result<void> authenticate(Call& call);

/// The key id a request claims, for the audit record of a refusal.
std::string claimed_credential(const io::HttpRequest& request);

}  // namespace beringia::protocol::s3
