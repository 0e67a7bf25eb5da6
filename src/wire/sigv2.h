#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "wire/sigv4.h"

namespace beringia::wire {

// AWS Signature Version 2 (HMAC-SHA1), for clients that know nothing newer. It covers neither the
// body nor headers other than x-amz-*, so it is off unless a setting turns it on. S3 Developer
// Guide, "Signing and authenticating REST requests (using AWS Signature Version 2)".

/// What a request says about itself; nothing of it is proven.
struct SigV2Claim {
  bool presigned = false;
  std::string access_key;
  std::string signature;  // base64
  std::string date;       // as signed; empty where x-amz-date is
  Timestamp time;         // of the request; presigned: when it expires
  std::string token;      // x-amz-security-token
};

/// It has an Authorization of "AWS KEY:SIGNATURE", or AWSAccessKeyId in its query.
bool is_sigv2(const SigV4Request& request);

/// Form, one mechanism only, clock (15 minutes) or lifetime.
/// @error kDenied, kInvalid; tags AccessDenied, InvalidArgument, RequestTimeTooSkewed
[[nodiscard]] Result<SigV2Claim> parse_sigv2(const SigV4Request& request, Timestamp now);

/// @param host_bucket  the bucket that the Host header names; "" with path style
/// @error kDenied, tag SignatureDoesNotMatch (why: the string to sign, which holds no secret)
[[nodiscard]] Result<void> verify_sigv2(const SigV4Request& request, const SigV2Claim& claim,
                                        std::string_view host_bucket, const Secret& secret);

/// As the client must have built it.
std::string string_to_sign_v2(const SigV4Request& request, const SigV2Claim& claim,
                              std::string_view host_bucket);

/// Base64 of HMAC-SHA1: what SigV2 puts into headers, queries and forms.
std::string sign_v2(const Secret& secret, std::string_view text);

}  // namespace beringia::wire
