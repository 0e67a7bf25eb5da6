#include "protocol/s3/authenticate.h"

#include <utility>

#include "base/encoding.h"
#include "wire/sigv2.h"

namespace beringia::protocol::s3 {
namespace {

// SHA-256 of nothing.
constexpr std::string_view kEmptyHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

wire::SigV4Request signed_view(const io::HttpRequest& request) {
  return {request.method, request.path, request.query, request.headers};
}

/// Without a body there is nothing left that could be compared later.
Result<void> check_empty_body(const Call& call) {
  const bool is_signed = call.claim.payload == wire::PayloadMode::kSignedHash;
  if (!is_signed || call.request.has_body ||
      equals_ignoring_case(call.claim.payload_hash, kEmptyHash)) {
    return {};
  }
  return std::unexpected(
      s3_error("XAmzContentSHA256Mismatch",
               "The provided 'x-amz-content-sha256' header does not match what was computed.",
               "the request has no body"));
}

/// Nothing is proven; the gate lets pass what a policy or a list gives to everyone.
Result<void> come_in_anonymously(Call& call) {
  if (const auto payload = call.request.headers.get("x-amz-content-sha256")) {
    BR_TRY(wire::read_payload(*payload, call.claim));
    if (wire::is_chunked(call.claim.payload) &&
        call.claim.payload != wire::PayloadMode::kChunkedUnsignedTrailer) {
      return std::unexpected(denied("Access Denied", "chunks are signed, but the request is not")
                                 .with_tag("AccessDenied"));
    }
    BR_TRY(check_empty_body(call));
  }
  call.principal = identity::Principal::anonymous();
  return {};
}

Result<void> authenticate_v2(Call& call, const wire::SigV4Request& view) {
  BR_TRY(claim, wire::parse_sigv2(view, call.rooms.clock.wall()));
  BR_TRY(credential, find_credential(call, claim.access_key, claim.token));
  BR_TRY(wire::verify_sigv2(view, claim, call.route.bucket_in_host ? call.route.bucket : "",
                            credential.key.secret));
  BR_TRY(principal, principal_of(call, credential));
  if (const auto payload = call.request.headers.get("x-amz-content-sha256")) {
    BR_TRY(wire::read_payload(*payload, call.claim));
    if (wire::is_chunked(call.claim.payload) &&
        call.claim.payload != wire::PayloadMode::kChunkedUnsignedTrailer) {
      return std::unexpected(denied("Access Denied",
                                    "chunks are signed in another way than the "
                                    "request")
                                 .with_tag("AccessDenied"));
    }
    BR_TRY(check_empty_body(call));
  }
  call.claim.access_key = std::move(claim.access_key);
  call.claim.presigned = claim.presigned;
  call.signed_v2 = true;
  call.principal = std::move(principal);
  return {};
}

}  // namespace

Result<Credential> find_credential(const Call& call, const std::string& access_key,
                                   std::string_view token) {
  if (!token.empty()) {
    BR_TRY(session, call.rooms.directory.find_session(call.context, access_key, token));
    return Credential{session.key, session};
  }
  auto key = call.rooms.directory.find_access_key(call.context, access_key);
  if (key) return Credential{std::move(*key), std::nullopt};
  if (key.error().code() != Code::kNotFound && key.error().code() != Code::kDenied) {
    return std::unexpected(std::move(key).error());
  }
  return std::unexpected(denied("The AWS Access Key Id you provided does not exist in our records.",
                                access_key.substr(0, 128))
                             .with_tag("InvalidAccessKeyId"));
}

Result<identity::Principal> principal_of(const Call& call, const Credential& verified) {
  auto& directory = call.rooms.directory;
  if (verified.session) return directory.principal_of(call.context, *verified.session);
  return directory.principal_of(call.context, verified.key);
}

Result<void> authenticate(Call& call) {
  const wire::SigV4Request view = signed_view(call.request);
  if (call.rooms.options.signature_v2 && wire::is_sigv2(view)) return authenticate_v2(call, view);
  if (wire::is_unsigned(view)) return come_in_anonymously(call);
  BR_TRY(claim, wire::parse_sigv4(view, call.rooms.clock.wall()));
  if (claim.dialect != &wire::kAws4 && claim.dialect != &wire::kAws4a) {
    return std::unexpected(s3_error("InvalidArgument", "Unsupported Authorization Type"));
  }
  BR_TRY(credential, find_credential(call, claim.access_key, claim.token));
  call.claim = std::move(claim);
  BR_TRY(verified,
         wire::verify_sigv4(view, call.claim, credential.key.secret, call.rooms.signing_keys));
  BR_TRY(principal, principal_of(call, credential));
  BR_TRY(check_empty_body(call));
  call.verified = std::move(verified);
  call.principal = std::move(principal);
  return {};
}

std::string claimed_credential(const io::HttpRequest& request) {
  return wire::claimed_access_key(signed_view(request));
}

}  // namespace beringia::protocol::s3
