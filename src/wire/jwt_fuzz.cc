#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/fuzz_seeds.h"
#include "wire/jwt.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k\"}\n{\"iss\":\"a@b\",\"aud\":\"https://h/"
          "token\",\"scope\":\"s\",\"iat\":1,\"exp\":3601,\"sub\":\"a@b\"}",
          R"({"type":"service_account","private_key_id":"k","private_key":"-----BEGIN PRIVA)"
          R"(TE KEY-----\nAA==\n-----END PRIVATE KEY-----\n","client_email":"a@b","token_ur)"
          R"(i":"http://h/token"})",
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  (void)wire::parse_jwt(text);
  // Also with the base64 layer done, so that the JSON behind it is reached.
  auto line = std::min(text.find('\n'), text.size());
  auto token = to_base64url(text.substr(0, line)) + "." +
               to_base64url(text.substr(std::min(line + 1, text.size()))) + ".c2ln";
  auto jwt = wire::parse_jwt(token);
  if (jwt && jwt->signed_part + ".c2ln" != token) std::abort();
  (void)wire::parse_service_account_key(Secret{std::string{text}});
  return 0;
}
