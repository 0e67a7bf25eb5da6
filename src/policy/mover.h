#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "core/doom.h"
#include "core/mounts.h"
#include "core/parts.h"
#include "meta/journal.h"
#include "meta/tree.h"
#include "policy/policy.h"
#include "policy/rate_limit.h"

namespace beringia::policy {

/// What the moves of one run share. Thread-safe to use.
struct RunShare {
  const Services& services;
  std::string run_id;
  std::string owner;                  // principal whose rights count
  std::vector<std::string> policies;  // their numbers stand in EntryRecord::placed_by
  RateLimit whole;
  std::map<std::string, std::unique_ptr<RateLimit>, std::less<>> by_policy;
  std::function<void(uint64_t)> note_bytes;  // bytes that have been read from the source
};

/// Takes one row of a run through its states: docs/life-of-a-move.md. Used by one fiber. Between
/// two calls only the journal's row matters, so a new Mover can go on with it after a crash.
class Mover {
 public:
  /// @param context  may be cancelled at any time: commits are not, the row stands at its last step
  /// @param copying  cancels the transport of bytes only
  Mover(const io::Context& context, const io::Context& copying, RunShare& share, uint64_t seq,
        meta::MoveRecord& move);

  /// Goes on until the row is cleaning, done, skipped or failed.
  /// @error anything that may pass (kUnavailable, kBusy, kConflict, kCorrupt ...) or not (kDenied,
  /// kInvalid ...): the row stands where it was; call again, or give_up()
  [[nodiscard]] Result<void> advance();
  /// Removes the old copy of a row that is cleaning. Its grace time has passed. @error as advance()
  [[nodiscard]] Result<void> clean();
  /// Ends a row that is not cleaning yet: what was copied is taken back. @error kUnavailable
  [[nodiscard]] Result<void> give_up(meta::MoveRecord::State state, std::string note);

 private:
  using State = meta::MoveRecord::State;

  /// The entry as it is now and where its copies are.
  struct View {
    std::shared_ptr<const core::Mounts> mounts;  // owners: the table and this view
    const core::LiveMount* mount = nullptr;
    core::LiveLocation from, to;
    meta::Location location;
    std::string changed;  // why this move has lost its sense; "" = it stands
    meta::EntryRecord& entry() { return *location.entry; }
    meta::Copy* copy_in(meta::BackendId backend);
  };

  // mover.cc
  Result<void> begin();
  Result<void> verify();
  Result<bool> target_is_right(View& view);
  Result<void> copy_again(const char* why);
  [[nodiscard]] Result<View> look(bool locked);
  Result<View> open_view() const;
  void check_entry(View& view) const;
  Result<core::Grant> admit(core::Action action, const char* operation) const;
  Result<void> save(kv::Batch batch, kv::Durability durability);
  void add_row(kv::Batch& batch, State state) const;
  void add_audit(kv::Batch& batch, const char* operation, const std::string& error) const;
  core::ReservedName reservation() const;
  bool is_copying_kind() const;
  // mover_copy.cc
  Result<void> copy();
  Result<void> copy_bytes(View& view, core::Grant& grant);
  enum class Found { kNothing, kOurs, kForeign };
  Result<Found> look_at_target(View& view);
  backend::Attributes target_attributes(const meta::EntryRecord& record) const;
  [[nodiscard]] Result<void> lock_for_publication();
  Result<void> take_back();
  // mover_switch.cc
  Result<void> switch_over();
  Result<void> switch_once(View& view, const core::Grant& grant);
  Result<void> confirm_target(View& view);
  Result<void> refresh_attributes(View& view);
  Result<void> rewrite_class();
  Result<void> clean_once(View& view, meta::Copy& source);
  std::string placed_by() const;

  const io::Context& context_;
  const io::Context& copying_;
  RunShare& share_;
  const Services& services_;
  core::Namespace::Parts& parts_;
  const uint64_t seq_;
  meta::MoveRecord& move_;
  const Path path_;
  bool fresh_ = true;                             // false: the row was met in the middle
  std::optional<backend::CopyInfo> target_info_;  // as the target told it
  uint64_t copied_metageneration_ = 0;            // whose attributes the target has; 0 = unknown
  core::PathLocks::Guard guard_;                  // from the end of the body to its publication
};

/// Parses the path of a journal row; rows are ours, so a bad one is damage.
Path path_of_row(const meta::MoveRecord& move);

}  // namespace beringia::policy
