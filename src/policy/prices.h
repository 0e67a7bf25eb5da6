#pragma once

#include <string>

#include "meta/estate.h"
#include "policy/policy.h"

namespace beringia::policy {

/// The backend bills by call and by byte (an object store), so calls are counted.
bool is_billed(const meta::BackendDeclaration& backend);

/// Prices of one storage class of a backend: as declared, else Google's list prices for gs://, else
/// nothing.
meta::PriceList prices_of(const meta::BackendDeclaration& backend,
                          const std::string& storage_class);

/// "" is STANDARD.
std::string class_word(const std::string& storage_class);

/// What one row of a plan touches.
struct PricedRow {
  PlanRow::Kind kind = PlanRow::Kind::kMove;
  uint64_t size = 0;
  const meta::BackendDeclaration* from = nullptr;
  std::string from_class;
  const meta::BackendDeclaration* to = nullptr;
  std::string to_class;
};

/// Adds one row; not the duration.
void add_to(Totals& totals, const PricedRow& row);

}  // namespace beringia::policy
