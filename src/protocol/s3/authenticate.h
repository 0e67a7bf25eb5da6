#pragma once

#include "base/error.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// Verifies the signature and sets claim, verified and principal of the call; without a signature
/// the principal is anonymous. Reads no body: what
/// is signed about it is checked by UploadBody while it comes.
/// @error kDenied or kInvalid; the tag is S3's code
[[nodiscard]] Result<void> authenticate(Call& call);

/// What a key id stands for: a principal's own key, or temporary credentials.
struct Credential {
  identity::AccessKey key;
  std::optional<identity::Session> session;
};
/// @param token  X-Amz-Security-Token; "" = none
/// @error kDenied, tags InvalidAccessKeyId, InvalidToken, ExpiredToken; kUnavailable
[[nodiscard]] Result<Credential> find_credential(const Call& call, const std::string& access_key,
                                                 std::string_view token);
/// Once a signature by it was verified. @error kDenied: disabled or removed meanwhile
[[nodiscard]] Result<identity::Principal> principal_of(const Call& call,
                                                       const Credential& verified);

/// The key id a request claims, for the audit record of a refusal.
std::string claimed_credential(const io::HttpRequest& request);

}  // namespace beringia::protocol::s3
