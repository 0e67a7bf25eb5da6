#include <cstdint>
#include <string_view>

#include "app/settings.h"
#include "base/fuzz_seeds.h"

using namespace beringia::app;

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  std::string all;
  for (const auto& setting : setting_declarations()) {
    all += std::string{setting.name} + " = \"" + setting.fallback + "\"\n";
  }
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {all, "data = \"d\"\nmount = [\"/=file:///srv\"]\nloops = 2\n", "BERINGIA_LOG_LEVEL=warn",
       "BERINGIA_LOG_LEVLE=warn", "BERINGIA_MEMTABLE=64MiB"});
}

/// A settings file, and one variable of the environment.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto given = parse_settings(text, "a file")) (void)resolve_settings({*given});
  if (const auto given = settings_of_environment({std::string{text}})) {
    (void)resolve_settings({*given});
  }
  return 0;
}
