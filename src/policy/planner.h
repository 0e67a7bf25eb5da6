#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/gate.h"
#include "core/mounts.h"
#include "core/namespace.h"
#include "core/parts.h"
#include "identity/principal.h"
#include "policy/placement.h"
#include "policy/plan_rows.h"
#include "policy/policies.h"
#include "policy/policy.h"

namespace beringia::policy {

/// Counts what was left out, by reason. Bounded: beyond kMaxReasons it says "other reasons".
class SkipCounter {
 public:
  static constexpr size_t kMaxReasons = 64;
  void add(const std::string& reason, const std::string& path);
  void add(const SkippedTotal& total);
  std::vector<SkippedTotal> totals() const;  // most frequent first

 private:
  std::map<std::string, SkippedTotal> by_reason_;
};

/// Where a scan begins: all names in `directory` (directory form) that start with `prefix`.
struct ScanRange {
  Path directory;
  std::string prefix;
  bool operator==(const ScanRange&) const = default;
};
/// The least that must be scanned so that every entry that these policies can match is seen.
std::vector<ScanRange> ranges_to_scan(const std::vector<const CompiledPolicy*>& policies,
                                      const std::optional<Path>& prefix);

/// Identity of all that a plan depends on but entries: backends, mounts, the policies considered.
std::string fingerprint_of(const meta::Estate& estate,
                           const std::vector<const CompiledPolicy*>& policies);

/// Makes one plan. Used by one fiber. Memory does not grow with the number of entries.
class Planner {
 public:
  Planner(const io::Context& context, const Services& services,
          const identity::Principal& principal, const PlanRequest& request)
      : context_{context}, services_{services}, principal_{principal}, request_{request} {}

  /// @error kDenied, kUnavailable, kCancelled
  [[nodiscard]] Result<PlanSummary> run(std::shared_ptr<const core::Mounts> mounts,
                                        const std::vector<const CompiledPolicy*>& policies);

 private:
  Result<void> scan(const ScanRange& range);
  Result<void> look_at(const Path& path, const meta::EntryRecord& record);
  void set_durations();
  uint64_t cap_of(const std::string& policy) const;

  const io::Context& context_;
  const Services& services_;
  const identity::Principal& principal_;
  const PlanRequest& request_;
  std::shared_ptr<const core::Mounts> mounts_;  // owners: the table and plans being made
  std::vector<const CompiledPolicy*> policies_;
  StoredPlan plan_;
  SkipCounter skipped_;
  std::unique_ptr<PlanWriter> writer_;
};

}  // namespace beringia::policy
