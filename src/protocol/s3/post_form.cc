#include "protocol/s3/post_form.h"

#include <utility>

#include "base/checksum.h"
#include "base/encoding.h"
#include "protocol/s3/authenticate.h"
#include "wire/sigv2.h"
#include "wire/sigv4.h"

namespace beringia::protocol::s3 {
namespace {

/// "KEY/20260101/us-east-1/s3/aws4_request" into a claim.
Result<wire::SigV4Claim> claim_of(const wire::FormFields& fields) {
  wire::SigV4Claim claim;
  const std::string_view credential = wire::field_of(fields, "x-amz-credential");
  size_t cut = credential.size();
  for (int i = 0; i < 4; ++i) {
    cut = cut == 0 ? std::string_view::npos : credential.rfind('/', cut - 1);
    if (cut == std::string_view::npos) {
      return std::unexpected(s3_error("InvalidArgument", "the form's credential is malformed"));
    }
  }
  claim.access_key = credential.substr(0, cut);
  claim.scope = credential.substr(cut + 1);
  const size_t first = claim.scope.find('/');
  const size_t second = claim.scope.find('/', first + 1);
  claim.date = claim.scope.substr(0, first);
  claim.region = claim.scope.substr(first + 1, second - first - 1);
  if (claim.scope.substr(second) != "/s3/aws4_request" || claim.date.size() != 8 ||
      !wire::field_of(fields, "x-amz-date").starts_with(claim.date)) {
    return std::unexpected(s3_error("InvalidArgument", "the form's credential is malformed"));
  }
  return claim;
}

/// Compares without telling by its time where they differ.
bool same(std::string_view a, std::string_view b) { return sha256(a) == sha256(b); }

Result<void> check_signature(Call& call, const wire::FormFields& fields) {
  const std::string_view policy = wire::field_of(fields, "policy");
  const std::string_view algorithm = wire::field_of(fields, "x-amz-algorithm");
  const std::string_view token = wire::field_of(fields, "x-amz-security-token");
  std::optional<Credential> credential;
  std::string expected;
  std::string_view given;
  if (!algorithm.empty()) {
    if (algorithm != "AWS4-HMAC-SHA256") {
      return std::unexpected(s3_error("InvalidArgument", "Unsupported signature algorithm"));
    }
    given = wire::field_of(fields, "x-amz-signature");
    BR_TRY(claim, claim_of(fields));
    BR_TRY(found, find_credential(call, claim.access_key, token));
    credential = std::move(found);
    expected = to_hex(wire::derive_signing_key(claim, credential->key.secret).sign(policy));
  } else {
    const std::string access_key{wire::field_of(fields, "awsaccesskeyid")};
    given = wire::field_of(fields, "signature");
    if (access_key.empty() || given.empty()) {
      return std::unexpected(s3_error("InvalidArgument",
                                      "Bucket POST must contain a field named 'AWSAccessKeyId' and "
                                      "'signature' if it contains a policy"));
    }
    BR_TRY(found, find_credential(call, access_key, token));
    credential = std::move(found);
    expected = wire::sign_v2(credential->key.secret, policy);
  }
  if (!same(expected, given)) {
    return std::unexpected(
        denied("The request signature we calculated does not match the signature you provided. "
               "Check your key and signing method.")
            .with_tag("SignatureDoesNotMatch"));
  }
  BR_TRY(principal, principal_of(call, *credential));
  call.principal = std::move(principal);
  call.form_signed = true;
  return {};
}

}  // namespace

Result<std::optional<wire::PostPolicy>> authenticate_form(Call& call, const wire::PostForm& form) {
  if (call.request.headers.has("authorization")) {
    return std::unexpected(s3_error("InvalidArgument", "Only one auth mechanism allowed"));
  }
  const std::string_view encoded = wire::field_of(form.fields, "policy");
  if (encoded.empty()) {
    for (const auto* proof : {"signature", "x-amz-signature", "awsaccesskeyid"}) {
      if (wire::field_of(form.fields, proof).empty()) continue;
      return std::unexpected(denied("Access Denied", "the form is signed, but has no policy")
                                 .with_tag("AccessDenied"));
    }
    call.principal = identity::Principal::anonymous();
    return std::nullopt;
  }
  BR_TRY(check_signature(call, form.fields));
  const auto json = from_base64(encoded);
  if (!json) {
    return std::unexpected(s3_error("InvalidPolicyDocument", "Invalid Policy: it is not base64"));
  }
  BR_TRY(policy, wire::parse_post_policy(*json));
  BR_TRY(wire::check_post_policy(policy, form.fields, call.route.bucket, call.rooms.clock.wall()));
  return std::move(policy);
}

}  // namespace beringia::protocol::s3
