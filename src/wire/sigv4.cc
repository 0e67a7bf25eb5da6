#include "wire/sigv4.h"

#include <algorithm>
#include <functional>
#include <mutex>

#include "base/encoding.h"
#include "wire/sigv4_names.h"

namespace beringia::wire {
namespace {

// SHA-256 of nothing, as chunk signatures hold it.
constexpr std::string_view kEmptyHash =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Headers that proxies and clients change after signing.
constexpr std::string_view kUnsignable[] = {"authorization", "connection", "expect", "user-agent",
                                            "accept-encoding"};

bool is_plain_path(std::string_view path) {
  return std::ranges::all_of(path, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '-' || c == '.' || c == '_' || c == '~';
  });
}

Error bad_uri() {
  return invalid("Couldn't parse the specified URI.", "a percent escape is not of the form %XX")
      .with_tag("InvalidURI");
}

/// S3 encodes the path once: decode what came, encode it in the canonical form.
Result<void> append_path(std::string& out, std::string_view path) {
  if (is_plain_path(path)) {
    out += path;
    return {};
  }
  const auto decoded = percent_decode(path);
  if (!decoded) return std::unexpected(bad_uri());
  out += percent_encode(*decoded, true);
  return {};
}

/// Parameters in canonical encoding, sorted by name, then by value.
/// Without the signature of `dialect`, if one is named.
Result<void> append_query(std::string& out, std::string_view query, const SigV4Dialect* dialect) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view item = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    const auto name = percent_decode(item.substr(0, equals), true);
    const auto value = equals == std::string_view::npos
                           ? std::optional{std::string{}}
                           : percent_decode(item.substr(equals + 1), true);
    if (!name || !value) return std::unexpected(bad_uri());
    if (dialect != nullptr && is_signature_parameter(*name, *dialect, "Signature")) continue;
    parameters.emplace_back(percent_encode(*name), percent_encode(*value));
  }
  std::ranges::sort(parameters);
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (i > 0) out += '&';
    out += parameters[i].first;
    out += '=';
    out += parameters[i].second;
  }
  return {};
}

/// Outer blanks go, inner runs of blanks become one.
void append_header_value(std::string& out, std::string_view value) {
  const bool is_plain = value.find("  ") == std::string_view::npos &&
                        value.find('\t') == std::string_view::npos && !value.starts_with(' ') &&
                        !value.ends_with(' ');
  if (is_plain) {
    out += value;
    return;
  }
  bool pending = false;
  bool started = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      pending = started;
      continue;
    }
    if (pending) out += ' ';
    out += c;
    pending = false;
    started = true;
  }
}

std::string string_to_sign(std::string_view algorithm, const SigV4Claim& claim) {
  std::string text;
  text.reserve(256);
  text += algorithm;
  text += '\n';
  text += claim.time_text;
  text += '\n';
  text += claim.scope;
  text += '\n';
  return text;
}

std::string signature_of(const SigV4Claim& claim, const HmacSha256& key,
                         const std::string& canonical) {
  std::string text = string_to_sign(claim.dialect->algorithm, claim);
  text += to_hex(sha256(canonical));
  return to_hex(key.sign(text));
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

std::pair<std::string_view, std::string_view> split_target(std::string_view target) {
  const size_t at = target.find('?');
  if (at == std::string_view::npos) return {target, {}};
  return {target.substr(0, at), target.substr(at + 1)};
}

SigV4Claim new_claim(const SigV4Signer& signer, Timestamp now) {
  SigV4Claim claim;
  claim.dialect = signer.dialect;
  claim.access_key = signer.access_key;
  claim.region = signer.region;
  claim.time = now;
  claim.time_text = to_basic_iso8601(now);
  claim.date = claim.time_text.substr(0, 8);
  claim.scope = claim.date + "/" + signer.region + "/" + std::string{signer.dialect->service} +
                "/" + std::string{signer.dialect->terminator};
  return claim;
}

std::vector<std::string> signable(const io::HttpHeaders& headers) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers.fields()) {
    const std::string lower = ascii_lower(name);
    if (std::ranges::find(kUnsignable, lower) == std::end(kUnsignable)) names.push_back(lower);
  }
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

}  // namespace

Result<std::string> canonical_request(const SigV4Request& request, const SigV4Claim& claim) {
  std::string out;
  out.reserve(1024);
  out += request.method;
  out += '\n';
  BR_TRY(append_path(out, request.path));
  out += '\n';
  if (!request.query.empty()) {
    BR_TRY(append_query(out, request.query, claim.presigned ? claim.dialect : nullptr));
  }
  out += '\n';
  for (const auto& name : claim.signed_headers) {
    out += name;
    out += ':';
    // Repeated headers were refused when the claim was parsed.
    if (const auto value = request.headers.get(name)) append_header_value(out, *value);
    out += '\n';
  }
  out += '\n';
  out += joined(claim.signed_headers);
  out += '\n';
  out += claim.payload_hash;
  return out;
}

Result<std::string> string_to_sign(const SigV4Request& request, const SigV4Claim& claim) {
  BR_TRY(canonical, canonical_request(request, claim));
  return string_to_sign(claim.dialect->algorithm, claim) + to_hex(sha256(canonical));
}

HmacSha256 derive_signing_key(const SigV4Claim& claim, const Secret& secret) {
  const Secret first{std::string{claim.dialect->key_prefix} + secret.reveal()};
  const Secret date{HmacSha256{first.reveal()}.sign(claim.date)};
  const Secret region{HmacSha256{date.reveal()}.sign(claim.region)};
  const Secret service{HmacSha256{region.reveal()}.sign(claim.dialect->service)};
  const Secret key{HmacSha256{service.reveal()}.sign(claim.dialect->terminator)};
  return HmacSha256{key.reveal()};
}

template <class Key, class Derive>
Result<Key> SigningKeys::find_or_make(const SigV4Claim& claim, const Secret& secret,
                                      const Derive& derive) {
  std::string name = claim.access_key;
  name += '/';
  name += claim.scope;
  Shard& shard = shards_[std::hash<std::string>{}(name) % kShards];
  {
    const std::shared_lock lock{shard.mutex};
    const auto found = shard.keys.find(name);
    if (found != shard.keys.end() && found->second.secret == secret) {
      if (const auto* key = std::get_if<Key>(&found->second.key)) return *key;
    }
  }
  Result<Key> key = derive();
  if (!key) return key;
  const std::unique_lock lock{shard.mutex};
  if (shard.keys.size() >= kMaxPerShard) shard.keys.clear();
  shard.keys.insert_or_assign(std::move(name), Entry{secret, *key});
  return key;
}

HmacSha256 SigningKeys::get(const SigV4Claim& claim, const Secret& secret) {
  return *find_or_make<HmacSha256>(
      claim, secret, [&] -> Result<HmacSha256> { return derive_signing_key(claim, secret); });
}

Result<EcdsaKey> SigningKeys::get_pair(const SigV4Claim& claim, const Secret& secret) {
  return find_or_make<EcdsaKey>(claim, secret,
                                [&] { return EcdsaKey::derive(claim.access_key, secret); });
}

namespace {

Error wrong_signature(std::string canonical) {
  return denied(
             "The request signature we calculated does not match the signature you provided. "
             "Check your key and signing method.",
             std::move(canonical))
      .with_tag("SignatureDoesNotMatch");
}

Result<SigV4Verified> verify_asymmetric(const SigV4Claim& claim, const Secret& secret,
                                        std::string canonical, SigningKeys& keys) {
  BR_TRY(key, keys.get_pair(claim, secret));
  std::string text = string_to_sign(claim.dialect->algorithm, claim);
  text += to_hex(sha256(canonical));
  const auto signature = from_hex(claim.signature);
  if (!signature || !key.verify(text, *signature)) {
    return std::unexpected(wrong_signature(std::move(canonical)));
  }
  return SigV4Verified{std::move(key), claim.signature};
}

}  // namespace

Result<SigV4Verified> verify_sigv4(const SigV4Request& request, const SigV4Claim& claim,
                                   const Secret& secret, SigningKeys& keys) {
  BR_TRY(canonical, canonical_request(request, claim));
  if (claim.dialect->asymmetric) {
    return verify_asymmetric(claim, secret, std::move(canonical), keys);
  }
  const HmacSha256 key = keys.get(claim, secret);
  if (!equal_in_constant_time(signature_of(claim, key, canonical), claim.signature)) {
    return std::unexpected(wrong_signature(std::move(canonical)));
  }
  return SigV4Verified{key, claim.signature};
}

namespace {

std::string chunk_text(const SigV4Claim& claim, std::string_view previous, std::string_view hash) {
  std::string text = string_to_sign(std::string{claim.dialect->algorithm} + "-PAYLOAD", claim);
  text += previous;
  text += '\n';
  text += kEmptyHash;
  text += '\n';
  text += hash;
  return text;
}

std::string trailer_text(const SigV4Claim& claim, std::string_view previous,
                         std::string_view hash) {
  std::string text = string_to_sign(std::string{claim.dialect->algorithm} + "-TRAILER", claim);
  text += previous;
  text += '\n';
  text += hash;
  return text;
}

bool proves(const SigV4Verified& verified, const std::string& text, std::string_view signature) {
  if (const auto* pair = std::get_if<EcdsaKey>(&verified.signing_key)) {
    const auto bytes = from_hex(without_padding(signature));
    return bytes && pair->verify(text, *bytes);
  }
  return equal_in_constant_time(to_hex(std::get<HmacSha256>(verified.signing_key).sign(text)),
                                signature);
}

}  // namespace

std::string_view without_padding(std::string_view signature) {
  return signature.substr(0, signature.find_last_not_of('*') + 1);
}

bool proves_chunk(const SigV4Claim& claim, const SigV4Verified& verified, std::string_view previous,
                  std::string_view chunk_sha256_hex, std::string_view signature) {
  return proves(verified, chunk_text(claim, previous, chunk_sha256_hex), signature);
}

bool proves_trailer(const SigV4Claim& claim, const SigV4Verified& verified,
                    std::string_view previous, std::string_view trailer_sha256_hex,
                    std::string_view signature) {
  return proves(verified, trailer_text(claim, previous, trailer_sha256_hex), signature);
}

std::string sign_chunk(const SigV4Claim& claim, const HmacSha256& key, std::string_view previous,
                       std::string_view chunk_sha256_hex) {
  return to_hex(key.sign(chunk_text(claim, previous, chunk_sha256_hex)));
}

std::string sign_trailer(const SigV4Claim& claim, const HmacSha256& key, std::string_view previous,
                         std::string_view trailer_sha256_hex) {
  return to_hex(key.sign(trailer_text(claim, previous, trailer_sha256_hex)));
}

Result<SigV4Claim> SigV4Signer::sign(std::string_view method, std::string_view target,
                                     io::HttpHeaders& headers, std::string payload_hash,
                                     Timestamp now) const {
  SigV4Claim claim = new_claim(*this, now);
  claim.payload_hash = std::move(payload_hash);
  const std::string prefix{dialect->header_prefix};
  headers.set(prefix + "date", claim.time_text);
  headers.set(prefix + "content-sha256", claim.payload_hash);
  claim.signed_headers = signable(headers);
  const auto [path, query] = split_target(target);
  BR_TRY(canonical, canonical_request({method, path, query, headers}, claim));
  claim.signature = signature_of(claim, derive_signing_key(claim, secret), canonical);
  headers.set("Authorization", std::string{dialect->algorithm} + " Credential=" + access_key + "/" +
                                   claim.scope + ",SignedHeaders=" + joined(claim.signed_headers) +
                                   ",Signature=" + claim.signature);
  return claim;
}

Result<std::string> SigV4Signer::presign(std::string_view method, std::string_view target,
                                         const io::HttpHeaders& headers, int64_t expires_s,
                                         Timestamp now) const {
  SigV4Claim claim = new_claim(*this, now);
  claim.presigned = true;
  claim.payload_hash = "UNSIGNED-PAYLOAD";
  claim.signed_headers = signable(headers);
  const std::string prefix{dialect->query_prefix};
  std::string signed_target{target};
  signed_target += target.find('?') == std::string_view::npos ? '?' : '&';
  signed_target += prefix + "Algorithm=" + std::string{dialect->algorithm};
  signed_target += "&" + prefix + "Credential=" + percent_encode(access_key + "/" + claim.scope);
  signed_target += "&" + prefix + "Date=" + claim.time_text;
  signed_target += "&" + prefix + "Expires=" + std::to_string(expires_s);
  signed_target += "&" + prefix + "SignedHeaders=" + percent_encode(joined(claim.signed_headers));
  const auto [path, query] = split_target(signed_target);
  BR_TRY(canonical, canonical_request({method, path, query, headers}, claim));
  const std::string signature = signature_of(claim, derive_signing_key(claim, secret), canonical);
  return signed_target + "&" + prefix + "Signature=" + signature;
}

}  // namespace beringia::wire
