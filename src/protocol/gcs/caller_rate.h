#pragma once

#include <algorithm>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace beringia::protocol::gcs {

/// How often one address may ask for tokens: each costs a signature. Bounded: at kMaxCallers all
/// start anew. Thread-safe.
class CallerRate {
 public:
  static constexpr double kPerSecond = 200;
  static constexpr double kAtOnce = 1000;
  static constexpr size_t kMaxCallers = 4096;

  /// @param peer  "ADDRESS:PORT"; the port does not count
  bool take(std::string_view peer, MonotonicTime now) {
    const std::string address{peer.substr(0, peer.rfind(':'))};
    const std::lock_guard lock{mutex_};
    if (callers_.size() >= kMaxCallers && !callers_.contains(address)) callers_.clear();
    auto [found, is_new] = callers_.try_emplace(address, Caller{kAtOnce, now});
    Caller& caller = found->second;
    const double passed = std::chrono::duration<double>(now - caller.seen).count();
    caller.left = std::min(kAtOnce, caller.left + passed * kPerSecond);
    caller.seen = now;
    if (caller.left < 1) return false;
    caller.left -= 1;
    return true;
  }

 private:
  struct Caller {
    double left;
    MonotonicTime seen;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Caller> callers_;
};

}  // namespace beringia::protocol::gcs
