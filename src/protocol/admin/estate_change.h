#pragma once

#include <string>
#include <vector>

#include "protocol/admin/call.h"
#include "protocol/admin/estate_file.h"
#include "protocol/admin/estate_sections.h"

namespace beringia::protocol::admin {

/// What is declared now.
[[nodiscard]] Result<DeclaredEstate> declared_now(const Call& call);

/// What applying a file would do.
struct EstatePlan {
  DeclaredEstate before, after;
  std::vector<SectionChange> changes;
  std::string token;  // of `before`: a plan is only applied to the estate that it was made for
};
/// Reads the file, checks it whole (names, backends, policies compile), finds the differences.
/// @error kInvalid: names the line or the declaration
[[nodiscard]] Result<EstatePlan> plan_file(const Call& call, const std::string& text);

/// Makes exactly that, durably, and lets it hold at once.
[[nodiscard]] Result<void> apply_plan(const Call& call, const EstatePlan& plan);

}  // namespace beringia::protocol::admin
