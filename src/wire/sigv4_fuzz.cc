#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "wire/sigv2.h"
#include "wire/sigv4.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          "AWS4-HMAC-SHA256 "
          "Credential=BRKEY/20130524/us-east-1/s3/"
          "aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=" +
              std::string(64, 'a') + "\n/b/k\nprefix=a%2Fb&list-type=2",
          "\n/b/"
          "k\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=BRKEY%2F20130524%2Fus-east-1%2Fs3%"
          "2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&"
          "X-Amz-Signature=" +
              std::string(64, 'a'),
          "AWS4-ECDSA-P256-SHA256 "
          "Credential=BRKEY/20130524/s3/"
          "aws4_request,SignedHeaders=host;x-amz-region-set,Signature=3044" +
              std::string(136, 'a') + "\n/b/k\nprefix=a",
          "AWS BRKEY:bWq2s1WEIj+Ydj0vQ697zp+IXMU=\n/b/k\nacl&response-expires=x",
          "\n/b/k\nAWSAccessKeyId=BRKEY&Expires=1369353660&Signature=bWq2s1WEIj%2BYdj0vQ697zp",
      });
}

// First line: the Authorization header; second: the path; the rest: the query.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia;
  std::string_view input{reinterpret_cast<const char*>(data), size};
  const auto line = [&] {
    const size_t at = input.find('\n');
    const std::string_view text = input.substr(0, at);
    input.remove_prefix(at == std::string_view::npos ? input.size() : at + 1);
    return text;
  };
  io::HttpHeaders headers;
  headers.add("Host", "h");
  headers.add("x-amz-date", "20130524T000000Z");
  headers.add("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  if (const auto authorization = line(); !authorization.empty()) {
    headers.add("Authorization", std::string{authorization});
  }
  const std::string_view path = line();
  const wire::SigV4Request request{"GET", path, input, headers};
  (void)wire::claimed_access_key(request);
  const auto claim = wire::parse_sigv4(request, parse_basic_iso8601("20130524T000000Z"));
  if (claim) {
    wire::SigningKeys keys;
    (void)wire::verify_sigv4(request, *claim, Secret{"s"}, keys);
  }
  if (const auto old = wire::parse_sigv2(request, parse_basic_iso8601("20130524T000000Z"))) {
    (void)wire::verify_sigv2(request, *old, "bucket", Secret{"s"});
  }
  return 0;
}
