#include <algorithm>
#include <chrono>

#include "base/encoding.h"
#include "meta/journal.h"
#include "meta/keys.h"

namespace beringia::meta {
namespace {

constexpr uint64_t kFeedRowsKept = 100'000;
constexpr int64_t kOutcomeAgeMicros = int64_t{24} * 3600 * 1'000'000;
/// Bounds of one call: rows looked at, and removed per commit.
constexpr size_t kMaxFeedRows = 1'000'000;
constexpr size_t kMaxOutcomes = 200'000;
constexpr size_t kPage = 5000;

std::string feed_key(uint64_t number) {
  std::string key{kFeedStream};
  append_be64(key, number);
  return key;
}

/// The first feed number >= `from`; 0 = none.
Result<uint64_t> feed_number_from(const io::Context& context, kv::Store& store, uint64_t from) {
  BR_TRY(rows, store.scan(context, feed_key(from), "g", 1));
  if (rows.empty() || rows.front().key.size() != feed_key(0).size()) return uint64_t{0};
  return read_be64(std::string_view{rows.front().key}.substr(kFeedStream.size()));
}

/// Numbers are dense: the newest is found by doubling the step, then halving it.
Result<uint64_t> newest_feed_number(const io::Context& context, kv::Store& store, uint64_t oldest) {
  uint64_t known = oldest;
  uint64_t step = 1;
  for (bool growing = true; step > 0;) {
    BR_TRY(found, feed_number_from(context, store, known + step));
    if (found != 0) {
      known = found;
      if (growing) step *= 2;
    } else {
      growing = false;
    }
    if (!growing) step /= 2;
  }
  return known;
}

/// The last row that all of these targets were told of; UINT64_MAX: there are none.
Result<uint64_t> told_to_all(const io::Context& context, kv::Store& store,
                             const std::vector<std::string>& targets) {
  uint64_t least = UINT64_MAX;
  for (const auto& target : targets) {
    BR_TRY(row, store.get(context, event_cursor_key(target)));
    least = std::min(least, row ? parse_u64(*row).value_or(0) : uint64_t{0});
  }
  return least;
}

Result<void> trim_feed(const io::Context& context, kv::Store& store,
                       const std::vector<std::string>& targets, uint64_t rows_for_targets) {
  BR_TRY(oldest, feed_number_from(context, store, 0));
  if (oldest == 0) return {};
  BR_TRY(newest, newest_feed_number(context, store, oldest));
  if (newest - oldest < kFeedRowsKept) return {};
  uint64_t last =
      std::min(newest - kFeedRowsKept, oldest + uint64_t{kMaxFeedRows} - 1);  // to remove
  BR_TRY(told, told_to_all(context, store, targets));
  const uint64_t bound = newest > rows_for_targets ? newest - rows_for_targets : 0;
  last = std::min(last, std::max(told, bound));
  for (uint64_t number = oldest; number <= last;) {
    kv::Batch batch;
    for (size_t i = 0; i < kPage && number <= last; ++i, ++number) batch.remove(feed_key(number));
    BR_TRY(store.commit(context, std::move(batch), kv::Durability::kBuffered));
  }
  return {};
}

/// Looks at outcomes from where the last call ended; the place is kept in a row.
Result<void> trim_outcomes(const io::Context& context, kv::Store& store, Timestamp now) {
  const std::string cursor_key = system_key("trim/outcome");
  const std::string last = "p";
  BR_TRY(cursor, store.get(context, cursor_key));
  std::string first = cursor && cursor->starts_with('o') ? *cursor : outcome_key("");
  for (size_t seen = 0; seen < kMaxOutcomes; seen += kPage) {
    BR_TRY(rows, store.scan(context, first, last, kPage));
    kv::Batch batch;
    for (const auto& row : rows) {
      const auto record = decode_outcome(row.value);
      if (!record || record->time.micros + kOutcomeAgeMicros < now.micros) batch.remove(row.key);
    }
    const bool at_end = rows.size() < kPage;
    first = at_end ? outcome_key("") : rows.back().key + '\0';
    if (!at_end || cursor) batch.put(cursor_key, first);
    BR_TRY(store.commit(context, std::move(batch), kv::Durability::kBuffered));
    if (at_end) return {};
  }
  return {};
}

}  // namespace

Result<void> trim_history(const io::Context& context, kv::Store& store, Timestamp now,
                          const std::vector<std::string>& targets, uint64_t rows_for_targets) {
  BR_TRY(trim_outcomes(context, store, now));
  return trim_feed(context, store, targets, rows_for_targets);
}

}  // namespace beringia::meta
