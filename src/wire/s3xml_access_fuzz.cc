#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/fuzz_seeds.h"
#include "wire/post_policy.h"
#include "wire/s3xml.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          R"(<AccessControlPolicy><Owner><ID>a</ID></Owner><AccessControlList><Grant><Grantee)"
          R"( xmlns:xsi="x" xsi:type="CanonicalUser"><ID>a</ID></Grantee><Permission>READ</Per)"
          R"(mission></Grant></AccessControlList></AccessControlPolicy>)",
          R"(<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</A)"
          R"(llowedMethod><MaxAgeSeconds>3</MaxAgeSeconds></CORSRule></CORSConfiguration>)",
          R"(<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></O)"
          R"(wnershipControls>)",
          R"(<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAcc)"
          R"(essBlockConfiguration>)",
          R"({"expiration":"2030-01-01T00:00:00Z","conditions":[{"acl":"private"},["starts-with)"
          R"(","$key","a"],["content-length-range",1,10]]})",
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace wire = beringia::wire;
  namespace s3 = beringia::wire::s3;
  const std::string text{reinterpret_cast<const char*>(data), size};
  if (const auto acl = s3::parse_acl(text)) {
    // What was understood reads back as the same.
    const auto again = s3::parse_acl(s3::render(*acl));
    if (again && again->grants.size() != acl->grants.size()) std::abort();
  }
  if (const auto rules = s3::parse_cors(text)) {
    const auto again = s3::parse_cors(s3::render_cors(*rules));
    if (!again || again->size() != rules->size()) std::abort();
  }
  (void)s3::parse_ownership_controls(text);
  (void)s3::parse_public_access_block(text);
  if (const auto policy = wire::parse_post_policy(text)) {
    (void)wire::check_post_policy(*policy, {{"key", "a"}}, "b", beringia::Timestamp{});
  }
  return 0;
}
