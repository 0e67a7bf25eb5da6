#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "meta/records.h"

// First byte picks the decoder. What decodes must survive an encode and decode unchanged.

namespace {

template <class T>
void check(const beringia::Result<T>& decoded, beringia::Result<T> (*decode)(std::string_view)) {
  if (!decoded) return;
  const std::string once = encode(*decoded);
  const auto again = decode(once);
  if (!again || encode(*again) != once) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia::meta;
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 10) {
    case 0: check(decode_entry(bytes), decode_entry); break;
    case 1: check(decode_directory_entry(bytes), decode_directory_entry); break;
    case 2: check(decode_directory(bytes), decode_directory); break;
    case 3: check(decode_sync(bytes), decode_sync); break;
    case 4: check(decode_intent(bytes), decode_intent); break;
    case 5: check(decode_outcome(bytes), decode_outcome); break;
    case 6: check(decode_upload(bytes), decode_upload); break;
    case 7: check(decode_part(bytes), decode_part); break;
    case 8: check(decode_move(bytes), decode_move); break;
    default: check(decode_run(bytes), decode_run); break;
  }
  check(decode_feed(bytes), decode_feed);
  return 0;
}
