#include "wire/sigv2.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::wire {
namespace {

constexpr size_t kSha1Block = 64;
constexpr size_t kMaxParameters = 200;

/// Parameters of the query that are signed. Sorted.
constexpr std::string_view kSubresources[] = {"acl",
                                              "accelerate",
                                              "analytics",
                                              "cors",
                                              "delete",
                                              "encryption",
                                              "inventory",
                                              "legal-hold",
                                              "lifecycle",
                                              "location",
                                              "logging",
                                              "metrics",
                                              "notification",
                                              "object-lock",
                                              "partNumber",
                                              "policy",
                                              "publicAccessBlock",
                                              "replication",
                                              "requestPayment",
                                              "response-cache-control",
                                              "response-content-disposition",
                                              "response-content-encoding",
                                              "response-content-language",
                                              "response-content-type",
                                              "response-expires",
                                              "restore",
                                              "retention",
                                              "select",
                                              "select-type",
                                              "tagging",
                                              "torrent",
                                              "uploadId",
                                              "uploads",
                                              "versionId",
                                              "versioning",
                                              "versions",
                                              "website"};

Error refuse(std::string_view tag, std::string what, std::string why = {}) {
  return denied(std::move(what), std::move(why)).with_tag(std::string{tag});
}

std::string hmac_sha1(std::string_view key, std::string_view message) {
  std::string block =
      key.size() > kSha1Block ? Digest::of(Digest::Kind::kSha1, key) : std::string{key};
  block.resize(kSha1Block, '\0');
  const auto pad = [&](char with) {
    std::string padded = block;
    for (char& c : padded) c = static_cast<char>(c ^ with);
    return padded;
  };
  const std::string inner = Digest::of(Digest::Kind::kSha1, pad('\x36').append(message));
  return Digest::of(Digest::Kind::kSha1, pad('\x5c') + inner);
}

using Parameters = std::vector<std::pair<std::string, std::optional<std::string>>>;

/// Decoded; what does not decode is left out (the router refuses it).
Parameters parameters_of(std::string_view query) {
  Parameters found;
  while (!query.empty() && found.size() < kMaxParameters) {
    const size_t end = query.find('&');
    const std::string_view item = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const size_t equals = item.find('=');
    auto name = percent_decode(item.substr(0, equals), true);
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = percent_decode(item.substr(equals + 1), true);
    if (name) found.emplace_back(std::move(*name), std::move(value));
  }
  return found;
}

std::string value_of(const Parameters& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value.value_or("");
  }
  return {};
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// "name:value\n" of each x-amz- header, sorted; repeated ones joined by commas.
void append_amz_headers(std::string& out, const io::HttpHeaders& headers) {
  std::map<std::string, std::string> own;
  for (const auto& [name, value] : headers.fields()) {
    std::string lower = ascii_lower(name);
    if (!lower.starts_with("x-amz-")) continue;
    const auto [at, is_new] = own.emplace(std::move(lower), trimmed(value));
    if (!is_new) at->second.append(",").append(trimmed(value));
  }
  for (const auto& [name, value] : own) out.append(name).append(":").append(value).append("\n");
}

void append_resource(std::string& out, const SigV4Request& request, std::string_view host_bucket) {
  if (!host_bucket.empty()) out.append("/").append(host_bucket);
  out += request.path;
  Parameters signed_ones;
  for (auto& parameter : parameters_of(request.query)) {
    if (std::ranges::find(kSubresources, parameter.first) != std::end(kSubresources)) {
      signed_ones.push_back(std::move(parameter));
    }
  }
  std::ranges::sort(signed_ones);
  char joint = '?';
  for (const auto& [name, value] : signed_ones) {
    out.append(1, std::exchange(joint, '&')).append(name);
    if (value && !value->empty()) out.append("=").append(*value);
  }
}

Result<SigV2Claim> parse_header(const SigV4Request& request, std::string_view authorization,
                                Timestamp now) {
  SigV2Claim claim;
  const std::string_view credential =
      trimmed(authorization.substr(std::min<size_t>(4, authorization.size())));
  const size_t colon = credential.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == credential.size()) {
    return std::unexpected(
        invalid("AWS authorization header is invalid. Expected AwsAccessKeyId:signature")
            .with_tag("InvalidArgument"));
  }
  claim.access_key = credential.substr(0, colon);
  claim.signature = credential.substr(colon + 1);
  const auto amz_date = request.headers.get("x-amz-date");
  const auto date = request.headers.get("date");
  if (!amz_date && date) claim.date = *date;
  const std::string text{amz_date ? *amz_date : date.value_or("")};
  claim.time = parse_http_date(text);
  if (claim.time.micros == 0) claim.time = parse_basic_iso8601(text);
  if (claim.time.micros == 0) {
    return std::unexpected(
        refuse("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"));
  }
  const Duration ahead = std::chrono::microseconds{claim.time.micros - now.micros};
  if (ahead > kMaxClockSkew || ahead < -kMaxClockSkew) {
    return std::unexpected(
        refuse("RequestTimeTooSkewed",
               "The difference between the request time and the current time is too large."));
  }
  return claim;
}

Result<SigV2Claim> parse_query(const SigV4Request& request, Timestamp now) {
  const Parameters parameters = parameters_of(request.query);
  SigV2Claim claim;
  claim.presigned = true;
  claim.access_key = value_of(parameters, "AWSAccessKeyId");
  claim.signature = value_of(parameters, "Signature");
  claim.date = value_of(parameters, "Expires");
  const auto expires = parse_u64(claim.date);
  if (claim.access_key.empty() || claim.signature.empty() || !expires ||
      *expires > static_cast<uint64_t>(INT64_MAX / 1'000'000)) {
    return std::unexpected(refuse("AccessDenied",
                                  "Query-string authentication requires the Signature, Expires "
                                  "and AWSAccessKeyId parameters"));
  }
  claim.time = Timestamp{static_cast<int64_t>(*expires) * 1'000'000};
  if (now.micros > claim.time.micros) {
    return std::unexpected(refuse("AccessDenied", "Request has expired"));
  }
  // What no signature of the other kind may live longer than, this one may not either.
  if (claim.time.micros > now.micros + kMaxPresignSeconds * 1'000'000) {
    return std::unexpected(refuse("AccessDenied", "Expires must be less than a week ahead"));
  }
  return claim;
}

}  // namespace

std::string sign_v2(const Secret& secret, std::string_view text) {
  return to_base64(hmac_sha1(secret.reveal(), text));
}

bool is_sigv2(const SigV4Request& request) {
  const auto authorization = request.headers.get("authorization");
  if (authorization) return authorization->starts_with("AWS ");
  return ("&" + std::string{request.query}).find("&AWSAccessKeyId=") != std::string::npos;
}

Result<SigV2Claim> parse_sigv2(const SigV4Request& request, Timestamp now) {
  const auto authorization = request.headers.get("authorization");
  const bool has_query =
      ("&" + std::string{request.query}).find("&AWSAccessKeyId=") != std::string::npos;
  if (authorization && has_query) {
    return std::unexpected(invalid("Only one auth mechanism allowed").with_tag("InvalidArgument"));
  }
  BR_TRY(claim,
         authorization ? parse_header(request, *authorization, now) : parse_query(request, now));
  if (const auto token = request.headers.get("x-amz-security-token")) claim.token = *token;
  return std::move(claim);
}

std::string string_to_sign_v2(const SigV4Request& request, const SigV2Claim& claim,
                              std::string_view host_bucket) {
  std::string text{request.method};
  text += '\n';
  text += request.headers.get_or("content-md5", "");
  text += '\n';
  text += request.headers.get_or("content-type", "");
  text += '\n';
  text += claim.date;
  text += '\n';
  append_amz_headers(text, request.headers);
  append_resource(text, request, host_bucket);
  return text;
}

Result<void> verify_sigv2(const SigV4Request& request, const SigV2Claim& claim,
                          std::string_view host_bucket, const Secret& secret) {
  std::string text = string_to_sign_v2(request, claim, host_bucket);
  if (equal_in_constant_time(sign_v2(secret, text), claim.signature)) return {};
  // Amazon's own clients sign "/bucket" as "/bucket/": both name the same bucket.
  if (host_bucket.empty() && request.path.size() > 1 &&
      request.path.find('/', 1) == std::string_view::npos) {
    const std::string path = std::string{request.path} + "/";
    const SigV4Request with_slash{request.method, path, request.query, request.headers};
    const std::string other = string_to_sign_v2(with_slash, claim, host_bucket);
    if (equal_in_constant_time(sign_v2(secret, other), claim.signature)) return {};
  }
  return std::unexpected(
      refuse("SignatureDoesNotMatch",
             "The request signature we calculated does not match the signature you provided. "
             "Check your key and signing method.",
             std::move(text)));
}

}  // namespace beringia::wire
