#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/admin/estate_file.h"
#include "protocol/admin/estate_sections.h"

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
