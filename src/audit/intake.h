#pragma once

#include <cstdint>
#include <vector>

#include "audit/audit.h"
#include "io/sync.h"
#include "kv/store.h"

namespace beringia::audit {

/// Takes records that others have logged into the trail, each once: what was taken is remembered,
/// by its time and its request id, in the commit that records it. Bounded: of more than `most` the
/// oldest by their time are forgotten, and would be recorded again. Thread-safe.
class Intake {
 public:
  static constexpr uint64_t kMost = 1'000'000;
  /// `store` outlives it.
  explicit Intake(kv::Store& store, uint64_t most = kMost) : store_{store}, most_{most} {}

  struct Counts {
    uint64_t recorded = 0;
    uint64_t repeated = 0;  ///< known already; passed over
  };
  /// Durable when it returns. A record without request id is told by all that it says.
  /// @error kUnavailable: the store fails; what was recorded until then is known when the call is
  /// repeated
  [[nodiscard]] Result<Counts> record_once(const io::Context& context,
                                           const std::vector<Record>& records);

 private:
  Result<void> take_batch(const io::Context& context, const Record* first, size_t count,
                          Counts& counts);
  Result<void> forget_oldest(const io::Context& context);

  kv::Store& store_;
  const uint64_t most_;
  io::Mutex mutex_;  // one call at a time
};

}  // namespace beringia::audit
