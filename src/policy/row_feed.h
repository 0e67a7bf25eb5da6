#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/sync.h"
#include "kv/store.h"
#include "meta/journal.h"

namespace beringia::policy {

/// The rows of a run in order, as the journal knows them, else as they were planned. Read page by
/// page, so memory does not grow with the plan. Thread-safe.
class RowFeed {
 public:
  RowFeed(kv::Store& store, std::string run_id, std::string plan_id)
      : store_{store}, run_id_{std::move(run_id)}, plan_id_{std::move(plan_id)} {}

  /// The next rows of one entry: they must be done one after the other. Empty: no more.
  [[nodiscard]] Result<std::vector<meta::NumberedMove>> next(const io::Context& context);

 private:
  Result<void> fill(const io::Context& context);

  kv::Store& store_;
  const std::string run_id_;
  const std::string plan_id_;
  io::Mutex mutex_;
  std::vector<meta::NumberedMove> page_;
  size_t position_ = 0;
  uint64_t last_ = 0;  // seq of the last row read
  bool complete_ = false;
};

/// One page of the same rows: seq > after. @return fewer than `limit`: no more
[[nodiscard]] Result<std::vector<meta::NumberedMove>> rows_of_run(const io::Context& context,
                                                                  kv::Store& store,
                                                                  const std::string& run_id,
                                                                  const std::string& plan_id,
                                                                  uint64_t after, size_t limit);

}  // namespace beringia::policy
