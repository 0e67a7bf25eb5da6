#include "core/janitor.h"

#include "base/encoding.h"
#include "core/doom.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/settle.h"
#include "io/sync.h"
#include "meta/journal.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::core {
namespace {

constexpr size_t kReapBatch = 256;

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
    kv::Batch batch;
    parts.tree.put_entry(batch, location, record, now);
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

Result<Settled> settle_intent(const io::Context& context, Namespace::Parts& parts,
                              const Mounts& mounts, const meta::IntentRecord& intent) {
  const auto live = mounts.backend(intent.backend);
  BR_TRY(path, Path::parse(intent.path));
  if (!live) {
    BR_TRY(drop_intent(context, parts, intent));
    return Settled::kBack;
  }
  BR_TRY(guard, parts.locks.lock(context, path));
  // The write may have ended while we waited for its lock.
  BR_TRY(row, parts.store.get(context, meta::intent_key(intent.path)));
  if (!row) return Settled::kBack;
  BR_TRY(current, meta::decode_intent(*row));
  if (current.id != intent.id) return Settled::kBack;
  auto there = live->client->stat(context, {intent.native_name});
  if (!there && there.error().code() != Code::kNotFound) return Settled::kLater;
  if (there) {
    auto id = there->attributes.find("beringia-write-id");
    if (id != there->attributes.end() && id->second == intent.id) {
      BR_TRY(location, parts.tree.resolve(context, path));
      const bool newer = location.entry && location.entry->generation > intent.generation;
      if (!newer) {
        BR_TRY(roll_forward(context, parts, mounts, intent, *there));
        return Settled::kForward;
      }
    }
  }
  BR_TRY(drop_intent(context, parts, intent));
  const bool unchanged =
      there ? there->version == intent.expected_version : intent.expected_version.empty();
  if (unchanged) return Settled::kBack;
  BR_TRY(reconcile_entry(context, parts, mounts, path, Need::kWrite));
  return Settled::kAdopted;
}

}  // namespace

Result<uint64_t> recover_intents(const io::Context& context, Namespace::Parts& parts) {
  const auto mounts = parts.mounts.get();
  BR_TRY(intents, meta::all_intents(context, parts.store));
  uint64_t later = 0;
  for (const auto& intent : intents) {
    auto settled = settle_intent(context, parts, *mounts, intent);
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

Result<uint64_t> reap_doomed(const io::Context& context, Namespace::Parts& parts, size_t limit) {
  const auto mounts = parts.mounts.get();
  BR_TRY(due, meta::doomed_until(context, parts.store, parts.clock.wall(), limit));
  uint64_t tried = 0;
  for (const auto& copy : due) {
    BR_TRY(context.check(parts.clock.monotonic()));
    if (parts.open_reads.any(copy.backend, copy.native_name, copy.version)) continue;
    execute_doomed(context, parts, *mounts, copy);
    ++tried;
  }
  return tried;
}

namespace {

/// Rows of uploads and outcomes that have outlived their use, and what they held natively.
Result<void> expire_uploads(const io::Context& context, Namespace::Parts& parts, Duration age) {
  const auto mounts = parts.mounts.get();
  const int64_t oldest = parts.clock.wall().micros - age.count() / 1000;
  BR_TRY(uploads, meta::all_uploads(context, parts.store));
  for (const auto& upload : uploads) {
    if (upload.started.micros > oldest) continue;
    BR_TRY(path, Path::parse(upload.path));
    BR_TRY(guard, parts.locks.lock(context, path));
    BR_TRY(pieces, meta::parts_of(context, parts.store, upload.id));
    kv::Batch batch;
    meta::remove_upload(batch, upload.id, pieces);
    BR_TRY(parts.store.commit(context, std::move(batch), kv::Durability::kSync));
    const auto live = mounts->backend(upload.backend);
    for (const auto& piece : pieces) {
      if (!live || is_avoided(*live)) break;
      auto removed = live->client->remove(context, {piece.native_name, piece.version});
      if (!removed && removed.error().code() == Code::kUnavailable) note_backend_failure(*live);
    }
  }
  return {};
}

Result<void> sweep(const io::Context& context, Namespace::Parts& parts,
                   const Janitor::Options& options) {
  const auto mounts = parts.mounts.get();
  for (const auto& backend : mounts->estate().backends) {
    const auto live = mounts->backend(backend.id);
    if (!live || is_avoided(*live)) continue;
    auto swept = live->client->sweep(context, options.temporary_age);
    if (!swept) {
      observe::log_debug("sweep_postponed", "A backend could not be swept.",
                         {observe::field("why", swept.error().to_string())});
    }
  }
  BR_TRY(expire_uploads(context, parts, options.upload_age));
  return meta::trim_history(context, parts.store, parts.clock.wall());
}

}  // namespace

struct Janitor::State {
  Namespace::Parts& parts;
  Options options;
  std::shared_ptr<io::CancelToken> cancel;  // owners: this state and contexts of its fiber
  io::Event ended;

  void run() {
    const io::Context context = io::Context{}.with_cancel(cancel);
    MonotonicTime next_sweep = parts.clock.monotonic() + options.sweep_interval;
    while (io::sleep_for(context, options.interval)) {
      if (parts.unsettled_intents.exchange(0) > 0) {
        auto left = recover_intents(context, parts);
        if (left) parts.unsettled_intents += *left;
      }
      report(reap_doomed(context, parts, kReapBatch));
      settle_all(context, parts, *parts.mounts.get());
      if (parts.clock.monotonic() < next_sweep) continue;
      next_sweep = parts.clock.monotonic() + options.sweep_interval;
      report(sweep(context, parts, options));
    }
    ended.set();
  }

  template <class T>
  void report(const Result<T>& result) {
    if (result || result.error().code() == Code::kCancelled) return;
    observe::log_warn("care_failed", "Background care could not finish a round.",
                      {observe::field("why", result.error().to_string())});
  }
};

Janitor::Janitor(io::Runtime& runtime, Namespace::Parts& parts, Options options)
    : state_{std::make_shared<State>(parts, options, std::make_shared<io::CancelToken>())} {
  runtime.spawn([state = state_] { state->run(); });
}

Janitor::~Janitor() { stop(); }

void Janitor::stop() {
  if (!state_) return;
  state_->cancel->cancel();
  auto ended = state_->ended.wait(io::Context{});
  if (ended) state_.reset();
}

Result<Boot> begin_boot(const io::Context& context, kv::Store& store, uint64_t estate_epoch) {
  auto number_of = [&](std::string_view name) -> Result<uint64_t> {
    BR_TRY(row, store.get(context, meta::system_key(name)));
    return row ? parse_u64(*row).value_or(0) : 0;
  };
  BR_TRY(boots, number_of("boots"));
  BR_TRY(dirty, number_of("dirty"));
  BR_TRY(unclean, number_of("unclean-stops"));
  if (dirty != 0) ++unclean;
  kv::Batch batch;
  batch.put(meta::system_key("boots"), std::to_string(boots + 1));
  batch.put(meta::system_key("dirty"), "1");
  batch.put(meta::system_key("unclean-stops"), std::to_string(unclean));
  BR_TRY(store.commit(context, std::move(batch), kv::Durability::kSync));
  return Boot{boots + 1, (estate_epoch << 32) + unclean};
}

Result<void> end_boot(const io::Context& context, kv::Store& store) {
  kv::Batch batch;
  batch.put(meta::system_key("dirty"), "0");
  BR_TRY(store.commit(context, std::move(batch), kv::Durability::kSync));
  return {};
}

}  // namespace beringia::core
