#include "protocol/gcs/authenticate.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/encoding.h"
#include "protocol/gcs/oauth.h"
#include "protocol/gcs/signed_body.h"
#include "wire/sigv4.h"

namespace beringia::protocol::gcs {
namespace {

Error bad_signature(std::string why) {
  return denied(
             "The request signature we calculated does not match the signature you provided. "
             "Check your Google secret key and signing method.",
             std::move(why))
      .with_tag("bad_signature");
}

Result<identity::Principal> from_bearer(const Call& call, std::string_view header) {
  BR_TRY(token, bearer_of(header));
  std::vector<std::string> audiences;
  if (!token.starts_with("ya29.")) audiences = audiences_of(call);  // self-signed
  return call.rooms.directory.verify_bearer(call.context, token, audiences);
}

/// The signature covers the body's hash, or leaves the body open.
Result<void> cover_body(Call& call, const wire::SigV4Claim& claim) {
  if (claim.payload == wire::PayloadMode::kUnsigned) return {};
  if (claim.payload != wire::PayloadMode::kSignedHash) {
    return std::unexpected(
        unsupported("Bodies in signed chunks are not offered", claim.payload_hash));
  }
  call.signed_body = std::make_unique<SignedBody>(call.request.body, claim.payload_hash);
  if (call.request.has_body) {
    call.request.body = call.signed_body.get();
    return {};
  }
  return call.signed_body->check_end();
}

/// Who made the signature of these headers; says nothing about the body.
Result<identity::Principal> signer_of(const Call& call, const wire::SigV4Claim& claim,
                                      const io::HttpHeaders& headers) {
  const wire::SigV4Request view{call.request.method, call.request.path, call.request.query,
                                headers};
  if (claim.dialect == &wire::kGoog4Rsa) {
    BR_TRY(text, wire::string_to_sign(view, claim));
    auto principal = call.rooms.directory.verify_signed_text(
        call.context, claim.access_key, text, from_hex(claim.signature).value_or(""));
    if (!principal) return std::unexpected(bad_signature(principal.error().why()));
    return principal;
  }
  auto key = call.rooms.directory.find_access_key(call.context, claim.access_key);
  if (!key) {
    return std::unexpected(denied("The access key is not known", claim.access_key.substr(0, 128))
                               .with_tag("invalid_token"));
  }
  wire::SigningKeys fresh;  // signed URLs are rare: nothing is remembered
  if (auto verified = wire::verify_sigv4(view, claim, key->secret, fresh); !verified) {
    return std::unexpected(bad_signature(verified.error().why()));
  }
  return call.rooms.directory.principal_of(call.context, *key);
}

/// The headers with a Host that has no port; null where it has none anyway.
std::optional<io::HttpHeaders> without_port(const io::HttpHeaders& headers) {
  const std::string_view host = headers.get_or("Host", "");
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || !parse_u64(host.substr(colon + 1))) return std::nullopt;
  io::HttpHeaders others = headers;
  others.set("Host", std::string{host.substr(0, colon)});
  return others;
}

Result<identity::Principal> from_v4(Call& call) {
  const wire::SigV4Request view{call.request.method, call.request.path, call.request.query,
                                call.request.headers};
  auto claim = wire::parse_sigv4(view, call.rooms.clock.wall());
  if (!claim) {
    if (claim.error().what() == "Request has expired") {
      return std::unexpected(std::move(claim).error().with_tag("expired_url"));
    }
    return std::unexpected(std::move(claim).error());
  }
  if (!claim->token.empty()) {
    return std::unexpected(
        denied("Invalid Credentials", "temporary credentials sign requests to S3 only")
            .with_tag("invalid_token"));
  }
  auto principal = signer_of(call, *claim, call.request.headers);
  // googleapis/conformance-tests, "Simple GET with non-default hostname": Google's libraries leave
  // the port out of the host that they sign.
  if (!principal && claim->presigned && claim->dialect != &wire::kAws4) {
    if (const auto headers = without_port(call.request.headers)) {
      if (auto other = signer_of(call, *claim, *headers)) principal = std::move(other);
    }
  }
  if (!principal) return principal;
  BR_TRY(cover_body(call, *claim));
  return principal;
}

bool is_v4_header(std::string_view header) {
  return header.starts_with("GOOG4-") || header.starts_with("AWS4-HMAC-SHA256 ");
}

/// Who has no credential gets no further than where something may be open to everyone.
Result<identity::Principal> come_in_anonymously(const Call& call) {
  const access::BucketView* view =
      call.route.bucket.empty() ? nullptr : call.view_of(call.route.bucket);
  const bool may_be_open =
      view != nullptr && (view->access->policy || view->access->has_acls() || view->access->iam);
  if (may_be_open) return identity::Principal::anonymous();
  return std::unexpected(denied("Anonymous caller does not have " +
                                    std::string{operation_name(call.route.verb)} + " access.",
                                "the request has no Authorization header")
                             .with_tag("anonymous"));
}

}  // namespace

Result<std::string> bearer_of(std::string_view header) {
  const size_t blank = header.find(' ');
  if (blank == std::string_view::npos || !equals_ignoring_case(header.substr(0, blank), "Bearer")) {
    return std::unexpected(denied("Invalid Credentials", "Authorization is not a bearer token")
                               .with_tag("invalid_token"));
  }
  std::string_view token = header.substr(blank + 1);
  while (token.starts_with(' ')) token.remove_prefix(1);
  return std::string{token};
}

Result<identity::Principal> authenticate(Call& call) {
  const std::string_view header = call.header("Authorization");
  if (call.route.is_xml) {
    const bool v4 = call.query.has("X-Goog-Signature") || call.query.has("x-goog-signature") ||
                    call.query.has("X-Amz-Signature");
    const bool v2 = call.query.has("Signature") && call.query.has("GoogleAccessId");
    if ((v4 || v2) && !header.empty()) {
      return std::unexpected(invalid("Only one authentication mechanism is allowed",
                                     "the address is signed, and there is an Authorization"));
    }
    if (v4 || is_v4_header(header)) {
      call.is_signed_url = v4;
      return from_v4(call);
    }
    if (v2) {
      call.is_signed_url = true;
      return authenticate_v2_url(call);
    }
  }
  if (!header.empty()) return from_bearer(call, header);
  const std::string& pass = call.query.get(kSessionPass);
  const bool is_session =
      call.route.verb == Verb::kUploadChunk || call.route.verb == Verb::kCancelSession;
  if (is_session && !pass.empty()) {
    return call.rooms.directory.verify_pass(call.context, pass, call.query.get("upload_id"));
  }
  return come_in_anonymously(call);
}

}  // namespace beringia::protocol::gcs
