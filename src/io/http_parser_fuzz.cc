#include <cstdint>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "io/http_parser.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          "GET /bucket/key?list-type=2&prefix=a%2Fb HTTP/1.1\r\nHost: h:9000\r\nContent-Length: "
          "3\r\n\r\n",
          "PUT http://h/b/k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: "
          "100-continue\r\n\r\n",
          "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nConnection: close\r\nETag: "
          "\"a\"\r\n\r\n",
          "3\r\nabc\r\n00A;name=\"value\"\r\n0123456789\r\n0\r\nX-Trailer: v\r\n\r\n",
          "https://user@[::1]:9443/path/?query",
      });
}

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
