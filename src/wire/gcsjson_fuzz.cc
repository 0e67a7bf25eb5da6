#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/gcsjson.h"

namespace gcs = beringia::wire::gcs;

namespace {

/// What was understood once is understood the same after rendering.
template <class T>
void check_round_trip(const beringia::Result<T>& parsed,
                      beringia::Result<T> (*parse)(std::string_view)) {
  if (!parsed) return;
  auto again = parse(gcs::render(*parsed));
  if (!again || gcs::render(*again) != gcs::render(*parsed)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  check_round_trip(gcs::parse_object(text), &gcs::parse_object);
  check_round_trip(gcs::parse_object_change(text), &gcs::parse_object_change);
  check_round_trip(gcs::parse_bucket(text), &gcs::parse_bucket);
  check_round_trip(gcs::parse_object_list(text), &gcs::parse_object_list);
  check_round_trip(gcs::parse_compose(text), &gcs::parse_compose);
  (void)gcs::parse_bucket_list(text);
  (void)gcs::parse_rewrite(text);
  (void)gcs::parse_token(text);
  (void)gcs::parse_token_error(text);
  (void)gcs::parse_error(text, 500);
  gcs::Hashes hashes;
  (void)gcs::add_hash_header(hashes, text);
  auto line = text.find('\n');
  if (line != std::string_view::npos) {
    (void)gcs::select_fields(text.substr(line + 1), text.substr(0, line));
  }
  return 0;
}
