#pragma once

#include <cstdint>
#include <mutex>

#include "base/error.h"
#include "base/time.h"
#include "io/context.h"

namespace beringia::policy {

/// A bandwidth cap shared by any number of fibers: each waits until its bytes are due. After an
/// idle time at most kBurst worth of bytes pass at once. Thread-safe.
class RateLimit {
 public:
  static constexpr Duration kBurst = std::chrono::milliseconds{100};
  explicit RateLimit(uint64_t bytes_per_s) : bytes_per_s_{bytes_per_s} {}
  /// Parks until `bytes` may pass; at once when there is no limit. @error kCancelled
  [[nodiscard]] Result<void> take(const io::Context& context, uint64_t bytes);
  uint64_t bytes_per_s() const { return bytes_per_s_; }

 private:
  const uint64_t bytes_per_s_;  // 0 = no limit
  std::mutex mutex_;
  MonotonicTime next_;  // when the bytes given out so far have passed
};

}  // namespace beringia::policy
