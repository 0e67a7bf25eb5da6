#include "protocol/gcs/id_token.h"

#include "base/encoding.h"
#include "base/json_writer.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxAudienceBytes = 2048;
constexpr int64_t kSeconds = 3600;  // as Google's

}  // namespace

Result<std::string> signed_jwt(const io::Context& context, identity::Directory& directory,
                               const identity::ServiceKey& key, const std::string& payload) {
  JsonWriter header;
  header.begin_object().member("alg", "RS256").member("kid", key.id).member("typ", "JWT");
  const std::string text = to_base64url(header.end_object().take()) + "." + to_base64url(payload);
  BR_TRY(signature, directory.sign_with(context, key.id, text));
  return text + "." + to_base64url(signature);
}

Result<std::string> make_id_token(const io::Context& context, identity::Directory& directory,
                                  Timestamp now, const IdTokenTerms& terms) {
  if (terms.audience.empty() || terms.audience.size() > kMaxAudienceBytes) {
    return std::unexpected(
        invalid("Invalid value for audience", "it has 1 to 2,048 bytes, and must be there"));
  }
  BR_TRY(key, directory.managed_key(context, std::string{identity::kInstanceKey}));
  const std::string email = directory.email_of(terms.principal);
  const int64_t seconds = now.micros / 1'000'000;
  JsonWriter json;
  json.begin_object().member("aud", terms.audience).member("azp", email);
  if (terms.with_email) json.member("email", email).member("email_verified", true);
  json.member("exp", seconds + kSeconds).member("iat", seconds);
  json.member("iss", terms.issuer).member("sub", terms.principal).end_object();
  return signed_jwt(context, directory, key, json.take());
}

}  // namespace beringia::protocol::gcs
