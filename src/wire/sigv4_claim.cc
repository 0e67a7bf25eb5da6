#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "wire/sigv4.h"
#include "wire/sigv4_names.h"

namespace beringia::wire {
namespace {

constexpr std::string_view kPairChunks = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD";

constexpr size_t kMaxQueryParameters = 200;
constexpr size_t kMaxDerDigits = 144;
constexpr size_t kMaxRegionSet = 1024;
// Of RSA keys of 2,048 to 8,192 bits.
constexpr size_t kMinRsaDigits = 512;
constexpr size_t kMaxRsaDigits = 2048;

Error refuse(std::string_view tag, std::string what, std::string why = {}) {
  return denied(std::move(what), std::move(why)).with_tag(std::string{tag});
}
Error malformed(std::string_view tag, std::string what, std::string why = {}) {
  return invalid(std::move(what), std::move(why)).with_tag(std::string{tag});
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Cuts the text up to `separator` off `rest`.
std::string_view next_item(std::string_view& rest, char separator) {
  const size_t at = rest.find(separator);
  const std::string_view item = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return item;
}

/// The signature's parameters of a presigned query, each at most once.
struct QueryFields {
  std::optional<std::string> algorithm, credential, date, expires, signed_headers, signature;
  std::optional<std::string> token, payload, region_set;
  bool any = false;
};

Result<QueryFields> query_fields(std::string_view query, const SigV4Dialect& dialect) {
  QueryFields fields;
  if (query.empty()) return fields;
  const std::pair<std::string_view, std::optional<std::string>*> known[] = {
      {"Algorithm", &fields.algorithm},
      {"Credential", &fields.credential},
      {"Date", &fields.date},
      {"Expires", &fields.expires},
      {"SignedHeaders", &fields.signed_headers},
      {"Signature", &fields.signature},
      {"Security-Token", &fields.token},
      {"Content-Sha256", &fields.payload},
      {"Region-Set", &fields.region_set}};
  for (size_t count = 0; !query.empty(); ++count) {
    if (count == kMaxQueryParameters) {
      return std::unexpected(malformed("InvalidRequest", "the query has too many parameters"));
    }
    std::string_view value = next_item(query, '&');
    const std::string_view raw_name = next_item(value, '=');
    const auto name = percent_decode(raw_name);
    if (!name) continue;
    for (const auto& [suffix, slot] : known) {
      if (!is_signature_parameter(*name, dialect, suffix)) continue;
      if (*slot) {
        return std::unexpected(malformed("AuthorizationQueryParametersError",
                                         "a signature parameter is given twice", *name));
      }
      auto decoded = percent_decode(value);
      if (!decoded) {
        return std::unexpected(malformed("AuthorizationQueryParametersError",
                                         "a signature parameter is not percent-encoded", *name));
      }
      *slot = std::move(*decoded);
      fields.any =
          fields.any || suffix == "Algorithm" || suffix == "Signature" || suffix == "Credential";
    }
  }
  return fields;
}

/// KEY/YYYYMMDD/REGION/SERVICE/TERMINATOR; the key id may itself hold '/'. SigV4A has no region.
Result<void> read_credential(std::string_view credential, std::string_view tag, SigV4Claim& claim) {
  std::string_view parts[4];
  std::string_view rest = credential;
  for (int i = 3; i >= 0; --i) {
    if (i == 1 && claim.dialect->asymmetric) {
      parts[i] = "*";
      continue;
    }
    const size_t at = rest.rfind('/');
    if (at == std::string_view::npos) {
      return std::unexpected(malformed(tag, "the Credential is mal-formed",
                                       "expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/" +
                                           std::string{claim.dialect->terminator} + "\""));
    }
    parts[i] = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  const bool is_date = parts[0].size() == 8 &&
                       std::ranges::all_of(parts[0], [](char c) { return c >= '0' && c <= '9'; });
  // DuckDB signs gs:// paths for no region; Google's service does not mind, nor is there another.
  if (rest.empty() || !is_date || parts[1].size() > 64) {
    return std::unexpected(malformed(tag, "the Credential is mal-formed",
                                     "key id or date is empty or not of its form"));
  }
  if (parts[2] != claim.dialect->service) {
    return std::unexpected(malformed(tag, "the Credential is mal-formed",
                                     "incorrect service \"" + std::string{parts[2]} +
                                         "\". This endpoint belongs to \"" +
                                         std::string{claim.dialect->service} + "\"."));
  }
  if (parts[3] != claim.dialect->terminator) {
    return std::unexpected(malformed(tag, "the Credential is mal-formed",
                                     "incorrect terminal \"" + std::string{parts[3]} + "\""));
  }
  claim.access_key = rest;
  claim.date = parts[0];
  claim.region = parts[1];
  claim.scope = credential.substr(rest.size() + 1);
  return {};
}

Result<void> read_signed_headers(std::string_view list, std::string_view tag, SigV4Claim& claim) {
  while (!list.empty()) {
    const std::string_view name = next_item(list, ';');
    const bool known = std::ranges::find(claim.signed_headers, name) != claim.signed_headers.end();
    const bool lower = std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (name.empty() || known || !lower || claim.signed_headers.size() == kMaxSignedHeaders) {
      return std::unexpected(malformed(tag, "SignedHeaders is mal-formed",
                                       "names are lower case, each once, separated by ';'"));
    }
    claim.signed_headers.emplace_back(name);
  }
  return {};
}

Result<void> read_signature(std::string_view signature, std::string_view tag, SigV4Claim& claim) {
  // DER of two numbers of 256 bits: up to 72 bytes.
  const bool even = signature.size() % 2 == 0;
  const bool is_rsa = claim.dialect == &kGoog4Rsa;
  const bool sized =
      claim.dialect->asymmetric
          ? even && signature.size() >= 16 && signature.size() <= kMaxDerDigits
      : is_rsa ? even && signature.size() >= kMinRsaDigits && signature.size() <= kMaxRsaDigits
               : signature.size() == 64;
  const bool hex = sized && std::ranges::all_of(signature, [](char c) {
                     return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                   });
  if (!hex) {
    return std::unexpected(malformed(tag, "the Signature is mal-formed",
                                     claim.dialect->asymmetric
                                         ? "it is DER in lower-case hexadecimal digits"
                                     : is_rsa ? "it has 512 or more lower-case hexadecimal digits"
                                              : "it has 64 lower-case hexadecimal digits"));
  }
  claim.signature = signature;
  return {};
}

/// For which regions the signature is meant. There is one server, so any will do, but it must be
/// said, and be signed.
Result<void> read_region_set(std::optional<std::string_view> regions, std::string_view tag,
                             SigV4Claim& claim) {
  if (!claim.dialect->asymmetric) return {};
  if (!regions || regions->empty() || regions->size() > kMaxRegionSet) {
    return std::unexpected(malformed(tag, "The region set is missing or mal-formed",
                                     "X-Amz-Region-Set names the regions of the signature"));
  }
  claim.region = *regions;
  return {};
}

bool is_signed(const SigV4Claim& claim, std::string_view lower_name) {
  return std::ranges::find(claim.signed_headers, lower_name) != claim.signed_headers.end();
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

/// Host and every x-amz-* header are under the signature, and no header that counts is there
/// twice: an unsigned or repeated header could be added on the way.
Result<void> check_coverage(const SigV4Request& request, const SigV4Claim& claim) {
  if (!is_signed(claim, "host")) {
    return std::unexpected(refuse(
        "AccessDenied", "There were headers present in the request which were not signed", "host"));
  }
  std::array<bool, kMaxSignedHeaders + 1> seen{};  // the last one: authorization
  for (const auto& [name, value] : request.headers.fields()) {
    const auto found = std::ranges::find_if(claim.signed_headers, [&](const std::string& header) {
      return equals_ignoring_case(header, name);
    });
    auto index = static_cast<size_t>(found - claim.signed_headers.begin());
    if (found == claim.signed_headers.end()) {
      const bool own = starts_with_ignoring_case(name, claim.dialect->header_prefix) ||
                       starts_with_ignoring_case(name, kAws4.header_prefix);
      // A presigned URL leaves the body open; a client that says so again changes nothing.
      const bool says_open = claim.presigned && value == "UNSIGNED-PAYLOAD" &&
                             equals_ignoring_case(name, "x-amz-content-sha256");
      if (own && !says_open) {
        return std::unexpected(refuse(
            "AccessDenied", "There were headers present in the request which were not signed",
            ascii_lower(name)));
      }
      if (!equals_ignoring_case(name, "authorization")) continue;
      index = kMaxSignedHeaders;
    }
    if (std::exchange(seen[index], true)) {
      return std::unexpected(
          malformed("InvalidRequest", "a signed header is given twice", ascii_lower(name)));
    }
  }
  return {};
}

Result<void> check_time(SigV4Claim& claim, Timestamp now, std::string_view tag) {
  if (claim.time.micros == 0) {
    return std::unexpected(
        refuse("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"));
  }
  if (to_basic_iso8601(claim.time).substr(0, 8) != claim.date) {
    return std::unexpected(malformed(tag, "Invalid credential date \"" + claim.date + "\"",
                                     "This date is not the same as X-Amz-Date"));
  }
  const Duration ahead = std::chrono::microseconds{claim.time.micros - now.micros};
  if (!claim.presigned) {
    if (ahead > kMaxClockSkew || ahead < -kMaxClockSkew) {
      return std::unexpected(
          refuse("RequestTimeTooSkewed",
                 "The difference between the request time and the current time is too large.",
                 "request " + claim.time_text + ", server " + to_basic_iso8601(now)));
    }
    return {};
  }
  if (ahead > kMaxClockSkew) {
    return std::unexpected(refuse("AccessDenied", "Request is not yet valid", claim.time_text));
  }
  if (now.micros > claim.time.micros + claim.expires_s * 1'000'000) {
    return std::unexpected(
        refuse("AccessDenied", "Request has expired",
               claim.time_text + " + " + std::to_string(claim.expires_s) + " s"));
  }
  return {};
}

/// Chunks are signed as the request is: by HMAC, or by a key pair.
Result<void> check_chunks(const SigV4Claim& claim) {
  const bool signs_chunks = claim.payload == PayloadMode::kChunkedSigned ||
                            claim.payload == PayloadMode::kChunkedSignedTrailer;
  if (!signs_chunks || claim.payload_hash.starts_with(kPairChunks) == claim.dialect->asymmetric) {
    return {};
  }
  return std::unexpected(
      malformed("InvalidArgument", "x-amz-content-sha256 does not fit the signature's algorithm"));
}

Result<SigV4Claim> parse_header(const SigV4Request& request, std::string_view authorization,
                                const SigV4Dialect& dialect) {
  constexpr std::string_view tag = "AuthorizationHeaderMalformed";
  SigV4Claim claim;
  claim.dialect = &dialect;
  std::optional<std::string_view> credential, headers, signature;
  std::string_view rest = authorization.substr(dialect.algorithm.size());
  while (!trimmed(rest).empty()) {
    std::string_view value = trimmed(next_item(rest, ','));
    const std::string_view name = next_item(value, '=');
    auto* slot = name == "Credential"      ? &credential
                 : name == "SignedHeaders" ? &headers
                 : name == "Signature"     ? &signature
                                           : nullptr;
    if (slot == nullptr || *slot) {
      return std::unexpected(malformed(tag, "the authorization header is malformed",
                                       "it has Credential, SignedHeaders and Signature, once"));
    }
    *slot = value;
  }
  if (!credential || !headers || !signature) {
    return std::unexpected(
        malformed(tag, "the authorization header is malformed",
                  "the authorization header requires Credential, SignedHeaders and Signature"));
  }
  BR_TRY(read_credential(*credential, tag, claim));
  BR_TRY(read_signed_headers(*headers, tag, claim));
  BR_TRY(read_signature(*signature, tag, claim));

  const std::string prefix{dialect.header_prefix};
  BR_TRY(read_region_set(request.headers.get(prefix + "region-set"), tag, claim));
  if (const auto date = request.headers.get(prefix + "date")) {
    claim.time_text = *date;
    claim.time = parse_basic_iso8601(claim.time_text);
  } else if (const auto plain = request.headers.get("date"); plain && is_signed(claim, "date")) {
    claim.time = parse_basic_iso8601(std::string{*plain});
    if (claim.time.micros == 0) claim.time = parse_http_date(std::string{*plain});
    claim.time_text = to_basic_iso8601(claim.time);
  }
  if (const auto token = request.headers.get("x-amz-security-token")) claim.token = *token;
  const auto payload = request.headers.get(prefix + "content-sha256");
  if (!payload && !dialect.payload_header) {
    claim.payload = PayloadMode::kSignedHash;
    return claim;
  }
  if (!payload) {
    return std::unexpected(
        malformed("InvalidRequest",
                  "Missing required header for this request: " + prefix + "content-sha256"));
  }
  BR_TRY(read_payload(*payload, claim));
  return claim;
}

Result<SigV4Claim> parse_query(const SigV4Request& request, const QueryFields& fields,
                               const SigV4Dialect& dialect) {
  constexpr std::string_view tag = "AuthorizationQueryParametersError";
  SigV4Claim claim;
  claim.dialect = &dialect;
  claim.presigned = true;
  if (!fields.algorithm || !fields.credential || !fields.date || !fields.expires ||
      !fields.signed_headers || !fields.signature) {
    return std::unexpected(
        malformed(tag,
                  "Query-string authentication needs the Algorithm, Credential, Signature, "
                  "Date, SignedHeaders, and Expires parameters"));
  }
  if (*fields.algorithm != dialect.algorithm) {
    return std::unexpected(malformed(tag, std::string{dialect.query_prefix} +
                                              "Algorithm only supports \"" +
                                              std::string{dialect.algorithm} + "\""));
  }
  BR_TRY(read_credential(*fields.credential, tag, claim));
  BR_TRY(read_signed_headers(*fields.signed_headers, tag, claim));
  BR_TRY(read_signature(*fields.signature, tag, claim));
  BR_TRY(read_region_set(fields.region_set, tag, claim));
  claim.token = fields.token.value_or("");
  claim.time_text = *fields.date;
  claim.time = parse_basic_iso8601(*fields.date);
  if (claim.time.micros == 0) {
    return std::unexpected(
        malformed(tag, std::string{dialect.query_prefix} +
                           "Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""));
  }
  const auto expires = parse_u64(*fields.expires);
  if (!expires || *expires > static_cast<uint64_t>(kMaxPresignSeconds)) {
    return std::unexpected(malformed(tag, std::string{dialect.query_prefix} +
                                              "Expires must be between 0 and a week (604800 s)"));
  }
  claim.expires_s = static_cast<int64_t>(*expires);
  // S3: the body of a presigned request is open unless the hash is signed with it.
  const std::string header = std::string{dialect.header_prefix} + "content-sha256";
  const auto signed_hash = request.headers.get(header);
  if (signed_hash && is_signed(claim, header)) {
    BR_TRY(read_payload(*signed_hash, claim));
  } else {
    BR_TRY(read_payload(fields.payload.value_or("UNSIGNED-PAYLOAD"), claim));
  }
  return claim;
}

}  // namespace

bool is_chunked(PayloadMode mode) {
  return mode == PayloadMode::kChunkedSigned || mode == PayloadMode::kChunkedSignedTrailer ||
         mode == PayloadMode::kChunkedUnsignedTrailer;
}

Result<SigV4Claim> parse_sigv4(const SigV4Request& request, Timestamp now,
                               const SigV4Dialect& aws) {
  const auto authorization = request.headers.get("authorization");
  BR_TRY(aws_fields, query_fields(request.query, aws));
  BR_TRY(goog_fields, query_fields(request.query, kGoog4));
  if (authorization && (aws_fields.any || goog_fields.any)) {
    return std::unexpected(malformed("InvalidArgument", "Only one auth mechanism allowed",
                                     "only the X-Amz-Algorithm query parameter or the "
                                     "Authorization header should be specified"));
  }
  const bool token_header = request.headers.has("x-amz-security-token");
  // Beside the other mechanism's signature nothing vouches for it.
  if ((aws_fields.token && authorization) || (token_header && !authorization)) {
    return std::unexpected(malformed("InvalidToken",
                                     "The provided token is malformed or otherwise invalid.",
                                     "it belongs where the signature is"));
  }
  if (!authorization && !aws_fields.any && !goog_fields.any) {
    const bool version2 =
        ("&" + std::string{request.query}).find("&AWSAccessKeyId=") != std::string::npos;
    if (version2) {
      return std::unexpected(
          malformed("InvalidRequest",
                    "The authorization mechanism you have provided is not supported. Please use "
                    "AWS4-HMAC-SHA256."));
    }
    return std::unexpected(refuse("AccessDenied", "Access Denied", "the request is not signed"));
  }
  const bool takes_pairs = aws.service == kAws4a.service;
  std::optional<Result<SigV4Claim>> claim;
  if (!authorization) {
    const bool is_google = goog_fields.any && !aws_fields.any;
    const bool is_rsa = is_google && goog_fields.algorithm == kGoog4Rsa.algorithm;
    const bool is_pair = takes_pairs && aws_fields.algorithm == kAws4a.algorithm;
    claim = is_rsa      ? parse_query(request, goog_fields, kGoog4Rsa)
            : is_google ? parse_query(request, goog_fields, kGoog4)
                        : parse_query(request, aws_fields, is_pair ? kAws4a : aws);
  } else if (authorization->starts_with("AWS4-HMAC-SHA256 ")) {
    claim = parse_header(request, *authorization, aws);
  } else if (authorization->starts_with("GOOG4-HMAC-SHA256 ")) {
    claim = parse_header(request, *authorization, kGoog4);
  } else if (authorization->starts_with("GOOG4-RSA-SHA256 ")) {
    claim = parse_header(request, *authorization, kGoog4Rsa);
  } else if (authorization->starts_with("AWS ")) {
    return std::unexpected(
        malformed("InvalidRequest",
                  "The authorization mechanism you have provided is not supported. Please use "
                  "AWS4-HMAC-SHA256."));
  } else if (takes_pairs && authorization->starts_with("AWS4-ECDSA-P256-SHA256 ")) {
    claim = parse_header(request, *authorization, kAws4a);
  } else {
    return std::unexpected(malformed("InvalidArgument", "Unsupported Authorization Type"));
  }
  if (!*claim) return std::move(*claim);
  const std::string_view tag =
      (*claim)->presigned ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed";
  BR_TRY(check_coverage(request, **claim));
  BR_TRY(check_chunks(**claim));
  BR_TRY(check_time(**claim, now, tag));
  return std::move(*claim);
}

Result<void> read_payload(std::string_view value, SigV4Claim& claim) {
  claim.payload_hash = value;
  if (value == "UNSIGNED-PAYLOAD") {
    claim.payload = PayloadMode::kUnsigned;
  } else if (value == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" || value == kPairChunks) {
    claim.payload = PayloadMode::kChunkedSigned;
  } else if (value == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" ||
             (value.starts_with(kPairChunks) && value.substr(kPairChunks.size()) == "-TRAILER")) {
    claim.payload = PayloadMode::kChunkedSignedTrailer;
  } else if (value == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    claim.payload = PayloadMode::kChunkedUnsignedTrailer;
  } else if (value.size() == 64 && from_hex(value)) {
    claim.payload = PayloadMode::kSignedHash;
  } else {
    return std::unexpected(
        malformed("InvalidArgument",
                  "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                  "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
                  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value"));
  }
  return {};
}

bool is_unsigned(const SigV4Request& request) {
  const auto aws_fields = query_fields(request.query, kAws4);
  const auto goog_fields = query_fields(request.query, kGoog4);
  return !request.headers.has("authorization") && aws_fields && !aws_fields->any &&
         !aws_fields->token && goog_fields && !goog_fields->any &&
         !request.headers.has("x-amz-security-token") &&
         ("&" + std::string{request.query}).find("&AWSAccessKeyId=") == std::string::npos;
}

std::string claimed_access_key(const SigV4Request& request) {
  const auto from = [](std::string_view credential, bool asymmetric) {
    for (int i = asymmetric ? 1 : 0; i < 4; ++i) {
      const size_t at = credential.rfind('/');
      if (at == std::string_view::npos) return std::string{};
      credential = credential.substr(0, at);
    }
    return std::string{credential.substr(0, 128)};
  };
  if (const auto authorization = request.headers.get("authorization")) {
    const size_t at = authorization->find("Credential=");
    if (at == std::string_view::npos) return {};
    std::string_view rest = authorization->substr(at + 11);
    return from(next_item(rest, ','), authorization->starts_with(kAws4a.algorithm));
  }
  for (const SigV4Dialect* dialect : {&kAws4, &kGoog4}) {
    const auto fields = query_fields(request.query, *dialect);
    if (fields && fields->credential) {
      return from(*fields->credential, fields->algorithm == kAws4a.algorithm);
    }
  }
  return {};
}

}  // namespace beringia::wire
