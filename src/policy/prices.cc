#include "policy/prices.h"

#include <array>
#include <cmath>
#include <string_view>

namespace beringia::policy {
namespace {

struct ClassPrices {
  std::string_view name;
  meta::PriceList prices;
};

/// Google Cloud Storage, list prices of a US region, as published in 2025: storage per GB-month,
/// class A and B per 1,000, egress to the internet per GB (first tier), retrieval per GB. Estates
/// with other regions or contracts declare their own.
constexpr double kEgress = 0.12;
const std::array<ClassPrices, 4> kGoogle = {{
    {"STANDARD", {0.020, 0.005, 0.0004, kEgress, 0}},
    {"NEARLINE", {0.010, 0.010, 0.001, kEgress, 0.01}},
    {"COLDLINE", {0.004, 0.020, 0.010, kEgress, 0.02}},
    {"ARCHIVE", {0.0012, 0.050, 0.050, kEgress, 0.05}},
}};

constexpr double kGigabyte = 1024.0 * 1024.0 * 1024.0;  // as Google bills

int64_t nanos(double usd) { return std::llround(usd * 1e9); }

}  // namespace

bool is_billed(const meta::BackendDeclaration& backend) {
  return !backend.url.starts_with("file:");
}

std::string class_word(const std::string& storage_class) {
  return storage_class.empty() ? "STANDARD" : storage_class;
}

meta::PriceList prices_of(const meta::BackendDeclaration& backend,
                          const std::string& storage_class) {
  const std::string word = class_word(storage_class);
  if (backend.prices != meta::PriceList{}) {
    meta::PriceList declared = backend.prices;
    if (word == "STANDARD") declared.retrieval_gb = 0;
    return declared;
  }
  if (!backend.url.starts_with("gs:")) return {};
  for (const auto& known : kGoogle) {
    if (known.name == word) return known.prices;
  }
  return kGoogle[0].prices;
}

void add_to(Totals& totals, const PricedRow& row) {
  using Kind = PlanRow::Kind;
  const auto source = prices_of(*row.from, row.from_class);
  const auto target = prices_of(*row.to, row.to_class);
  const double gigabytes = static_cast<double>(row.size) / kGigabyte;
  const bool copies = row.kind == Kind::kMove || row.kind == Kind::kReplicate;
  const bool removes = row.kind == Kind::kMove || row.kind == Kind::kRemoveSpare;
  double once = 0;
  double monthly = 0;
  totals.objects += 1;
  if (copies) {
    totals.bytes += row.size;
    if (source.egress_gb > 0) totals.egress_bytes += row.size;
    once += gigabytes * (source.egress_gb + source.retrieval_gb);
    if (is_billed(*row.from)) {
      totals.calls.class_b += 1;
      once += source.read_per_1000 / 1000;
    }
    monthly += gigabytes * target.storage_gb_month;
  }
  if (row.kind == Kind::kRewriteClass) {
    once += gigabytes * source.retrieval_gb;
    monthly += gigabytes * (target.storage_gb_month - source.storage_gb_month);
  }
  if ((copies || row.kind == Kind::kRewriteClass) && is_billed(*row.to)) {
    totals.calls.class_a += 1;
    once += target.write_per_1000 / 1000;
  }
  if (removes) {
    if (is_billed(*row.from)) totals.calls.deletes += 1;
    monthly -= gigabytes * source.storage_gb_month;
  }
  totals.cost.value += nanos(once);
  totals.cost_per_month.value += nanos(monthly);
}

}  // namespace beringia::policy
