#include "core/operations.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/random.h"
#include "meta/keys.h"

namespace beringia::core {
namespace {

constexpr size_t kScanned = 500;   // rows at a time
constexpr size_t kForgotten = 16;  // at most, for each that is added
constexpr size_t kTimeDigits = 20;
constexpr size_t kRandomBytes = 4;
const std::string kRows = meta::system_key("operations/");

// key: kRows | id; value: bucket | '\n' | JSON
std::string row_of(std::string_view id) { return kRows + std::string{id}; }

bool is_id(std::string_view id) {
  return id.size() == kTimeDigits + 1 + 2 * kRandomBytes && id[kTimeDigits] == '-';
}

Timestamp time_of(std::string_view id) {
  const auto micros = parse_u64(id.substr(0, kTimeDigits));
  return {micros && *micros <= INT64_MAX ? static_cast<int64_t>(*micros) : 0};
}

/// Nullopt: it is another bucket's.
std::optional<std::string> json_in(std::string_view value, std::string_view bucket) {
  const size_t end = value.find('\n');
  if (end == std::string_view::npos || value.substr(0, end) != bucket) return std::nullopt;
  return std::string{value.substr(end + 1)};
}

}  // namespace

std::string Operations::make_id(Timestamp began) {
  std::string digits = std::to_string(std::max<int64_t>(began.micros, 0));
  digits.insert(0, kTimeDigits - digits.size(), '0');
  SystemRng rng;
  return digits + "-" + random_hex(rng, kRandomBytes);
}

Result<void> Operations::add(const io::Context& context, const Finished& operation) {
  kv::Batch batch;
  batch.put(row_of(operation.id), operation.bucket + "\n" + operation.json);
  // More go than come, so that what is too much does not stay.
  BR_TRY(rows, store_.scan(context, kRows, meta::behind(kRows), kMaxKept + kForgotten));
  const Timestamp oldest{clock_.wall().micros -
                         std::chrono::duration_cast<std::chrono::microseconds>(kKeptFor).count()};
  const size_t surplus = rows.size() < kMaxKept ? 0 : rows.size() + 1 - kMaxKept;
  for (size_t i = 0; i < std::min(rows.size(), kForgotten); ++i) {
    const std::string_view id = std::string_view{rows[i].key}.substr(kRows.size());
    if (i < surplus || time_of(id) < oldest) batch.remove(rows[i].key);
  }
  BR_TRY(store_.commit(context, std::move(batch), kv::Durability::kSync));
  return {};
}

Result<std::optional<std::string>> Operations::find(const io::Context& context,
                                                    std::string_view bucket, Timestamp since,
                                                    std::string_view id) {
  if (!is_id(id) || time_of(id) < since) return std::optional<std::string>{};
  BR_TRY(value, store_.get(context, row_of(id)));
  if (!value) return std::optional<std::string>{};
  return json_in(*value, bucket);
}

Result<std::vector<Operations::Finished>> Operations::of(const io::Context& context,
                                                         std::string_view bucket, Timestamp since,
                                                         std::string_view after, size_t limit) {
  std::vector<Finished> found;
  std::string first = row_of(after) + (after.empty() ? "" : std::string(1, '\0'));
  for (size_t seen = 0; seen < kMaxKept + kForgotten && found.size() < limit;) {
    BR_TRY(rows, store_.scan(context, first, meta::behind(kRows), kScanned));
    for (const kv::KeyValue& row : rows) {
      const std::string_view id = std::string_view{row.key}.substr(kRows.size());
      auto json = json_in(row.value, bucket);
      if (!json || time_of(id) < since || found.size() == limit) continue;
      found.push_back({std::string{bucket}, std::string{id}, std::move(*json)});
    }
    if (rows.size() < kScanned) break;
    seen += rows.size();
    first = rows.back().key + std::string(1, '\0');
  }
  return found;
}

}  // namespace beringia::core
