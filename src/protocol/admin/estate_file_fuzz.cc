#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "protocol/admin/estate_file.h"
#include "protocol/admin/estate_sections.h"
#include "protocol/admin/example_estate.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(*argc, *argv, {beringia::protocol::admin::kExampleEstate});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia::protocol::admin;
  auto file = read_estate_file({reinterpret_cast<const char*>(data), size}, "lake.toml");
  if (!file) return 0;
  const auto declared = with_file({}, std::move(*file));
  if (!declared) return 0;
  // What was accepted is read back as the same.
  auto again = read_estate_file(to_toml(sections_of(*declared)), "again");
  if (!again) std::abort();
  const auto back = with_file(*declared, std::move(*again));
  if (!back || !changes_between(*declared, *back).empty()) std::abort();
  return 0;
}
