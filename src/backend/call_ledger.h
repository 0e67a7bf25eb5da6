#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "io/context.h"
#include "io/sync.h"
#include "observe/metrics.h"

namespace beringia::backend {

/// What Google bills a request as (Cloud Storage pricing, "Operations"). kFree: deletes, and the
/// chunks of a resumable upload, which is billed when it begins.
enum class CallClass { kA, kB, kFree };

/// What the billed requests (A and B) of users and of background work may come to together. 0 = no
/// limit.
struct CallBudget {
  uint64_t per_second = 0;
  uint64_t per_day = 0;  ///< from midnight to midnight, UTC
  bool operator==(const CallBudget&) const = default;
};

/// Of one call of each class.
struct CallPrices {
  uint64_t class_a_nano_usd = 0;
  uint64_t class_b_nano_usd = 0;
};

/// For whom: "users", or the kind of the background work.
std::string_view work_of(const io::Context& context);

/// A tally at one moment.
struct CallCount {
  uint64_t class_a = 0, class_b = 0, free = 0, nano_usd = 0;
  static CallCount of(const io::CallTally& tally);
};

/// What is sent to one store that bills by call: counted for whom and for which mount, and held
/// against a budget. Users' requests count and never wait; background work waits before its next
/// step until what was sent is paid for. Thread-safe.
class CallLedger {
 public:
  /// `name` is the label of its metrics and in errors.
  explicit CallLedger(std::string name);

  void set(const CallBudget& budget, const CallPrices& prices);
  /// Which names of the store belong to which mount: the longest prefix holds.
  void set_mounts(std::vector<std::pair<std::string, std::string>> mount_of_prefix);

  /// One request goes out; `context` says for whom.
  void note(const io::Context& context, CallClass cost);
  /// The account of the mount that a native name belongs to; never null.
  std::shared_ptr<io::CallTally> account_of(std::string_view native_name) const;

  /// Background work calls it before each step, without a lock that users wait for.
  /// Parks while more was sent than the budget gives, at most kPatience.
  /// @error kBusy (tag "call_budget", Retry::kSafe): not yet, come back; kCancelled
  [[nodiscard]] Result<void> admit(const io::Context& context);
  static constexpr Duration kPatience = std::chrono::seconds{5};

  struct Usage {
    CallBudget budget;
    uint64_t today = 0;  ///< billed requests of this day, since the process began
    CallCount total;
    std::map<std::string, CallCount> by_work;   ///< "users" and kinds of io::Work
    std::map<std::string, CallCount> by_mount;  ///< mount paths; "" = of no mount
  };
  Usage usage() const;

 private:
  /// How long until one more step may begin; zero or less: now.
  Duration wait_needed(MonotonicTime now);
  void begin_day();
  Error refused(std::string why) const;

  const std::string name_;
  const observe::Counter::Series waits_;
  io::Mutex line_;  // of background work: one after the other

  mutable std::mutex mutex_;  // guards what follows
  CallBudget budget_;
  CallPrices prices_;
  std::map<std::string, io::CallTally> by_work_;
  /// Owners of the tallies: this and the contexts of calls under way.
  std::map<std::string, std::shared_ptr<io::CallTally>> by_mount_;
  std::vector<std::pair<std::string, std::string>> mount_of_prefix_;  // longest first
  io::CallTally total_;
  MonotonicTime paid_at_;     // when what was sent so far is paid for
  MonotonicTime next_start_;  // of background work
  int64_t day_ = -1;          // days since 1970
  uint64_t today_ = 0;
};

/// Tag of a kBusy: the budget of calls is used up for now.
inline constexpr std::string_view kCallBudget = "call_budget";

}  // namespace beringia::backend
