#include "core/recovery.h"

#include <algorithm>

#include "core/doom.h"
#include "core/keeping.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/versions.h"
#include "meta/journal.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::core {
namespace {

const observe::Counter kRecovered{"beringia_core_intents_recovered_total",
                                  "Intents of interrupted writes that were settled.",
                                  {"outcome"}};

enum class Settled { kForward, kBack, kAdopted, kLater };

/// Gives the change up. What it kept goes, unless the generation it was kept of is gone itself.
Result<void> drop_intent(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                         const meta::IntentRecord& intent) {
  const Timestamp now = parts.clock.wall();
  std::vector<meta::DoomedCopy> doomed;
  for (int attempt = 1;; ++attempt) {
    doomed.clear();
    kv::Batch batch;
    batch.remove(meta::intent_key(intent.path));
    auto durability = kv::Durability::kBuffered;
    if (!intent.replaced.empty()) {
      durability = kv::Durability::kSync;
      BR_TRY(path, Path::parse(intent.path));
      BR_TRY(replaced, meta::decode_entry(intent.replaced));
      BR_TRY(settle_kept(context, parts, mounts, batch, path, replaced, intent.kept, now, doomed));
    }
    doom_names(batch, intent.other_kept, now, doomed);
    auto committed = parts.store.commit(context, std::move(batch), durability);
    if (committed) break;
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
  }
  for (const auto& copy : doomed) execute_doomed(context, parts, mounts, copy);
  return {};
}

audit::Record recovery_record(const meta::IntentRecord& intent, Timestamp now) {
  audit::Record record;
  record.time = now;
  record.principal = "system:recovery";
  record.credential = "internal";
  record.door = "system";
  record.operation = "write.recovered";
  record.path = intent.path;
  record.generation = intent.generation;
  record.allowed = true;
  record.rule = "intent " + intent.id;
  return record;
}

/// What a change kept, as its commit would have known it.
Result<Keeping> keeping_of(const io::Context& context, const Mounts& mounts,
                           std::optional<meta::EntryRecord> replaced,
                           const std::vector<meta::KeptName>& names) {
  Keeping keeping;
  BR_TRY(kept, find_kept(context, mounts, names));
  keeping.replaced = std::move(replaced);
  keeping.kept = std::move(kept);
  return keeping;
}

/// The names of an intent that hold nothing that is needed.
std::vector<meta::KeptName> unused(std::vector<meta::KeptName> names, const Keeping& keeping) {
  std::erase_if(names, [&](const meta::KeptName& name) {
    return keeping.kept && name.backend == keeping.kept->backend &&
           name.native_name == keeping.kept->native_name;
  });
  return names;
}

/// One change that is finished after the fact.
struct RollForward {
  const io::Context& context;
  Namespace::Parts& parts;
  const Mounts& mounts;
  const meta::IntentRecord& intent;
  meta::EntryRecord record;
  Keeping keeping;
  Keeping other_keeping;
  Timestamp now;
  std::vector<meta::DoomedCopy> doomed;

  Result<void> doom_copies(kv::Batch& batch, const meta::Location& location, bool is_target);
  Result<void> remove_source(kv::Batch& batch);
  Result<void> swap_versions(kv::Batch& batch, const meta::Location& location);
  void append_events(kv::Batch& batch, const meta::Location& location);
  Result<void> commit_once();
};

Result<void> RollForward::doom_copies(kv::Batch& batch, const meta::Location& location,
                                      bool is_target) {
  const LiveMount* mount = mounts.find(location.path);
  if (!location.entry || mount == nullptr) return {};
  for (const auto& copy : location.entry->copies) {
    const auto place = mount->location_of(mounts.backend(copy.backend));
    if (!place.backend) continue;
    const auto name = native_name_of(copy, *mount, place, location);
    if (is_target && copy.backend == intent.backend && name == intent.native_name) continue;
    doomed.push_back({now, copy.backend, name, copy.version});
    doom_copy(batch, doomed.back());
  }
  return {};
}

/// A rename's source goes in the commit that makes its target. It is the one of then while its
/// generation is older than the target's.
Result<void> RollForward::remove_source(kv::Batch& batch) {
  BR_TRY(path, Path::parse(intent.other_path));
  BR_TRY(source, parts.tree.resolve(context, path));
  if (!source.entry || source.entry->generation >= intent.generation) {
    doom_names(batch, intent.other_kept, now, doomed);
    return {};
  }
  parts.tree.remove_entry(batch, source);
  BR_TRY(doom_copies(batch, source, false));
  if (!intent.other_kept.empty()) {
    other_keeping.replaced = source.entry;
    BR_TRY(marker, make_marker(context, parts, source.entry->owner));
    BR_TRY(
        add_history(context, parts, batch, source, {other_keeping, false, &marker, now}, doomed));
    doom_names(batch, unused(intent.other_kept, other_keeping), now, doomed);
  }
  Change change{meta::FeedRecord::Kind::kRename, wire::EventKind::kRemoved,
                source.entry->generation, now, &*source.entry};
  if (!intent.other_kept.empty()) change.event = wire::EventKind::kMarked;
  change.other_path = intent.path;
  append_change(parts.event_rules, batch, source, std::move(change), {source.entry->owner, {}, {}});
  return {};
}

/// An older generation has come back: its row goes, and with it the one it takes the place of.
Result<void> RollForward::swap_versions(kv::Batch& batch, const meta::Location& location) {
  for (const uint64_t generation : {record.generation, intent.drops_generation}) {
    BR_TRY(row, find_version(context, parts.store, location, generation));
    if (!row) continue;
    meta::remove_version(batch, *row);
    doom_version(batch, row->version, now, doomed);
  }
  return {};
}

/// Nobody was told yet that the write succeeded; those who are told of writes are told of this one.
void RollForward::append_events(kv::Batch& batch, const meta::Location& location) {
  const Actor actor{record.owner, {}, {}};
  Change change;
  change.generation = record.generation;
  change.now = now;
  if (!intent.brings_back) {
    append_replaced(parts.event_rules, batch, location, record.generation,
                    keeping.replaced.has_value(), now, actor);
    change.event = wire::EventKind::kWritten;
    change.entry = &record;
    if (location.entry) change.other_generation = location.entry->generation;
  }
  append_change(parts.event_rules, batch, location, std::move(change), actor);
}

Result<void> RollForward::commit_once() {
  BR_TRY(path, Path::parse(intent.path));
  BR_TRY(location, parts.tree.resolve(context, path));
  const LiveMount* mount = mounts.find(path);
  Timestamp birth = now;
  if (mount != nullptr) {
    BR_TRY(known, birth_of_directories(context, parts, mounts, *mount, location, now));
    birth = known;
  }
  doomed.clear();
  kv::Batch batch;
  parts.tree.put_entry(batch, location, record, birth);
  batch.remove(meta::intent_key(intent.path));
  BR_TRY(doom_copies(batch, location, true));
  if (intent.brings_back) {
    BR_TRY(swap_versions(batch, location));
    bury_kept(batch, location, keeping, intent.kept, now, doomed);
  } else {
    BR_TRY(add_history(context, parts, batch, location, {keeping, !record.versioned, nullptr, now},
                       doomed));
    doom_names(batch, unused(intent.kept, keeping), now, doomed);
  }
  if (intent.kind == meta::IntentRecord::Kind::kRename) BR_TRY(remove_source(batch));
  // An upload's id is its write's id: its rows go with the entry's commit.
  BR_TRY(upload_parts, meta::parts_of(context, parts.store, intent.id));
  meta::remove_upload(batch, intent.id, upload_parts);
  batch.put(meta::outcome_key(intent.id),
            meta::encode(meta::OutcomeRecord{meta::OutcomeRecord::Result::kCommitted,
                                             record.generation, now}));
  append_events(batch, location);
  batch.append(std::string{audit::kStream}, audit::to_canonical_json(recovery_record(intent, now)));
  auto committed = parts.store.commit(context, batch, kv::Durability::kSync);
  parts.tree.committed(batch);
  if (!committed) return std::unexpected(std::move(committed).error());
  return {};
}

/// The crash may have come between the object's appearance and the sync of its name: what the
/// catalog is about to say must not depend on that.
Result<void> make_name_durable(const io::Context& context, const LiveBackend& live,
                               const backend::CopyInfo& info) {
  const auto& capabilities = live.client->capabilities();
  if (!capabilities.native_rename || !capabilities.native_directories) return {};
  BR_TRY(live.client->rename(
      context, {info.name, info.name, info.version, backend::Expectation::at(info.version)}));
  return {};
}

/// The native object is ours: finish the commit that the crash cut off.
Result<void> roll_forward(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                          const meta::IntentRecord& intent, const backend::CopyInfo& info) {
  BR_TRY(record, meta::decode_entry(intent.entry));
  record.copies.at(0).version = info.version;
  std::optional<meta::EntryRecord> replaced;
  if (!intent.replaced.empty()) {
    BR_TRY(decoded, meta::decode_entry(intent.replaced));
    replaced = std::move(decoded);
  }
  BR_TRY(keeping, keeping_of(context, mounts, std::move(replaced), intent.kept));
  BR_TRY(other_keeping, keeping_of(context, mounts, std::nullopt, intent.other_kept));
  RollForward forward{context,
                      parts,
                      mounts,
                      intent,
                      std::move(record),
                      std::move(keeping),
                      std::move(other_keeping),
                      parts.clock.wall(),
                      {}};
  for (int attempt = 1;; ++attempt) {
    auto committed = forward.commit_once();
    if (committed) break;
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return committed;
    }
  }
  for (const auto& copy : forward.doomed) execute_doomed(context, parts, mounts, copy);
  return {};
}

/// Whether what an intent tells is the newest thing that is known of the path.
bool is_newest(const meta::IntentRecord& intent, const meta::Location& location) {
  if (!location.entry || location.entry->generation <= intent.generation) return true;
  return intent.brings_back && location.entry->generation == intent.drops_generation;
}

/// The caller holds the lock of `path`, so no write of this run is between intent and commit.
Result<Settled> settle_locked(const io::Context& context, Namespace::Parts& parts,
                              const Mounts& mounts, const Path& path) {
  BR_TRY(row, parts.store.get(context, meta::intent_key(path.text())));
  if (!row) return Settled::kBack;
  BR_TRY(intent, meta::decode_intent(*row));
  const auto live = mounts.backend(intent.backend);
  if (!live || intent.kind == meta::IntentRecord::Kind::kDelete) {
    BR_TRY(drop_intent(context, parts, mounts, intent));
    return Settled::kBack;
  }
  auto there = live->client->stat(context, {intent.native_name});
  if (!there && there.error().code() != Code::kNotFound) return Settled::kLater;
  if (there) {
    auto id = there->attributes.find("beringia-write-id");
    if (id != there->attributes.end() && id->second == intent.id) {
      BR_TRY(location, parts.tree.resolve(context, path));
      if (is_newest(intent, location)) {
        if (!make_name_durable(context, *live, *there)) return Settled::kLater;
        BR_TRY(roll_forward(context, parts, mounts, intent, *there));
        return Settled::kForward;
      }
    }
  }
  const bool unchanged =
      there ? there->version == intent.expected_version : intent.expected_version.empty();
  if (!unchanged) BR_TRY(reconcile_entry(context, parts, mounts, path, Need::kWrite));
  BR_TRY(drop_intent(context, parts, mounts, intent));
  return unchanged ? Settled::kBack : Settled::kAdopted;
}

}  // namespace

Result<uint64_t> recover_intents(const io::Context& context, Namespace::Parts& parts) {
  const auto mounts = parts.mounts.get();
  BR_TRY(intents, meta::all_intents(context, parts.store));
  uint64_t later = 0;
  for (const auto& intent : intents) {
    BR_TRY(path, Path::parse(intent.path));
    const bool is_rename = intent.kind == meta::IntentRecord::Kind::kRename;
    BR_TRY(other, Path::parse(is_rename ? intent.other_path : intent.path));
    BR_TRY(guards, parts.locks.lock_both(context, path, other));
    auto settled = settle_locked(context, parts, *mounts, path);
    if (!settled) {
      observe::log_warn("intent_not_settled", "An interrupted write could not be settled yet.",
                        {observe::field("why", settled.error().to_string())});
      ++later;
      continue;
    }
    switch (*settled) {
      case Settled::kForward: kRecovered.add(1, {"forward"}); break;
      case Settled::kBack: kRecovered.add(1, {"back"}); break;
      case Settled::kAdopted: kRecovered.add(1, {"adopted"}); break;
      case Settled::kLater: ++later; break;
    }
  }
  return later;
}

Result<void> settle_left_intent(const io::Context& context, Namespace::Parts& parts,
                                const Mounts& mounts, const Path& path) {
  BR_TRY(settled, settle_locked(context, parts, mounts, path));
  if (settled != Settled::kLater) return {};
  return std::unexpected(unavailable("cannot change " + path.text(),
                                     "nobody can tell yet how an interrupted write of it ended",
                                     "its backend does not answer; try again later"));
}

}  // namespace beringia::core
