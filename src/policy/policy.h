#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/path.h"
#include "base/time.h"
#include "core/gate.h"
#include "core/namespace.h"
#include "identity/principal.h"
#include "io/context.h"
#include "io/runtime.h"
#include "meta/estate.h"
#include "meta/records.h"
#include "policy/lifecycle.h"

/// What moves data: rules, plans, runs and the mover. docs/life-of-a-move.md.
namespace beringia::policy {

// ---- rules ----------------------------------------------------------------------------------

/// Compiles every policy of `estate` and checks its places against the backends, without changing
/// anything: call it when an estate is planned and applied.
/// @error kInvalid: `what` names the policy, `why` shows the place in the condition
[[nodiscard]] Result<void> validate(const meta::Estate& estate);

/// A variable that conditions may read, for documentation and `policy variables`.
struct Variable {
  std::string name, type, help;
};
std::vector<Variable> variables();

// ---- plans ----------------------------------------------------------------------------------

/// Calls of a backend that is billed by call.
struct ApiCalls {
  uint64_t class_a = 0;  // writes, rewrites, lists
  uint64_t class_b = 0;  // reads
  uint64_t deletes = 0;  // free of charge
  bool operator==(const ApiCalls&) const = default;
};

/// Money in billionths of a US dollar: sums of many small amounts stay right.
struct NanoUsd {
  int64_t value = 0;
  double usd() const { return static_cast<double>(value) / 1e9; }
  auto operator<=>(const NanoUsd&) const = default;
};

struct Totals {
  uint64_t objects = 0;
  uint64_t bytes = 0;         // that are copied; 0 for a removed spare copy or a rewrite in place
  uint64_t egress_bytes = 0;  // bytes that leave a backend with an egress price
  ApiCalls calls;
  NanoUsd cost;            // once: calls + retrieval + egress
  NanoUsd cost_per_month;  // change of the storage bill; negative = cheaper
  Duration duration{0};    // at the bandwidth cap; 0 = no cap, cannot be told
  bool operator==(const Totals&) const = default;
};

struct SkippedTotal {
  std::string reason;
  uint64_t objects = 0;
  std::vector<std::string> examples;  // at most kMaxExamples paths
  bool operator==(const SkippedTotal&) const = default;
};
inline constexpr size_t kMaxExamples = 5;

struct PlanSummary {
  std::string id;         // 16 hex digits
  std::string principal;  // who asked
  Timestamp created;
  std::vector<std::string> policies;   // considered, in order of declaration
  std::string prefix;                  // path text; "" = everything the policies can match
  uint64_t scanned = 0;                // entries looked at
  uint64_t in_place = 0;               // matched, and already where they shall be
  uint64_t bandwidth_bytes_per_s = 0;  // the cap that `duration` was computed with; 0 = none
  Totals totals;
  std::map<std::string, Totals> by_policy;
  std::vector<SkippedTotal> skipped;  // matched, but cannot be moved
  std::string estate_fingerprint;     // of backends, mounts and the policies considered
};

struct PlanRequest {
  std::vector<std::string> policies;   // names; empty = all
  std::optional<Path> prefix;          // only entries at or below
  uint64_t bandwidth_bytes_per_s = 0;  // 0 = as the policies say
  /// Called now and then while entries are looked at. May be empty.
  std::function<void(uint64_t scanned, uint64_t planned)> progress;
};

/// What is to be done to one entry.
struct PlanRow {
  uint64_t seq = 0;  // from 1, in the order of execution
  std::string path;
  std::string policy;
  uint64_t generation = 0;
  uint64_t size = 0;
  std::string from;  // backend name
  std::string to;
  std::string to_class;
  enum class Kind { kMove, kReplicate, kRemoveSpare, kRewriteClass } kind = Kind::kMove;
};
std::string_view to_string(PlanRow::Kind kind);  // "move", "replicate", "remove-spare", "rewrite"

// ---- runs -----------------------------------------------------------------------------------

struct RunRequest {
  std::string plan_id;
  uint64_t bandwidth_bytes_per_s = 0;  // of the whole run; 0 = only the policies' own caps
  /// Refuse when any entry has changed since the plan was made. Otherwise those are skipped.
  bool refuse_changed_entries = false;
};

struct RunStatus {
  std::string id;  // 16 hex digits
  std::string plan_id;
  std::string principal;
  meta::RunRecord::State state = meta::RunRecord::State::kRunning;
  Timestamp started, ended;
  std::vector<std::string> policies;
  uint64_t objects = 0, bytes = 0;  // planned
  uint64_t objects_done = 0;        // switched: readers are served from the new place
  uint64_t bytes_done = 0;
  uint64_t bytes_copied = 0;  // bytes_done and what is under way
  uint64_t objects_skipped = 0, objects_failed = 0;
  uint64_t objects_cleaning = 0;  // switched, old copy still to be removed
  uint64_t objects_active = 0;    // being moved now
  uint64_t bandwidth_bytes_per_s = 0;
  ApiCalls calls;                     // sent so far; a crash forgets those since the last start
  NanoUsd calls_cost;                 // of them, at the prices of the backends' default class
  double rate_bytes_per_s = 0;        // over the last ten seconds
  std::optional<Duration> remaining;  // estimate
  bool paused = false;                // a backend is away: waits and goes on by itself
  std::string paused_why;
  std::vector<SkippedTotal> reasons;  // of skipped and failed entries
};

/// One row of a run, as far as it got.
struct RunRow {
  PlanRow planned;
  meta::MoveRecord::State state = meta::MoveRecord::State::kPlanned;
  std::string note;  // why skipped or failed
  uint32_t attempts = 0;
  uint32_t crc32c = 0;
};

struct RunRowFilter {
  bool only_problems = false;  // skipped and failed
};

// ---- explain --------------------------------------------------------------------------------

struct PlaceExplanation {
  core::Explanation where;  // copies, mount, why; `why` names run and policy
  std::string run, policy;  // that placed it; "" = the write did
  std::string rule;         // policy that matches now; "" = none
  std::string condition;    // its `when`
  std::vector<meta::PlaceTarget> wants;
  bool satisfied = true;  // nothing to do
  std::string verdict;    // one sentence for people
  /// Conditions that could not be evaluated for this entry, with the place.
  std::vector<std::string> problems;
};

// ---- the engine -----------------------------------------------------------------------------

struct Options {
  int parallel_moves = 64;
  /// The old copy goes this long after the switch, and not while anybody reads it.
  Duration grace = std::chrono::seconds{5};
  int max_attempts = 8;  // of one move, with backoff
  Duration first_backoff = std::chrono::milliseconds{250};
  Duration max_backoff = std::chrono::seconds{30};
  LifecycleOptions lifecycle;
};

/// What an engine works with; all outlive it.
struct Services {
  core::Namespace& names;
  core::Namespace::Parts& parts;
  const core::Gate& gate;
  io::Runtime& runtime;
  /// The principal of a run that goes on after a restart (identity::Directory::principal_named).
  std::function<Result<identity::Principal>(const io::Context&, const std::string&)> owner;
};

/// Plans and runs. One per process, thread-safe; all calls may park. The policies are those of the
/// estate that parts.mounts holds: they are compiled again by themselves when it is replaced.
class Engine {
 public:
  static std::unique_ptr<Engine> make(Services services, Options options = {});
  virtual ~Engine() = default;  // stop()

  /// At process start, after core::recover_intents: goes on with the unfinished runs in the
  /// background, from whatever step each move had reached. @error kCorrupt, kUnavailable (store)
  [[nodiscard]] virtual Result<void> start(const io::Context& context) = 0;
  /// Lets each move under way end its present step, then joins. Runs stay unfinished; start() goes
  /// on with them.
  virtual void stop() = 0;

  /// Scans and saves a plan. Needs the right to list what is scanned.
  /// @error kDenied; kNotFound: no such policy; kInvalid: a policy does not compile
  [[nodiscard]] virtual Result<PlanSummary> make_plan(const io::Context& context,
                                                      const identity::Principal& principal,
                                                      const PlanRequest& request) = 0;
  /// A plan is shown to who made it and to administrators of "/". @error kNotFound, kDenied
  [[nodiscard]] virtual Result<PlanSummary> plan(const io::Context& context,
                                                 const identity::Principal& principal,
                                                 const std::string& id) = 0;
  /// Newest first; only those that `principal` may see.
  [[nodiscard]] virtual Result<std::vector<PlanSummary>> plans(
      const io::Context& context, const identity::Principal& principal) = 0;
  /// Rows with seq > after, in order, at most `limit` (<= 1,000).
  [[nodiscard]] virtual Result<std::vector<PlanRow>> plan_rows(const io::Context& context,
                                                               const identity::Principal& principal,
                                                               const std::string& id,
                                                               uint64_t after, size_t limit) = 0;

  /// Starts to execute a plan as `principal`, whose rights (read and write on each path) are
  /// checked for each move when it starts and when it switches. Returns at once.
  /// @error kNotFound; kDenied; kConflict tag "drifted": backends, mounts or policies are not those
  /// of the plan any more, or (if asked for) entries changed, `why` says how many;
  /// kAlreadyExists: this plan has been run; kBusy: kMaxRunningRuns reached
  [[nodiscard]] virtual Result<RunStatus> start_run(const io::Context& context,
                                                    const identity::Principal& principal,
                                                    const RunRequest& request) = 0;
  /// Who may see a plan may see its run. @error kNotFound, kDenied
  [[nodiscard]] virtual Result<RunStatus> run(const io::Context& context,
                                              const identity::Principal& principal,
                                              const std::string& id) = 0;
  /// Newest first.
  [[nodiscard]] virtual Result<std::vector<RunStatus>> runs(
      const io::Context& context, const identity::Principal& principal) = 0;
  [[nodiscard]] virtual Result<std::vector<RunRow>> run_rows(const io::Context& context,
                                                             const identity::Principal& principal,
                                                             const std::string& id, uint64_t after,
                                                             size_t limit, RunRowFilter filter) = 0;
  /// No further move starts; those that have switched are cleaned, the others are taken back.
  [[nodiscard]] virtual Result<RunStatus> cancel(const io::Context& context,
                                                 const identity::Principal& principal,
                                                 const std::string& id) = 0;
  /// Parks until the run has ended (cleaned up, or failed, or cancelled) or `context` is.
  [[nodiscard]] virtual Result<RunStatus> wait(const io::Context& context,
                                               const identity::Principal& principal,
                                               const std::string& id) = 0;

  /// Where an entry is, why, by which run, and what the policies say now. Needs the right to read.
  [[nodiscard]] virtual Result<PlaceExplanation> explain(const io::Context& context,
                                                         const core::Grant& grant) = 0;

  /// What the lifecycle of a bucket would do, now or at another time; nothing is changed. Needs the
  /// right to list the bucket. @error kNotFound: no such bucket, or no lifecycle; kDenied
  [[nodiscard]] virtual Result<LifecyclePlan> plan_lifecycle(
      const io::Context& context, const identity::Principal& principal,
      const LifecyclePlanRequest& request) = 0;
  /// The buckets with a lifecycle that `principal` may list, by name; at most kMaxLifecyclesShown.
  [[nodiscard]] virtual Result<std::vector<LifecycleStatus>> lifecycles(
      const io::Context& context, const identity::Principal& principal) = 0;
};

inline constexpr size_t kMaxRunningRuns = 8;
inline constexpr size_t kMaxPlans = 64;  // the oldest that never ran go first
inline constexpr size_t kMaxRuns = 256;  // finished; the oldest go first, with their rows

}  // namespace beringia::policy
