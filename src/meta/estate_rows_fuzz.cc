#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "meta/estate_rows.h"

using namespace beringia;
using namespace beringia::meta;

namespace {

/// What decodes is encoded as something that decodes the same.
template <class T>
void check(const Result<Positioned<T>>& row, Result<Positioned<T>> (*decode)(std::string_view)) {
  if (!row) return;
  const auto again = decode(encode_row(row->first, row->second));
  if (!again || *again != *row) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  BackendDeclaration backend;
  backend.name = "cloud";
  backend.id = 2;
  backend.url = "gs://bucket/prefix";
  backend.endpoint = "http://127.0.0.1:4443";
  backend.credentials_file = "none";
  MountDeclaration mount;
  mount.locations = {{"cloud", "prefix/"}};
  mount.read_only = true;
  PolicyDeclaration policy{"cold", "size > 5", {{"cloud", "NEARLINE"}}, 100};
  return write_fuzz_seeds(
      *argc, *argv,
      {encode_state({3, 4, 2, true}), encode_row(1, backend), encode_row(2, mount),
       encode_row(3, AliasDeclaration{"a", {}}), encode_row(4, policy),
       encode_row(5, IdentityProviderDeclaration{"corp", "https://i", {"a"}, "file:///k", "sub"}),
       encode_row(6, NotificationTargetDeclaration{"hook", "webhook", "http://h/", ""})});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json{reinterpret_cast<const char*>(data), size};
  check(decode_backend(json), decode_backend);
  check(decode_mount(json), decode_mount);
  check(decode_alias(json), decode_alias);
  check(decode_policy(json), decode_policy);
  check(decode_identity_provider(json), decode_identity_provider);
  check(decode_notification_target(json), decode_notification_target);
  if (const auto state = decode_state(json)) {
    const std::string once = encode_state(*state);
    if (encode_state(decode_state(once).value()) != once) std::abort();
  }
  return 0;
}
