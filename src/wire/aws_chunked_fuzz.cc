#include <cstddef>
#include <cstdint>

#include "base/fuzz_seeds.h"
#include "wire/aws_chunked.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          std::string{"\x05\x00", 2} + "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
          std::string{"\x05\x01", 2} + "5;chunk-signature=" + std::string(64, '0') +
              "\r\nhello\r\n0;chunk-signature=" + std::string(64, '0') +
              "\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:" +
              std::string(64, '0') + "\r\n\r\n",
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia;
  if (size < 2) return 0;
  wire::AwsChunkedSource::Options options;
  options.decoded_length = data[0];
  options.claim.payload = data[1] % 2 == 0 ? wire::PayloadMode::kChunkedUnsignedTrailer
                                           : wire::PayloadMode::kChunkedSignedTrailer;
  options.verified = wire::SigV4Verified{HmacSha256{"k"}, std::string(64, '0')};
  options.trailer_names = {"x-amz-checksum-crc32"};
  io::StringSource inner{std::string{reinterpret_cast<const char*>(data + 2), size - 2}};
  wire::AwsChunkedSource source{inner, std::move(options)};
  char buffer[37];
  for (;;) {
    const auto n = source.read({}, buffer);
    if (!n || *n == 0) break;
  }
  return 0;
}
