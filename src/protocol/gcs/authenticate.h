#pragma once

#include <memory>

#include "base/error.h"
#include "identity/principal.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

/// Parameter of an upload session's address that lets whoever has the address write to it. Only in
/// addresses that were given out for a signed URL, whose holder has no credential to send.
inline constexpr std::string_view kSessionPass = "session_pass";

/// Who asks: a bearer token; in the XML API also a signed URL (V2 and V4, with RSA or HMAC keys) or
/// an Authorization header of GOOG4 or SigV4; for an upload session the pass in its address;
/// anonymous, where a bucket may be open to everyone.
/// Sets call.pass_thing for sessions that are begun by a signed URL.
/// @error kDenied (tags "anonymous", "invalid_token", "bad_signature", "expired_url"), kInvalid
[[nodiscard]] Result<identity::Principal> authenticate(Call& call);

/// The token of an Authorization header. @error kDenied (tag "invalid_token"): it is no bearer
/// token
[[nodiscard]] Result<std::string> bearer_of(std::string_view header);

/// A signed query of version 2. @error as authenticate()
[[nodiscard]] Result<identity::Principal> authenticate_v2_url(Call& call);
/// The text that a V2 URL signs. GCS documentation, "V2 signing process": method, Content-MD5,
/// Content-Type, expiration, x-goog-* headers, resource with its query.
std::string string_to_sign_v2_url(const Call& call, std::string_view expires);

}  // namespace beringia::protocol::gcs
