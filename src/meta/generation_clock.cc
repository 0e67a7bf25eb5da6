#include <algorithm>
#include <chrono>
#include <mutex>

#include "base/encoding.h"
#include "io/sync.h"
#include "meta/keys.h"
#include "meta/tree.h"

namespace beringia::meta {
namespace {

constexpr std::string_view kRow = "generation";
/// How far ahead of use the mark is written: one synced commit per this much time.
constexpr uint64_t kAheadMicros = 10'000'000;

std::string be64(uint64_t value) {
  std::string bytes;
  append_be64(bytes, value);
  return bytes;
}

}  // namespace

struct GenerationClock::State {
  std::mutex mutex;  // guards what follows
  uint64_t last = 0;
  uint64_t reserved = 0;  // on disk: everything up to here may be given out
  io::Mutex reserving;    // held by the one who writes the next mark
};

GenerationClock::GenerationClock(kv::Store& store, const Clock& clock)
    : store_{store}, clock_{clock}, state_{std::make_shared<State>()} {}

Result<void> GenerationClock::open(const io::Context& context) {
  BR_TRY(row, store_.get(context, system_key(kRow)));
  if (!row) return {};
  if (row->size() != 8) {
    return std::unexpected(corrupt("cannot open the catalog", "the generation mark is damaged",
                                   "restore the data directory from a backup"));
  }
  std::lock_guard lock{state_->mutex};
  // Whatever the run before may have given out lies at or below its mark.
  state_->reserved = read_be64(*row);
  state_->last = std::max(state_->last, state_->reserved);
  return {};
}

Result<uint64_t> GenerationClock::next(const io::Context& context) {
  const auto state = state_;
  for (;;) {
    const auto wall = static_cast<uint64_t>(std::max<int64_t>(clock_.wall().micros, 1));
    uint64_t wanted = 0;
    {
      std::lock_guard lock{state->mutex};
      wanted = std::max(wall, state->last + 1);
      if (wanted <= state->reserved) {
        state->last = wanted;
        return wanted;
      }
    }
    BR_TRY(guard, io::MutexGuard::lock(context, state->reserving));
    {
      std::lock_guard lock{state->mutex};
      if (wanted <= state->reserved) continue;
      wanted = std::max(wanted, state->last + 1);
    }
    const uint64_t mark = wanted + kAheadMicros;
    kv::Batch batch;
    batch.put(system_key(kRow), be64(mark));
    BR_TRY(store_.commit(context, std::move(batch), kv::Durability::kSync));
    std::lock_guard lock{state->mutex};
    state->reserved = std::max(state->reserved, mark);
  }
}

void GenerationClock::observe(uint64_t seen) {
  std::lock_guard lock{state_->mutex};
  // A foreign number must not use up the range: GCS generations are microseconds, too.
  constexpr uint64_t kHighest = uint64_t{1} << 62;
  state_->last = std::max(state_->last, std::min(seen, kHighest));
}

}  // namespace beringia::meta
