#include "audit/intake.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::audit {
namespace {

constexpr size_t kBatch = 64;  // records of one commit; each is bounded (record.cc)
constexpr size_t kDigestBytes = 16;
constexpr size_t kForgottenAtOnce = 1024;

// key: 'z' | "intake/" | time of the record in microseconds 8 B BE | digest 16 B; value: "1"
const std::string kRows = "zintake/";
const std::string kBehindRows = "zintake0";  // '0' follows '/'
// How many such rows there are, decimal.
const std::string kCountRow = "zintake-count";

std::string key_of(const Record& record, const std::string& text) {
  std::string key = kRows;
  append_be64(key, static_cast<uint64_t>(std::max<int64_t>(record.time.micros, 0)));
  const std::string& identity = record.request_id.empty() ? text : record.request_id;
  return key + sha256(record.door + '\0' + identity).substr(0, kDigestBytes);
}

Result<uint64_t> count_of(const io::Context& context, kv::Store& store) {
  BR_TRY(row, store.get(context, kCountRow));
  return row ? parse_u64(*row).value_or(0) : 0;
}

}  // namespace

Result<Intake::Counts> Intake::record_once(const io::Context& context,
                                           const std::vector<Record>& records) {
  BR_TRY(guard, io::MutexGuard::lock(context, mutex_));
  Counts counts;
  for (size_t at = 0; at < records.size(); at += kBatch) {
    BR_TRY(take_batch(context, &records[at], std::min(kBatch, records.size() - at), counts));
  }
  return counts;
}

Result<void> Intake::take_batch(const io::Context& context, const Record* first, size_t count,
                                Counts& counts) {
  std::vector<std::string> texts;
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i) {
    texts.push_back(to_canonical_json(first[i]));
    keys.push_back(key_of(first[i], texts.back()));
  }
  BR_TRY(known, store_.get_many(context, keys));
  std::set<std::string> fresh;
  kv::Batch batch;
  for (size_t i = 0; i < count; ++i) {
    if (known[i] || !fresh.insert(keys[i]).second) {
      ++counts.repeated;
      continue;
    }
    batch.put(keys[i], "1");
    batch.append(std::string{kStream}, std::move(texts[i]));
  }
  if (fresh.empty()) return {};
  BR_TRY(before, count_of(context, store_));
  batch.put(kCountRow, std::to_string(before + fresh.size()));
  BR_TRY(store_.commit(context, std::move(batch), kv::Durability::kSync));
  counts.recorded += fresh.size();
  return forget_oldest(context);
}

Result<void> Intake::forget_oldest(const io::Context& context) {
  BR_TRY(count, count_of(context, store_));
  while (count > most_) {
    const size_t excess = std::min<uint64_t>(count - most_, kForgottenAtOnce);
    BR_TRY(rows, store_.scan(context, kRows, kBehindRows, excess));
    if (rows.empty()) return {};
    kv::Batch batch;
    for (auto& row : rows) batch.remove(std::move(row.key));
    count -= rows.size();
    batch.put(kCountRow, std::to_string(count));
    BR_TRY(store_.commit(context, std::move(batch), kv::Durability::kBuffered));
  }
  return {};
}

}  // namespace beringia::audit
