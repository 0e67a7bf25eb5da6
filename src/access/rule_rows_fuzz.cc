#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "access/rows.h"
#include "base/fuzz_seeds.h"

using namespace beringia::access;

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  GrantRule rule;
  rule.principals = {"etl", "group:analysts", "*"};
  rule.prefix = "/sales/";
  rule.role = Role::kWriter;
  rule.deny = true;
  return beringia::write_fuzz_seeds(*argc, *argv, {encode(rule)});
}

/// What decodes is a rule that is encoded and decoded as the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto rule = decode_rule("id", {reinterpret_cast<const char*>(data), size});
  if (!rule) return 0;
  const auto again = decode_rule("id", encode(*rule));
  if (!again || *again != *rule) std::abort();
  return 0;
}
