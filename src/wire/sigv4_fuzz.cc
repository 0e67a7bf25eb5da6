#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/sigv4.h"

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
  return 0;
}
