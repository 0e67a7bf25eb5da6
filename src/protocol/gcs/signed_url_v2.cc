// Signed URLs of version 2: RSA with a service account's key, or HMAC-SHA1 with an access key.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "protocol/gcs/authenticate.h"
#include "wire/sigv2.h"

namespace beringia::protocol::gcs {
namespace {

/// They say who signed, and are not signed themselves.
bool is_of_signature(std::string_view name) {
  return name == "GoogleAccessId" || name == "Expires" || name == "Signature";
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// x-goog-* headers, sorted; the customer's key itself is not signed.
std::string extension_headers(const Call& call) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : call.request.headers.fields()) {
    std::string lower = ascii_lower(name);
    if (!lower.starts_with("x-goog-") || lower == "x-goog-encryption-key" ||
        lower == "x-goog-encryption-key-sha256") {
      continue;
    }
    std::string& slot = headers[std::move(lower)];
    if (!slot.empty()) slot += ",";
    slot += trimmed(value);
  }
  std::string text;
  for (const auto& [name, value] : headers) text.append(name).append(":").append(value) += "\n";
  return text;
}

/// The path as it came, and every other parameter of the query as it came, sorted: what is not
/// signed cannot be added.
std::string resource_of(const Call& call) {
  std::vector<std::string> parameters;
  std::string_view rest = call.request.query;
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view item = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (item.empty() || is_of_signature(item.substr(0, item.find('=')))) continue;
    parameters.emplace_back(item);
  }
  std::ranges::sort(parameters);
  std::string text{call.request.path};
  for (size_t i = 0; i < parameters.size(); ++i) {
    text.append(i == 0 ? "?" : "&").append(parameters[i]);
  }
  return text;
}

}  // namespace

std::string string_to_sign_v2_url(const Call& call, std::string_view expires) {
  std::string text{call.request.method};
  text.append("\n").append(call.header("Content-MD5"));
  text.append("\n").append(call.header("Content-Type"));
  text.append("\n").append(expires).append("\n");
  return text + extension_headers(call) + resource_of(call);
}

Result<identity::Principal> authenticate_v2_url(Call& call) {
  const std::string& who = call.query.get("GoogleAccessId");
  const std::string& expires = call.query.get("Expires");
  const auto seconds = parse_u64(expires);
  constexpr int64_t kMicros = 1'000'000;
  if (!seconds || *seconds > static_cast<uint64_t>(INT64_MAX / kMicros)) {
    return std::unexpected(invalid("Invalid value for parameter Expires"));
  }
  if (call.rooms.clock.wall().micros > static_cast<int64_t>(*seconds) * kMicros) {
    return std::unexpected(
        denied("The provided token has expired.", "Request signature expired at: " + expires)
            .with_tag("expired_url"));
  }
  const std::string text = string_to_sign_v2_url(call, expires);
  const auto wrong = [&] {
    return std::unexpected(denied("The request signature we calculated does not match the "
                                  "signature you provided. Check your Google secret key and "
                                  "signing method.",
                                  text)
                               .with_tag("bad_signature"));
  };
  // Form decoding has made blanks of what some clients leave as '+'.
  std::string signature = call.query.get("Signature");
  std::ranges::replace(signature, ' ', '+');
  if (who.find('@') != std::string::npos) {
    const auto bytes = from_base64(signature);
    if (!bytes) return wrong();
    auto principal = call.rooms.directory.verify_signed_text(call.context, who, text, *bytes);
    if (!principal) return wrong();
    return principal;
  }
  auto key = call.rooms.directory.find_access_key(call.context, who);
  if (!key) return wrong();
  if (!equal_in_constant_time(wire::sign_v2(key->secret, text), signature)) return wrong();
  return call.rooms.directory.principal_of(call.context, *key);
}

}  // namespace beringia::protocol::gcs
