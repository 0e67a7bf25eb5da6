#include "policy/mover.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "base/kill_point.h"
#include "core/native_claims.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "policy/placement.h"

namespace beringia::policy {
namespace {

constexpr size_t kVerifyBuffer = 256 << 10;

/// The checksum that such a backend shows is the one it was told, so its bytes are read once more.
bool computes_checksums(const backend::Backend& backend) {
  return !backend.capabilities().native_directories;
}

Result<uint32_t> checksum_of(const io::Context& context, backend::Backend& backend,
                             const backend::ReadRequest& request) {
  BR_TRY(source, backend.read(context, request));
  std::string buffer(kVerifyBuffer, '\0');
  Crc32c crc;
  for (;;) {
    BR_TRY(n, source->read(context, buffer));
    if (n == 0) return crc.value();
    crc.update(std::string_view{buffer}.substr(0, n));
  }
}

}  // namespace

Path path_of_row(const meta::MoveRecord& move) { return Path::parse(move.path).value_or(Path{}); }

Mover::Mover(const io::Context& context, const io::Context& copying, RunShare& share, uint64_t seq,
             meta::MoveRecord& move)
    : context_{context},
      copying_{copying},
      share_{share},
      services_{share.services},
      parts_{share.services.parts},
      seq_{seq},
      move_{move},
      path_{path_of_row(move)},
      fresh_{move.state == State::kPlanned} {}

Result<void> Mover::advance() {
  for (;;) {
    switch (move_.state) {
      case State::kPlanned: BR_TRY(begin()); break;
      case State::kCopying: BR_TRY(copy()); break;
      case State::kVerifying: BR_TRY(verify()); break;
      case State::kSwitching:
        BR_TRY(kind_of(move_) == PlanRow::Kind::kRewriteClass ? rewrite_class() : switch_over());
        break;
      case State::kCleaning:
      case State::kDone:
      case State::kSkipped:
      case State::kFailed: return {};
    }
  }
}

meta::Copy* Mover::View::copy_in(meta::BackendId backend) {
  for (auto& copy : entry().copies) {
    if (copy.backend == backend) return &copy;
  }
  return nullptr;
}

core::ReservedName Mover::reservation() const {
  return {move_.to, move_.to_name, share_.run_id + "/" + std::to_string(seq_)};
}

/// Rows that put bytes under a name of their own: only those have reserved one.
bool Mover::is_copying_kind() const { return !move_.to_name.empty(); }

Result<core::Grant> Mover::admit(core::Action action, const char* operation) const {
  auto owner = services_.owner(context_, share_.owner);
  if (!owner) return std::unexpected(std::move(owner).error());
  return services_.gate.admit(context_, *owner, action, path_,
                              {"policy", operation, {}, "run " + share_.run_id});
}

void Mover::add_row(kv::Batch& batch, State state) const {
  meta::MoveRecord row = move_;
  row.state = state;
  batch.put(meta::move_key(share_.run_id, seq_), meta::encode(row));
}

/// For steps that no grant stands for.
void Mover::add_audit(kv::Batch& batch, const char* operation, const std::string& error) const {
  const auto live = parts_.mounts.get()->backend(move_.to);
  audit::Record record;
  record.time = parts_.clock.wall();
  record.principal = share_.owner;
  record.credential = "internal";
  record.door = "policy";
  record.operation = operation;
  record.path = move_.path;
  record.generation = move_.generation;
  record.allowed = true;
  record.rule = "policy " + move_.rule;
  record.error = error;
  record.backend = live ? live->declaration.name : "";
  record.request_id = "run " + share_.run_id;
  batch.append(std::string{audit::kStream}, audit::to_canonical_json(record));
}

Result<void> Mover::save(kv::Batch batch, kv::Durability durability) {
  BR_TRY(parts_.store.commit(io::Context{}, std::move(batch), durability));
  return {};
}

Result<Mover::View> Mover::open_view() const {
  View view;
  view.mounts = parts_.mounts.get();
  view.mount = view.mounts->find(path_);
  if (view.mount == nullptr) {
    view.changed = "no mount holds it any more";
    return view;
  }
  view.from = view.mount->location_of(view.mounts->backend(move_.from));
  view.to = view.mount->location_of(view.mounts->backend(move_.to));
  if (!view.from.backend || !view.to.backend) view.changed = "a backend is not declared any more";
  if (view.mount->declaration.read_only) view.changed = "its mount is read-only";
  return view;
}

/// Does the move still make sense for the entry as it is?
void Mover::check_entry(View& view) const {
  if (!view.changed.empty()) return;
  if (!view.location.entry) {
    view.changed = "it is gone";
  } else if (view.entry().generation != move_.generation) {
    view.changed = "it was written since the plan was made";
  } else if (const meta::Copy* source = view.copy_in(move_.from);
             source == nullptr || source->state != meta::CopyState::kValid) {
    view.changed = "its copies have changed since the plan was made";
  } else if (!move_.from_version.empty() && source->version != move_.from_version &&
             kind_of(move_) != PlanRow::Kind::kRewriteClass) {
    view.changed = "its source is another version now";
  }
}

Result<Mover::View> Mover::look(bool locked) {
  BR_TRY(view, open_view());
  if (!view.changed.empty()) return std::move(view);
  if (locked) {
    BR_TRY(location,
           core::locate_locked(context_, parts_, *view.mounts, path_, core::Need::kWrite));
    view.location = std::move(location);
    // A shared mount's look may be as old as its staleness; a foreign write between it and the
    // switch would be lost behind the new copy.
    if (!view.mount->declaration.freshness.exclusive && view.location.entry &&
        !move_.from_name.empty()) {
      auto there = view.from.backend->client->stat(context_, {move_.from_name});
      const bool gone = !there && there.error().code() == Code::kNotFound;
      if (!there && !gone) return std::unexpected(std::move(there).error());
      if (gone || there->version != move_.from_version) {
        BR_TRY(again,
               core::reconcile_entry(context_, parts_, *view.mounts, path_, core::Need::kWrite));
        view.location = std::move(again);
      }
    }
  } else {
    BR_TRY(location, core::locate(context_, parts_, *view.mounts, path_, core::Need::kWrite));
    view.location = std::move(location);
  }
  check_entry(view);
  return std::move(view);
}

Result<void> Mover::begin() {
  BR_TRY(read, admit(core::Action::kRead, "move.read"));
  BR_TRY(write, admit(core::Action::kWrite, "move.begin"));
  BR_TRY(view, look(false));
  if (!view.changed.empty()) return give_up(State::kSkipped, view.changed);
  write.note_generation(move_.generation);
  write.note_backend(view.to.backend->declaration.name);
  BR_TRY(intent, parts_.store.get(context_, meta::intent_key(move_.path)));
  if (intent) return std::unexpected(busy("cannot move " + move_.path, "it is being written"));

  kv::Batch batch;
  batch.append(std::string{audit::kStream}, write.record_for_commit());
  const bool there = view.copy_in(move_.to) != nullptr;
  if (move_.spare && !there) {
    return give_up(State::kSkipped, "its copies have changed since the plan was made");
  }
  const meta::Copy& source = *view.copy_in(move_.from);
  move_.from_name = core::native_name_of(source, *view.mount, view.from, view.location);
  move_.from_version = source.version;
  State next = State::kSwitching;
  if (!there) {
    next = State::kCopying;
    move_.to_name = core::default_native_name(*view.mount, view.to, view.location);
    std::string why;
    BR_TRY(claimed,
           core::is_claimed_elsewhere(context_, parts_, move_.to, move_.to_name, view.location));
    if (claimed) why = "its name in the target belongs to a renamed directory";
    if (move_.to_name.starts_with(backend::kReservedPrefix)) {
      why = "its name is reserved in the target";
    }
    if (!why.empty()) {
      move_.to_name.clear();
      return give_up(State::kSkipped, why);
    }
    core::reserve_name(batch, reservation());
  }
  add_row(batch, next);
  // On disk before anything appears in the target: what stands under a reserved name is never taken
  // for someone else's, whatever crashes.
  auto saved = save(std::move(batch), there ? kv::Durability::kBuffered : kv::Durability::kSync);
  if (!saved) {
    move_.to_name.clear();
    if (saved.error().code() != Code::kConflict) return saved;
    return std::unexpected(
        busy("cannot move " + move_.path, "an older copy in the target is still to be removed"));
  }
  write.committed();
  move_.state = next;
  BR_KILL_POINT("move.begun");
  return {};
}

/// The copy in the target is not what it should be: back to copying.
Result<void> Mover::copy_again(const char* why) {
  kv::Batch batch;
  move_.to_version.clear();
  target_info_.reset();
  fresh_ = false;
  add_row(batch, State::kCopying);
  BR_TRY(save(std::move(batch), kv::Durability::kBuffered));
  move_.state = State::kCopying;
  return std::unexpected(corrupt("cannot move " + move_.path, why));
}

Result<bool> Mover::target_is_right(View& view) {
  backend::Backend& target = *view.to.backend->client;
  if (!target_info_) {
    auto there = target.stat(context_, {move_.to_name});
    if (!there && there.error().code() == Code::kNotFound) return false;
    if (!there) return std::unexpected(std::move(there).error());
    target_info_ = std::move(*there);
  }
  const auto& info = *target_info_;
  if (info.version != move_.to_version || info.size != move_.size) return false;
  const auto known = view.entry().stored_crc32c();
  if (known && *known != move_.crc32c) return false;
  if (computes_checksums(target) && info.crc32c) return *info.crc32c == move_.crc32c;
  auto read = checksum_of(context_, target, {move_.to_name, {0, move_.size}, move_.to_version});
  if (read) return *read == move_.crc32c;
  if (read.error().code() == Code::kConflict || read.error().code() == Code::kNotFound ||
      read.error().code() == Code::kCorrupt) {
    return false;
  }
  return std::unexpected(std::move(read).error());
}

Result<void> Mover::verify() {
  BR_TRY(view, look(false));
  if (!view.changed.empty()) return give_up(State::kSkipped, view.changed);
  BR_TRY(right, target_is_right(view));
  if (!right) {
    BR_TRY(take_back());
    return copy_again("the copy in the target differs from the source");
  }
  kv::Batch batch;
  add_row(batch, State::kSwitching);
  BR_TRY(save(std::move(batch), kv::Durability::kBuffered));
  move_.state = State::kSwitching;
  BR_KILL_POINT("move.verified");
  return {};
}

Result<void> Mover::give_up(State state, std::string note) {
  guard_.release();
  kv::Batch batch;
  const bool reserved = move_.state != State::kPlanned && is_copying_kind();
  if (reserved) {
    BR_TRY(take_back());
    BR_TRY(stands, core::is_reserved(context_, parts_.store, reservation()));
    if (stands) core::release_name(batch, reservation());
  }
  move_.note = std::move(note);
  add_row(batch, state);
  add_audit(
      batch, state == State::kSkipped ? "move.skip" : "move.fail",
      std::string{to_string(state == State::kSkipped ? Code::kConflict : Code::kUnavailable)});
  BR_TRY(save(std::move(batch), kv::Durability::kBuffered));
  move_.state = state;
  BR_KILL_POINT("move.given_up");
  return {};
}

}  // namespace beringia::policy
