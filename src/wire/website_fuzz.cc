#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/fuzz_seeds.h"
#include "wire/website.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {R"(<WebsiteConfiguration><IndexDocument><Suffix>i.html</Suffix></IndexDocument><ErrorDocume)"
       R"(nt><Key>e.html</Key></ErrorDocument><RoutingRules><RoutingRule><Condition><KeyPrefixEqua)"
       R"(ls>a/</KeyPrefixEquals><HttpErrorCodeReturnedEquals>404</HttpErrorCodeReturnedEquals></C)"
       R"(ondition><Redirect><HostName>h</HostName><Protocol>https</Protocol><HttpRedirectCode>302<)"
       R"(/HttpRedirectCode><ReplaceKeyPrefixWith>b/</ReplaceKeyPrefixWith></Redirect></RoutingRul)"
       R"(e></RoutingRules></WebsiteConfiguration>)",
       R"(<WebsiteConfiguration><RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequests)"
       R"(To></WebsiteConfiguration>)",
       R"({"index":"i","error":"","rules":[{"prefix":"a","error":404,"redirect":{"host":"","prot)"
       R"(ocol":"","status":301,"replace_key":"x"}}]})"});
}

/// What was read is written so that it reads the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace wire = beringia::wire;
  const std::string text{reinterpret_cast<const char*>(data), size};
  if (const auto website = wire::s3::parse_website(text)) {
    if (!wire::s3::parse_website(wire::s3::render_website(*website))) std::abort();
    (void)wire::find_rule(*website, "a/b", 404);
  }
  if (const auto stored = wire::decode_website(text)) {
    const std::string once = wire::encode(*stored);
    if (once.size() <= wire::kMaxStoredWebsiteBytes &&
        wire::decode_website(once).value() != *stored) {
      std::abort();
    }
  }
  return 0;
}
