#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "kv/store.h"
#include "meta/journal.h"
#include "policy/policy.h"

namespace beringia::policy {

// Saved plans as rows (docs/formats/plans.md):
//   'p' | plan id                       ->  the plan's summary
//   'p' | plan id | 0x00 | seq 8 B      ->  MoveRecord in state planned, names and versions empty
// A run reads them page by page; what it has done to a row stands in the journal under the same
// seq.

/// A summary and what only the server needs.
struct StoredPlan {
  PlanSummary summary;
  std::string run_id;  // that executes it; "" = none yet
};
std::string encode(const StoredPlan& plan);
[[nodiscard]] Result<StoredPlan> decode_plan(std::string_view bytes);

std::string plan_key(std::string_view id);
std::string plan_row_key(std::string_view id, uint64_t seq);

[[nodiscard]] Result<std::optional<StoredPlan>> find_plan(const io::Context& context,
                                                          kv::Store& store, const std::string& id);
/// In no particular order. One without a time of creation has rows only: it is being made, or its
/// making was cut off.
[[nodiscard]] Result<std::vector<StoredPlan>> all_plans(const io::Context& context,
                                                        kv::Store& store);
/// Rows with seq > after, in order.
[[nodiscard]] Result<std::vector<meta::NumberedMove>> rows_of_plan(const io::Context& context,
                                                                   kv::Store& store,
                                                                   const std::string& id,
                                                                   uint64_t after, size_t limit);
/// Removes all rows of a plan; the summary first, so that a plan cut off here is nobody's.
[[nodiscard]] Result<void> remove_plan(const io::Context& context, kv::Store& store,
                                       const std::string& id);
/// Removes a finished run with its journal.
[[nodiscard]] Result<void> remove_run(const io::Context& context, kv::Store& store,
                                      const std::string& id);

/// Collects rows and writes them in batches. Used by one fiber.
class PlanWriter {
 public:
  PlanWriter(const io::Context& context, kv::Store& store, std::string id)
      : context_{context}, store_{store}, id_{std::move(id)} {}
  [[nodiscard]] Result<void> add(const meta::MoveRecord& row);
  /// Writes what is left, and the summary, durably.
  [[nodiscard]] Result<void> finish(const StoredPlan& plan);
  uint64_t rows() const { return seq_; }

 private:
  const io::Context& context_;
  kv::Store& store_;
  const std::string id_;
  kv::Batch batch_;
  size_t waiting_ = 0;
  uint64_t seq_ = 0;
};

}  // namespace beringia::policy
