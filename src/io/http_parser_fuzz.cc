#include <cstdint>
#include <string_view>

#include "io/http_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia::io;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  HttpRequest request;
  if (auto framing = parse_request_head(bytes, 100, request)) {
    if (framing->chunked && framing->content_length) __builtin_trap();
    if (request.path.empty() || request.path.find('\r') != std::string::npos) __builtin_trap();
  }
  ResponseHead response;
  (void)parse_response_head(bytes, 100, response).has_value();
  ChunkedDecoder decoder{1024};
  for (std::string_view rest = bytes; !rest.empty() && !decoder.done();) {
    auto step = decoder.feed(rest);
    if (!step || step->used == 0) break;
    if (step->used > rest.size() || step->data.size() > step->used) __builtin_trap();
    rest.remove_prefix(step->used);
  }
  (void)Url::parse(bytes).has_value();
  return 0;
}
