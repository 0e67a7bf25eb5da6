#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "policy/plan_rows.h"

using namespace beringia::policy;

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  StoredPlan plan;
  plan.summary.id = "0123456789abcdef";
  plan.summary.principal = "root";
  plan.summary.policies = {"cold", "hot"};
  plan.summary.totals.objects = 3;
  plan.summary.by_policy["cold"].cost.value = -5;
  plan.summary.skipped = {{"no location", 2, {"/a", "/b"}}};
  plan.run_id = "fedcba9876543210";
  return beringia::write_fuzz_seeds(*argc, *argv, {encode(plan)});
}

/// What decodes is a plan that is encoded and decoded as the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto plan = decode_plan({reinterpret_cast<const char*>(data), size});
  if (!plan) return 0;
  const std::string once = encode(*plan);
  const auto again = decode_plan(once);
  if (!again || encode(*again) != once) std::abort();
  return 0;
}
