#include "identity/access_token.h"

#include "base/encoding.h"

namespace beringia::identity {
namespace {

// payload: version 1 B | end in microseconds 8 B BE | key id 20 B
constexpr char kVersion = 1;
constexpr size_t kKeyIdBytes = 20;
constexpr size_t kPayloadBytes = 1 + 8 + kKeyIdBytes;

}  // namespace

Error invalid_token(std::string why) {
  return denied("the access token is not valid", std::move(why)).with_tag("invalid_token");
}

Secret AccessTokens::issue(std::string_view key_id, Timestamp expires) const {
  std::string payload(1, kVersion);
  append_be64(payload, static_cast<uint64_t>(expires.micros));
  payload += from_hex(key_id).value_or(std::string(kKeyIdBytes, '\0'));
  return Secret{std::string{kPrefix} + to_base64url(payload) + "." +
                to_base64url(mac_.sign(payload))};
}

Result<AccessTokens::Verified> AccessTokens::verify(std::string_view token, Timestamp now) const {
  if (!token.starts_with(kPrefix)) return std::unexpected(invalid_token("it is not one of ours"));
  token.remove_prefix(kPrefix.size());
  const size_t dot = token.find('.');
  if (dot == std::string_view::npos) return std::unexpected(invalid_token("it is cut off"));
  const auto payload = from_base64url(token.substr(0, dot));
  const auto mac = from_base64url(token.substr(dot + 1));
  // One token has one spelling: base64url would let the last character vary.
  const bool canonical =
      payload && mac && token == to_base64url(*payload) + "." + to_base64url(*mac);
  if (!canonical || payload->size() != kPayloadBytes || payload->front() != kVersion ||
      !equal_in_constant_time(*mac, mac_.sign(*payload))) {
    return std::unexpected(invalid_token("it was not made by this instance"));
  }
  const auto expires = static_cast<int64_t>(read_be64(std::string_view{*payload}.substr(1, 8)));
  if (now.micros >= expires) return std::unexpected(invalid_token("it has expired"));
  return Verified{to_hex(std::string_view{*payload}.substr(9)), Timestamp{expires}};
}

namespace {

// Differs from every token's payload in its first byte: pass 2 | credential | 0 | thing
std::string signed_pass(std::string_view credential, std::string_view thing) {
  std::string text(1, 2);
  text.append(credential).append(1, '\0').append(thing);
  return text;
}

}  // namespace

Secret AccessTokens::issue_pass(std::string_view credential, std::string_view thing) const {
  return Secret{to_base64url(credential) + "." +
                to_base64url(mac_.sign(signed_pass(credential, thing)))};
}

Result<std::string> AccessTokens::verify_pass(std::string_view pass, std::string_view thing) const {
  const size_t dot = pass.find('.');
  if (dot == std::string_view::npos) return std::unexpected(invalid_token("it is cut off"));
  auto credential = from_base64url(pass.substr(0, dot));
  const auto mac = from_base64url(pass.substr(dot + 1));
  if (!credential || !mac ||
      !equal_in_constant_time(*mac, mac_.sign(signed_pass(*credential, thing)))) {
    return std::unexpected(invalid_token("it was not made by this instance for this"));
  }
  return std::move(*credential);
}

}  // namespace beringia::identity
