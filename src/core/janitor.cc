#include "core/janitor.h"

#include "base/encoding.h"
#include "core/doom.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/settle.h"
#include "core/soft_delete.h"
#include "core/upload_parts.h"
#include "io/sync.h"
#include "meta/journal.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::core {
namespace {

constexpr size_t kReapBatch = 256;

}  // namespace

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
    if (live) {
      remove_own_parts(context, *live, pieces);
      remove_shared_parts(context, *live, upload.id);
    }
    parts.upload_slots.forget(upload.id);
  }
  return {};
}

Result<void> sweep(const io::Context& context, Namespace::Parts& parts,
                   const Janitor::Options& options) {
  const auto mounts = parts.mounts.get();
  for (const auto& backend : mounts->estate().backends) {
    const auto live = mounts->backend(backend.id);
    if (!live || is_avoided(*live)) continue;
    if (live->ledger && !live->ledger->admit(context)) continue;  // next time
    auto swept = live->client->sweep(context, options.temporary_age);
    if (!swept) {
      observe::log_debug("sweep_postponed", "A backend could not be swept.",
                         {observe::field("why", swept.error().to_string())});
    }
  }
  BR_TRY(expire_uploads(context, parts, options.upload_age));
  std::vector<std::string> targets;
  for (const auto& target : mounts->estate().notification_targets) targets.push_back(target.name);
  return meta::trim_history(context, parts.store, parts.clock.wall(), targets);
}

}  // namespace

struct Janitor::State {
  Namespace::Parts& parts;
  Options options;
  std::shared_ptr<io::CancelToken> cancel;  // owners: this state and contexts of its fiber
  io::Event ended;

  void run() {
    const io::Context context =
        io::Context{}.with_cancel(cancel).with_work(std::make_shared<io::Work>("janitor"));
    MonotonicTime next_sweep = parts.clock.monotonic() + options.sweep_interval;
    while (io::sleep_for(context, options.interval)) {
      if (parts.unsettled_intents.exchange(0) > 0) {
        auto left = recover_intents(context, parts);
        if (left) parts.unsettled_intents += *left;
      }
      report(expire_soft_deleted(context, parts, kReapBatch));
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
