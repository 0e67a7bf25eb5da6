#pragma once

#include <string>
#include <vector>

#include "base/path.h"
#include "core/mounts.h"
#include "meta/records.h"
#include "policy/policies.h"
#include "policy/policy.h"
#include "policy/prices.h"

namespace beringia::policy {

/// What kind of work a row of a plan or of the journal is.
PlanRow::Kind kind_of(const meta::MoveRecord& move);

/// The difference between the copies that an entry has and those that a policy wants.
struct EntryPlan {
  struct Row {
    meta::MoveRecord move;  // planned; native names and versions are found when it runs
    PricedRow priced;
  };
  std::vector<Row> rows;  // in the order in which they must be done
  std::string skip;       // why nothing can be done, though something should be
  bool in_place() const { return rows.empty() && skip.empty(); }
};

/// Reads nothing but its arguments.
EntryPlan plan_entry(const core::Mounts& mounts, const Path& path, const meta::EntryRecord& record,
                     const CompiledPolicy& policy);

}  // namespace beringia::policy
