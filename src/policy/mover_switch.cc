#include <algorithm>

#include "base/kill_point.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "policy/mover.h"
#include "policy/placement.h"

namespace beringia::policy {
namespace {

/// The default name need not be stored, unless a policy brought the backend in: then a rename of
/// the directory does not follow it there, and the name says where the copy stays.
std::string stored_name(const core::LiveMount& mount, const core::LiveLocation& place,
                        const meta::Location& location, const std::string& name) {
  for (const auto& listed : mount.locations) {
    if (listed.backend != place.backend) continue;
    return core::default_native_name(mount, place, location) == name ? std::string{} : name;
  }
  return name;
}

}  // namespace

std::string Mover::placed_by() const {
  const auto found = std::find(share_.policies.begin(), share_.policies.end(), move_.rule);
  const auto number = static_cast<uint8_t>(
      std::min<size_t>(static_cast<size_t>(found - share_.policies.begin()), 255));
  constexpr char kDigits[] = "0123456789abcdef";
  return share_.run_id + kDigits[number >> 4] + kDigits[number & 15];
}

/// The copy in the target is (still) there: after a crash, or when no bytes had to be copied.
Result<void> Mover::confirm_target(View& view) {
  if (target_info_) return {};
  const meta::Copy* copy = view.copy_in(move_.to);
  std::string name = move_.to_name;
  std::string version = move_.to_version;
  if (copy != nullptr) {
    name = core::native_name_of(*copy, *view.mount, view.to, view.location);
    version = copy->version;
  }
  auto there = view.to.backend->client->stat(context_, {name});
  if (!there && there.error().code() != Code::kNotFound) {
    return std::unexpected(std::move(there).error());
  }
  if (!there || there->version != version) {
    view.changed = "its copy in the target is not there any more";
    return {};
  }
  target_info_ = std::move(*there);
  return {};
}

/// Attributes were changed after they had been copied.
Result<void> Mover::refresh_attributes(View& view) {
  const meta::EntryRecord& record = view.entry();
  if (!is_copying_kind() || copied_metageneration_ == record.metageneration) return {};
  BR_TRY(
      updated,
      view.to.backend->client->update(
          context_,
          {move_.to_name, move_.to_version, target_attributes(record), record.content_type, {}}));
  move_.to_version = updated.version;
  copied_metageneration_ = record.metageneration;
  return {};
}

/// One commit: the new copy is valid, the old one retires, the name is not reserved any more.
Result<void> Mover::switch_once(View& view, const core::Grant& grant) {
  const Timestamp now = parts_.clock.wall();
  meta::EntryRecord record = view.entry();
  meta::Copy added;
  if (const meta::Copy* there = view.copy_in(move_.to); there != nullptr) {
    added = *there;
    std::erase_if(record.copies, [&](const auto& copy) { return copy.backend == move_.to; });
  } else {
    added.backend = move_.to;
    added.native_name = stored_name(*view.mount, view.to, view.location, move_.to_name);
    added.version = move_.to_version;
    added.storage_class = target_info_->storage_class;
    if (added.storage_class.empty()) added.storage_class = move_.to_class;
  }
  added.state = meta::CopyState::kValid;
  added.checked = now;
  const auto source = std::find_if(record.copies.begin(), record.copies.end(),
                                   [&](const auto& copy) { return copy.backend == move_.from; });
  if (move_.keep_source) {
    record.copies.push_back(std::move(added));
  } else {
    source->state = meta::CopyState::kRetiring;
    record.copies.insert(source, std::move(added));
  }
  if (!record.stored_crc32c() && is_copying_kind()) {
    (record.encryption ? record.encryption.stored_crc32c : record.crc32c) = move_.crc32c;
  }
  record.placed_by = placed_by();

  kv::Batch batch;
  parts_.tree.put_entry(batch, view.location, record, now);
  batch.check(meta::intent_key(move_.path), std::nullopt);
  if (is_copying_kind()) core::release_name(batch, reservation());
  move_.switched_at = now;
  add_row(batch, move_.keep_source ? State::kDone : State::kCleaning);
  meta::append_feed(batch,
                    {meta::FeedRecord::Kind::kPlacement, move_.path, {}, record.generation, now});
  batch.append(std::string{audit::kStream}, grant.record_for_commit());
  auto committed = parts_.store.commit(io::Context{}, batch, kv::Durability::kSync);
  parts_.tree.committed(batch);
  if (!committed) return std::unexpected(std::move(committed).error());
  return {};
}

Result<void> Mover::switch_over() {
  BR_TRY(grant, admit(core::Action::kWrite, "move.switch"));
  grant.note_generation(move_.generation);
  grant.note_bytes(is_copying_kind() ? move_.size : 0);
  BR_TRY(guard, parts_.locks.lock(context_, path_));
  for (int attempt = 1;; ++attempt) {
    BR_TRY(view, look(true));
    if (view.changed.empty()) BR_TRY(confirm_target(view));
    if (view.changed.empty() && is_copying_kind()) {
      BR_TRY(reserved, core::is_reserved(context_, parts_.store, reservation()));
      if (!reserved) view.changed = "its name in the target was taken meanwhile";
    }
    if (!view.changed.empty()) {
      guard.release();
      return give_up(State::kSkipped, view.changed);
    }
    BR_TRY(refresh_attributes(view));
    grant.note_backend(view.to.backend->declaration.name);
    BR_KILL_POINT("move.switching");
    auto switched = switch_once(view, grant);
    if (switched) break;
    if (switched.error().code() != Code::kConflict || attempt == core::kMaxCommitAttempts) {
      return switched;
    }
    // A sibling made or dropped the directory, or an unsettled write holds its intent: look again.
    BR_TRY(intent, parts_.store.get(context_, meta::intent_key(move_.path)));
    if (intent) return std::unexpected(busy("cannot move " + move_.path, "it is being written"));
  }
  grant.committed();
  move_.state = move_.keep_source ? State::kDone : State::kCleaning;
  BR_KILL_POINT("move.switched");
  return {};
}

/// Another storage class in the same backend: the object is rewritten in place and is the same
/// generation. A crash in between is seen by its attributes (core/reconcile.cc).
Result<void> Mover::rewrite_class() {
  BR_TRY(grant, admit(core::Action::kWrite, "move.rewrite"));
  grant.note_generation(move_.generation);
  BR_TRY(guard, parts_.locks.lock(context_, path_));
  for (int attempt = 1;; ++attempt) {
    BR_TRY(view, look(true));
    if (!view.changed.empty()) {
      guard.release();
      return give_up(State::kSkipped, view.changed);
    }
    grant.note_backend(view.to.backend->declaration.name);
    meta::EntryRecord record = view.entry();
    meta::Copy& copy = *std::find_if(record.copies.begin(), record.copies.end(),
                                     [&](const auto& c) { return c.backend == move_.from; });
    if (class_word(copy.storage_class) != class_word(move_.to_class)) {
      const std::string name = core::native_name_of(copy, *view.mount, view.from, view.location);
      auto updated = view.from.backend->client->update(
          context_, {name, copy.version, core::native_attributes(record), record.content_type,
                     move_.to_class});
      if (!updated) {
        const Code code = updated.error().code();
        if (code != Code::kConflict && code != Code::kNotFound) {
          return std::unexpected(std::move(updated).error());
        }
        if (attempt == core::kMaxCommitAttempts) return std::unexpected(updated.error());
        BR_TRY(core::reconcile_entry(context_, parts_, *view.mounts, path_, core::Need::kWrite));
        continue;
      }
      BR_KILL_POINT("move.rewritten");
      copy.version = updated->version;
      copy.storage_class = updated->storage_class.empty() ? move_.to_class : updated->storage_class;
    }
    const Timestamp now = parts_.clock.wall();
    record.placed_by = placed_by();
    kv::Batch batch;
    parts_.tree.put_entry(batch, view.location, record, now);
    add_row(batch, State::kDone);
    meta::append_feed(batch,
                      {meta::FeedRecord::Kind::kPlacement, move_.path, {}, record.generation, now});
    batch.append(std::string{audit::kStream}, grant.record_for_commit());
    auto committed = parts_.store.commit(io::Context{}, batch, kv::Durability::kSync);
    parts_.tree.committed(batch);
    if (committed) break;
    if (committed.error().code() != Code::kConflict || attempt == core::kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
  }
  grant.committed();
  move_.state = State::kDone;
  BR_KILL_POINT("move.switched");
  return {};
}

/// One commit: the entry forgets the old copy, whose native object is doomed.
Result<void> Mover::clean_once(View& view, meta::Copy& source) {
  const Timestamp now = parts_.clock.wall();
  const std::string name = core::native_name_of(source, *view.mount, view.from, view.location);
  const meta::DoomedCopy doomed{now, source.backend, name, source.version};
  meta::EntryRecord record = view.entry();
  std::erase_if(record.copies, [&](const auto& copy) {
    return copy.backend == move_.from && copy.state == meta::CopyState::kRetiring;
  });
  kv::Batch batch;
  parts_.tree.put_entry(batch, view.location, record, now);
  core::doom_copy(batch, doomed);
  add_row(batch, State::kDone);
  add_audit(batch, "move.clean", {});
  BR_KILL_POINT("move.cleaning");
  auto committed = parts_.store.commit(io::Context{}, batch, kv::Durability::kBuffered);
  parts_.tree.committed(batch);
  if (!committed) return std::unexpected(std::move(committed).error());
  move_.state = State::kDone;
  BR_KILL_POINT("move.cleaned");
  // Whoever reads it now keeps it; then the janitor removes it.
  if (!parts_.open_reads.any(doomed.backend, doomed.native_name, doomed.version)) {
    const auto kept = core::execute_doomed(context_, parts_, *view.mounts, doomed);
    if (kept) move_.note = "moved, but the old copy stays: " + kept->why();
  }
  return {};
}

Result<void> Mover::clean() {
  BR_TRY(guard, parts_.locks.lock(context_, path_));
  for (int attempt = 1;; ++attempt) {
    BR_TRY(view, open_view());
    BR_TRY(location, parts_.tree.resolve(context_, path_));
    view.location = std::move(location);
    meta::Copy* source = nullptr;
    bool other = false;
    if (view.mount != nullptr && view.from.backend && view.location.entry &&
        view.entry().generation == move_.generation) {
      source = view.copy_in(move_.from);
      if (source != nullptr && source->state != meta::CopyState::kRetiring) source = nullptr;
      other = std::any_of(view.entry().copies.begin(), view.entry().copies.end(),
                          [](const auto& copy) { return copy.state == meta::CopyState::kValid; });
    }
    Result<void> done;
    if (source != nullptr && other) {
      done = clean_once(view, *source);
    } else {
      // Nothing retires any more; or the new copy has vanished, and the old one serves again.
      kv::Batch batch;
      const bool back = source != nullptr;
      if (back) {
        source->state = meta::CopyState::kValid;
        move_.note = "the new copy vanished in the target";
        parts_.tree.put_entry(batch, view.location, view.entry(), parts_.clock.wall());
        add_audit(batch, "move.fail", std::string{to_string(Code::kCorrupt)});
      }
      add_row(batch, back ? State::kFailed : State::kDone);
      auto committed = parts_.store.commit(io::Context{}, batch, kv::Durability::kBuffered);
      parts_.tree.committed(batch);
      if (committed) move_.state = back ? State::kFailed : State::kDone;
      if (!committed) done = std::unexpected(std::move(committed).error());
    }
    if (done || done.error().code() != Code::kConflict || attempt == core::kMaxCommitAttempts) {
      return done;
    }
  }
}

}  // namespace beringia::policy
