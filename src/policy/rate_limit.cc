#include "policy/rate_limit.h"

#include <algorithm>

#include "io/runtime.h"

namespace beringia::policy {

Result<void> RateLimit::take(const io::Context& context, uint64_t bytes) {
  if (bytes_per_s_ == 0 || bytes == 0) return {};
  const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_s_);
  const Duration cost{static_cast<int64_t>(seconds * 1e9)};
  const MonotonicTime now = io::now();
  Duration wait{0};
  {
    std::lock_guard lock{mutex_};
    next_ = std::max(next_, now + -kBurst) + cost;
    wait = next_ - now;
  }
  if (wait.count() <= 0) return context.check(now);
  return io::sleep_for(context, wait);
}

}  // namespace beringia::policy
