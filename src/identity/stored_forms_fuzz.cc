// Access tokens that clients send, rows of principals and keys, key sets of identity providers.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "identity/access_token.h"
#include "identity/rows.h"
#include "identity/web_identities.h"

using namespace beringia;
using namespace beringia::identity;

namespace {

constexpr Timestamp kEnd{5'000'000};

/// What decodes is encoded as something that decodes the same.
template <class T, class Decode>
void check(const Result<T>& decoded, const Decode& decode) {
  if (!decoded) return;
  const std::string once = encode(*decoded);
  const auto again = decode(once);
  if (!again || encode(*again) != once) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const PrincipalRecord principal{"etl", {"loaders", "readers"}, true};
  const AccessKeyRow access_key{"etl", std::string(40, 's'), {1}, true, true};
  const ServiceKey service_key{"", "etl@x", "etl", "-----BEGIN PUBLIC KEY-----", {1}, true};
  return write_fuzz_seeds(
      *argc, *argv,
      {encode(principal), encode(access_key), encode(service_key),
       encode(SessionToken{"etl", "KEY", "run", "{}", "secret", {1}}),
       encode(IssuedToken{"etl", "oidc:corp", "etl", "scope", "{}", {1}}),
       R"({"keys":[{"kty":"RSA","kid":"a","use":"sig","alg":"RS256","n":"AQAB","e":"AQAB"}]})",
       std::string{AccessTokens{Secret{"another"}}.issue(std::string(40, 'a'), kEnd).reveal()}});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  static const AccessTokens tokens{Secret{"key"}};
  // Nobody guesses the key.
  if (tokens.verify(text, {1})) std::abort();
  const auto as_principal = [](std::string_view bytes) { return decode_principal("n", bytes); };
  const auto as_service_key = [](std::string_view bytes) { return decode_service_key("i", bytes); };
  check(as_principal(text), as_principal);
  check(decode_access_key(text), decode_access_key);
  check(as_service_key(text), as_service_key);
  check(decode_session_token(text), decode_session_token);
  check(decode_issued_token(text), decode_issued_token);
  static_cast<void>(decode_revoked(text));
  static_cast<void>(parse_key_set(text));
  return 0;
}
