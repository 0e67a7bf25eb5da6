#include "core/recovery.h"

#include "core/doom.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "meta/journal.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::core {
namespace {

const observe::Counter kRecovered{"beringia_core_intents_recovered_total",
                                  "Intents of interrupted writes that were settled.",
                                  {"outcome"}};

enum class Settled { kForward, kBack, kAdopted, kLater };

Result<void> drop_intent(const io::Context& context, Namespace::Parts& parts,
                         const meta::IntentRecord& intent) {
  kv::Batch batch;
  batch.remove(meta::intent_key(intent.path));
  BR_TRY(parts.store.commit(context, std::move(batch), kv::Durability::kBuffered));
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

/// A rename's source goes in the commit that makes its target. It is the one of then while its
/// generation is older than the target's.
Result<void> remove_source(const io::Context& context, Namespace::Parts& parts,
                           const Mounts& mounts, const meta::IntentRecord& intent, Timestamp now,
                           kv::Batch& batch) {
  BR_TRY(path, Path::parse(intent.other_path));
  BR_TRY(source, parts.tree.resolve(context, path));
  if (!source.entry || source.entry->generation >= intent.generation) return {};
  parts.tree.remove_entry(batch, source);
  const LiveMount* mount = mounts.find(path);
  for (const auto& copy : source.entry->copies) {
    if (mount == nullptr) break;
    const auto place = mount->location_of(mounts.backend(copy.backend));
    if (!place.backend) continue;
    const auto name = native_name_of(copy, *mount, place, source);
    doom_copy(batch, {now, copy.backend, name, copy.version});
  }
  meta::append_feed(batch, {meta::FeedRecord::Kind::kRename, intent.other_path, intent.path,
                            source.entry->generation, now});
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
  BR_TRY(path, Path::parse(intent.path));
  BR_TRY(decoded, meta::decode_entry(intent.entry));
  meta::EntryRecord record = std::move(decoded);
  record.copies.at(0).version = info.version;
  const Timestamp now = parts.clock.wall();
  for (int attempt = 1;; ++attempt) {
    BR_TRY(location, parts.tree.resolve(context, path));
    const LiveMount* mount = mounts.find(path);
    Timestamp birth = now;
    if (mount != nullptr) {
      BR_TRY(known, birth_of_directories(context, parts, mounts, *mount, location, now));
      birth = known;
    }
    kv::Batch batch;
    parts.tree.put_entry(batch, location, record, birth);
    batch.remove(meta::intent_key(intent.path));
    if (location.entry && mount != nullptr) {
      for (const auto& copy : location.entry->copies) {
        const auto place = mount->location_of(mounts.backend(copy.backend));
        if (!place.backend) continue;
        const auto name = native_name_of(copy, *mount, place, location);
        if (copy.backend == intent.backend && name == intent.native_name) continue;
        doom_copy(batch, {now, copy.backend, name, copy.version});
      }
    }
    if (intent.kind == meta::IntentRecord::Kind::kRename) {
      BR_TRY(remove_source(context, parts, mounts, intent, now, batch));
    }
    // An upload's id is its write's id: its rows go with the entry's commit.
    BR_TRY(upload_parts, meta::parts_of(context, parts.store, intent.id));
    meta::remove_upload(batch, intent.id, upload_parts);
    batch.put(meta::outcome_key(intent.id),
              meta::encode(meta::OutcomeRecord{meta::OutcomeRecord::Result::kCommitted,
                                               record.generation, now}));
    meta::append_feed(batch,
                      {meta::FeedRecord::Kind::kPut, intent.path, {}, record.generation, now});
    batch.append(std::string{audit::kStream},
                 audit::to_canonical_json(recovery_record(intent, now)));
    auto committed = parts.store.commit(context, batch, kv::Durability::kSync);
    parts.tree.committed(batch);
    if (committed) return {};
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
  }
}

/// The caller holds the lock of `path`, so no write of this run is between intent and commit.
Result<Settled> settle_locked(const io::Context& context, Namespace::Parts& parts,
                              const Mounts& mounts, const Path& path) {
  BR_TRY(row, parts.store.get(context, meta::intent_key(path.text())));
  if (!row) return Settled::kBack;
  BR_TRY(intent, meta::decode_intent(*row));
  const auto live = mounts.backend(intent.backend);
  if (!live) {
    BR_TRY(drop_intent(context, parts, intent));
    return Settled::kBack;
  }
  auto there = live->client->stat(context, {intent.native_name});
  if (!there && there.error().code() != Code::kNotFound) return Settled::kLater;
  if (there) {
    auto id = there->attributes.find("beringia-write-id");
    if (id != there->attributes.end() && id->second == intent.id) {
      BR_TRY(location, parts.tree.resolve(context, path));
      const bool newer = location.entry && location.entry->generation > intent.generation;
      if (!newer) {
        if (!make_name_durable(context, *live, *there)) return Settled::kLater;
        BR_TRY(roll_forward(context, parts, mounts, intent, *there));
        return Settled::kForward;
      }
    }
  }
  const bool unchanged =
      there ? there->version == intent.expected_version : intent.expected_version.empty();
  if (!unchanged) BR_TRY(reconcile_entry(context, parts, mounts, path, Need::kWrite));
  BR_TRY(drop_intent(context, parts, intent));
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
