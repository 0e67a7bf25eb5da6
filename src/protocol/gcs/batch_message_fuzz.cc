#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "protocol/gcs/batch_message.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {"GET /storage/v1/b/b/o/a?fields=name HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\n\r\n",
       "PATCH https://storage.googleapis.com/storage/v1/b/b/o/a HTTP/1.1\nContent-Type: "
       "application/json\nContent-Length: 2\n\n{}"});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view message{reinterpret_cast<const char*>(data), size};
  beringia::io::HttpRequest request;
  const auto body = beringia::protocol::gcs::parse_batch_message(message, request);
  if (!body) return 0;
  if (!message.ends_with(*body) || request.path.find('?') != std::string::npos) std::abort();
  for (const auto& [name, value] : request.headers.fields()) {
    if ((name + value).find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
