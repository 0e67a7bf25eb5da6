#include "backend/gcs/retry.h"

#include <algorithm>

#include "base/encoding.h"
#include "io/runtime.h"

namespace beringia::backend::gcs {

bool is_retryable_status(int status) {
  switch (status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504: return true;
    default: return false;
  }
}

std::optional<Duration> parse_retry_after(std::string_view value, Timestamp now) {
  constexpr uint64_t kMaxSeconds = 365ULL * 86400;  // more does not fit Duration's nanoseconds
  if (auto seconds = parse_u64(value)) {
    return std::chrono::seconds{std::min<uint64_t>(*seconds, kMaxSeconds)};
  }
  auto time = parse_http_date(std::string{value});
  if (time.micros == 0) return std::nullopt;
  constexpr int64_t kMaxMicros = kMaxSeconds * 1'000'000;
  return std::chrono::microseconds{std::clamp<int64_t>(time.micros - now.micros, 0, kMaxMicros)};
}

Duration Attempts::delay() {
  double wait = static_cast<double>(policy_.initial_delay.count());
  for (int i = 1; i < used_; ++i) wait *= policy_.multiplier;
  wait = std::min(wait, static_cast<double>(policy_.max_delay.count()));
  // Half fixed, half random: many gateways that failed together do not come back together.
  const auto half = static_cast<uint64_t>(wait / 2);
  return Duration{static_cast<int64_t>(half + (half > 0 ? rng_.below(half) : 0))};
}

Result<bool> Attempts::next(const io::Context& context, std::optional<Duration> retry_after) {
  if (used_ >= policy_.max_attempts) return false;
  Duration wait = delay();
  if (retry_after) wait = std::max(wait, std::min(*retry_after, policy_.max_retry_after));
  const MonotonicTime now = io::now();
  if (!failing_since_) failing_since_ = now;
  if (now + wait > *failing_since_ + policy_.max_elapsed) return false;
  if (context.deadline() && now + wait >= *context.deadline()) return false;
  ++used_;
  if (wait > Duration::zero()) BR_TRY(io::sleep_for(context, wait));
  return true;
}

}  // namespace beringia::backend::gcs
