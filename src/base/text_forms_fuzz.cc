// Texts that people, headers and URLs hold: paths, quantities, times, encodings.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/fuzz_seeds.h"
#include "base/path.h"
#include "base/quantity.h"
#include "base/time.h"

using namespace beringia;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_path(std::string_view text) {
  const auto path = Path::parse(text);
  if (!path) return;
  require(path->text() == text && text.size() <= Path::kMaxBytes);
  require(path->is_under(path->directory()) || path->is_root());
  const auto directory = path->as_directory();
  require(directory.is_directory_form());
  const auto joined = directory.join("x");
  if (joined) require(joined->relative_to(directory) == "x");
  std::string rebuilt = "/";
  for (const auto& name : path->directories()) rebuilt.append(name).append("/");
  require(rebuilt.append(path->name()) == text);
}

void check_quantities(std::string_view text) {
  if (const auto bytes = parse_bytes(text)) require(parse_bytes(format_bytes(*bytes)) == *bytes);
  if (const auto rate = parse_rate(text)) require(parse_rate(format_rate(*rate)) == *rate);
  if (const auto duration = parse_duration(text)) (void)format_duration(*duration);
}

void check_encodings(std::string_view text) {
  require(percent_decode(percent_encode(text)) == text);
  require(from_base64(to_base64(text)) == text);
  require(from_base64url(to_base64url(text)) == text);
  require(from_hex(to_hex(text)) == text);
  if (const auto decoded = from_base64(text)) require(decoded->size() <= text.size());
  (void)from_base64url(text);
  (void)percent_decode(text, true);
  (void)from_hex(text);
  std::string_view rest = text;
  if (const auto number = read_varint(rest)) {
    std::string again;
    append_varint(again, *number);
    require(again.size() <= text.size() - rest.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return write_fuzz_seeds(*argc, *argv,
                          {"/bucket/a//b/../c/", "400MiB/s", "150ms", "7d", "18446744073709551615",
                           "Tue, 24 Nov 2026 15:04:05 GMT", "Tuesday, 24-Nov-26 15:04:05 GMT",
                           "Tue Nov 24 15:04:05 2026", "2026-11-24T15:04:05.123+01:00",
                           "20261124T150405Z", "%2F+a%zz", "aGVsbG8=", "aGVsbG8", "00ff"});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check_path(text);
  if (const auto path = Path::from_bucket_key(text.substr(0, size / 2), text.substr(size / 2))) {
    require(path->bucket() == text.substr(0, size / 2) && path->key() == text.substr(size / 2));
  }
  check_quantities(text);
  check_encodings(text);
  const std::string owned{text};
  for (const auto time :
       {parse_http_date(owned), parse_rfc3339(owned), parse_basic_iso8601(owned)}) {
    if (time.micros == 0) continue;
    (void)to_iso8601(time);
    (void)to_http_date(time);
  }
  return 0;
}
