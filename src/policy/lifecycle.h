#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/path.h"
#include "base/time.h"

/// Lifecycles of buckets (wire/lifecycle.h) as policy executes and shows them. Their rules are part
/// of the buckets and hold without a plan being applied; a plan shows what they would do.
namespace beringia::policy {

/// Who executes lifecycles, in the audit log and in `policy runs`.
inline constexpr const char* kLifecyclePrincipal = "system:lifecycle";

struct LifecycleOptions {
  Duration interval{0};                       // between two passes over all buckets; 0 = none
  Duration first = std::chrono::seconds{10};  // after the start; the interval if that is shorter
  /// How long a day of a rule is: other than 24 h in tests only. Then nothing is rounded up to
  /// midnight either.
  Duration day = std::chrono::hours{24};
};

/// What a rule does to an object.
enum class LifecycleAction : uint8_t {
  kExpire,      ///< removes what is current
  kTransition,  ///< gives it another storage class, and its copies where a backend has classes
  kAbortUpload,
  kExpireVersion,      ///< removes a noncurrent generation, or such a mark of a deletion, for good
  kExpireMarker,       ///< removes a mark of a deletion that has nothing behind it
  kTransitionVersion,  ///< gives a noncurrent generation another class; its bytes stay
};
/// "expire", "transition", "abort-upload", "expire-version", "expire-marker", "transition-version".
std::string_view to_string(LifecycleAction action);

struct LifecycleTotal {
  std::string rule;  // id
  LifecycleAction action = LifecycleAction::kExpire;
  std::string storage_class;  // of a transition
  uint64_t objects = 0;
  uint64_t bytes = 0;
};

struct LifecycleSkips {
  std::string reason;
  uint64_t objects = 0;
  std::vector<std::string> examples;
};

/// One rule in words.
struct LifecycleRuleLine {
  std::string id;
  bool enabled = true;
  std::string filter;   // "prefix logs/, tag team=etl"; "" = all
  std::string actions;  // "expire after 30 d; to GLACIER after 7 d"
};

/// What one pass over one bucket has done, or would do.
struct LifecycleOutcome {
  Timestamp started, ended;
  uint64_t scanned = 0;
  std::vector<LifecycleTotal> totals;
  std::vector<LifecycleSkips> skipped;
  std::string error;  // why it could not be finished; "" = it was
};

struct LifecycleStatus {
  std::string bucket;
  std::vector<LifecycleRuleLine> rules;
  std::string damage;                    // why the rules cannot be read; "" = they can
  std::optional<LifecycleOutcome> last;  // pass, of this process
};
inline constexpr size_t kMaxLifecyclesShown = 1000;

struct LifecyclePlanRequest {
  Path bucket;      // directory form
  Timestamp at;     // as if it were then; 0 = now
  size_t rows = 0;  // at most so many are shown
};

struct LifecycleRow {
  std::string path;
  std::string rule;
  LifecycleAction action = LifecycleAction::kExpire;
  std::string storage_class;
  uint64_t generation = 0;
  uint64_t size = 0;
  Timestamp due;
};

struct LifecyclePlan {
  std::string bucket;
  Timestamp at;
  std::vector<LifecycleRuleLine> rules;
  LifecycleOutcome outcome;
  std::vector<LifecycleRow> rows;
  Timestamp next;  // the first expiration that is not due yet; 0 = there is none
};

}  // namespace beringia::policy
