#pragma once

#include <optional>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "io/context.h"

namespace beringia::backend::gcs {

/// Google's published retry strategy (Cloud Storage, "Retry strategy"): truncated exponential
/// backoff with jitter, for 408, 429, 5xx and broken connections, and only for calls that are
/// idempotent (reads) or made so by a precondition (all our writes).
struct RetryPolicy {
  int max_attempts = 6;  ///< of one call, the first included
  Duration initial_delay = std::chrono::milliseconds{500};
  Duration max_delay = std::chrono::seconds{30};
  double multiplier = 2.0;
  Duration max_retry_after = std::chrono::seconds{60};  ///< a longer Retry-After is cut to this
  /// From the first failure on, until there is progress: no further attempt begins after this.
  Duration max_elapsed = std::chrono::seconds{60};
};

/// True for the statuses that Google says may be retried.
bool is_retryable_status(int status);

/// "Retry-After: 7" (seconds) or an HTTP date, from `now` on; nullopt: absent or not understood.
std::optional<Duration> parse_retry_after(std::string_view value, Timestamp now);

/// The attempts of one call. Not thread-safe.
class Attempts {
 public:
  Attempts(const RetryPolicy& policy, Rng& rng) : policy_{policy}, rng_{rng} {}
  /// Waits before the next attempt; false when none is left, or none before the caller's deadline
  /// (then it does not wait). @error kCancelled: the caller gave up
  [[nodiscard]] Result<bool> next(const io::Context& context,
                                  std::optional<Duration> retry_after = std::nullopt);
  /// Progress was made: the next failure counts as the first again.
  void reset() {
    used_ = 1;
    failing_since_.reset();
  }
  int used() const { return used_; }

 private:
  Duration delay();
  RetryPolicy policy_;
  Rng& rng_;
  int used_ = 1;
  std::optional<MonotonicTime> failing_since_;
};

}  // namespace beringia::backend::gcs
