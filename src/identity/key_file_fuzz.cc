// Key files, which people write by hand.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "identity/local_keys.h"

using namespace beringia;

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const std::string key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  return write_fuzz_seeds(
      *argc, *argv,
      {"# keys\nfinance " + key + "\r\nserver/2026  " + key + "\n", "a " + key + "\n\nb " + key});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto keys = identity::parse_key_file({reinterpret_cast<const char*>(data), size}, "keys");
  if (!keys) return 0;
  for (const auto* kind : {&keys->server, &keys->named}) {
    for (const auto& key : *kind) {
      if (key.id.empty() || key.key.reveal().size() != 32) std::abort();
    }
  }
  return 0;
}
