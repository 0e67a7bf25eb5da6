#include "policy/plan_rows.h"

#include <concepts>
#include <utility>

#include "base/encoding.h"
#include "meta/codec.h"

namespace beringia::policy {
namespace {

constexpr size_t kBatchRows = 1000;
constexpr size_t kDeletePage = 1000;

/// Totals as they are stored: "" names the sum over all policies.
struct StoredTotals {
  std::string name;
  uint64_t objects = 0, bytes = 0, egress_bytes = 0, class_a = 0, class_b = 0, deletes = 0;
  uint64_t cost = 0, cost_per_month = 0;  // zigzag
  uint64_t duration_nanos = 0;
};

struct StoredSkip {
  std::string reason;
  uint64_t objects = 0;
  std::vector<std::string> examples;
};

/// The record of a plan row.
struct PlanRecord {
  std::string id, principal, prefix, run_id, fingerprint;
  Timestamp created;
  std::vector<std::string> policies;
  uint64_t scanned = 0, in_place = 0, bandwidth = 0;
  std::vector<StoredTotals> totals;
  std::vector<StoredSkip> skipped;
};

template <class F, class T>
void describe_totals(F& f, T& totals) {
  f.text(1, totals.name);
  f.number(2, totals.objects);
  f.number(3, totals.bytes);
  f.number(4, totals.egress_bytes);
  f.number(5, totals.class_a);
  f.number(6, totals.class_b);
  f.number(7, totals.deletes);
  f.number(8, totals.cost);
  f.number(9, totals.cost_per_month);
  f.number(10, totals.duration_nanos);
}

constexpr auto kText = [](auto& f, auto& text) { f.text(1, text); };

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, PlanRecord>
void describe(F& f, T& record) {
  f.id(1, 2, record.id);
  f.text(3, record.principal);
  f.text(4, record.prefix);
  f.id(5, 6, record.run_id);
  f.id(7, 8, record.fingerprint);
  f.time(9, record.created);
  f.list(10, record.policies, kText);
  f.number(11, record.scanned);
  f.number(12, record.in_place);
  f.number(13, record.bandwidth);
  f.list(14, record.totals, [](auto& inner, auto& totals) { describe_totals(inner, totals); });
  f.list(15, record.skipped, [](auto& inner, auto& skip) {
    inner.text(1, skip.reason);
    inner.number(2, skip.objects);
    inner.list(3, skip.examples, kText);
  });
}

StoredTotals to_stored(const std::string& name, const Totals& totals) {
  return {name,
          totals.objects,
          totals.bytes,
          totals.egress_bytes,
          totals.calls.class_a,
          totals.calls.class_b,
          totals.calls.deletes,
          meta::zigzag(totals.cost.value),
          meta::zigzag(totals.cost_per_month.value),
          static_cast<uint64_t>(totals.duration.count())};
}

Totals from_stored(const StoredTotals& stored) {
  Totals totals;
  totals.objects = stored.objects;
  totals.bytes = stored.bytes;
  totals.egress_bytes = stored.egress_bytes;
  totals.calls = {stored.class_a, stored.class_b, stored.deletes};
  totals.cost.value = meta::unzigzag(stored.cost);
  totals.cost_per_month.value = meta::unzigzag(stored.cost_per_month);
  totals.duration = Duration{static_cast<int64_t>(stored.duration_nanos)};
  return totals;
}

/// Removes rows of [first, last) in bounded batches. Each scan begins behind what was removed:
/// from `first` it would walk over the marks of all removed rows, again and again.
Result<void> remove_rows(const io::Context& context, kv::Store& store, std::string first,
                         const std::string& last) {
  for (;;) {
    BR_TRY(rows, store.scan(context, first, last, kDeletePage));
    if (rows.empty()) return {};
    first = rows.back().key + '\0';
    kv::Batch batch;
    for (auto& row : rows) batch.remove(std::move(row.key));
    BR_TRY(store.commit(context, std::move(batch), kv::Durability::kBuffered));
  }
}

}  // namespace

std::string encode(const StoredPlan& plan) {
  const PlanSummary& summary = plan.summary;
  PlanRecord record;
  record.id = summary.id;
  record.principal = summary.principal;
  record.prefix = summary.prefix;
  record.run_id = plan.run_id;
  record.fingerprint = summary.estate_fingerprint;
  record.created = summary.created;
  record.policies = summary.policies;
  record.scanned = summary.scanned;
  record.in_place = summary.in_place;
  record.bandwidth = summary.bandwidth_bytes_per_s;
  record.totals.push_back(to_stored("", summary.totals));
  for (const auto& [name, totals] : summary.by_policy) {
    record.totals.push_back(to_stored(name, totals));
  }
  for (const auto& skip : summary.skipped) {
    record.skipped.push_back({skip.reason, skip.objects, skip.examples});
  }
  return meta::encode_record(record);
}

Result<StoredPlan> decode_plan(std::string_view bytes) {
  BR_TRY(record, meta::decode_record<PlanRecord>(bytes, "a plan"));
  StoredPlan plan;
  PlanSummary& summary = plan.summary;
  summary.id = record.id;
  summary.principal = record.principal;
  summary.prefix = record.prefix;
  plan.run_id = record.run_id;
  summary.estate_fingerprint = record.fingerprint;
  summary.created = record.created;
  summary.policies = record.policies;
  summary.scanned = record.scanned;
  summary.in_place = record.in_place;
  summary.bandwidth_bytes_per_s = record.bandwidth;
  for (const auto& stored : record.totals) {
    (stored.name.empty() ? summary.totals : summary.by_policy[stored.name]) = from_stored(stored);
  }
  for (auto& skip : record.skipped) {
    summary.skipped.push_back({skip.reason, skip.objects, skip.examples});
  }
  return plan;
}

std::string plan_key(std::string_view id) { return "p" + std::string{id}; }

std::string plan_row_key(std::string_view id, uint64_t seq) {
  std::string key = plan_key(id) + '\0';
  append_be64(key, seq);
  return key;
}

Result<std::optional<StoredPlan>> find_plan(const io::Context& context, kv::Store& store,
                                            const std::string& id) {
  // A row's key holds a zero byte: no id from outside may name it.
  if (id.empty() || id.find('\0') != std::string::npos) return std::nullopt;
  BR_TRY(row, store.get(context, plan_key(id)));
  if (!row) return std::nullopt;
  return decode_plan(*row);
}

Result<std::vector<StoredPlan>> all_plans(const io::Context& context, kv::Store& store) {
  std::vector<StoredPlan> plans;
  for (std::string first = "p";;) {
    BR_TRY(rows, store.scan(context, first, "q", 1));
    if (rows.empty()) return plans;
    const std::string& key = rows.front().key;
    const size_t zero = key.find('\0');
    if (zero == std::string::npos) {
      BR_TRY(plan, decode_plan(rows.front().value));
      plans.push_back(std::move(plan));
    } else {
      plans.emplace_back();  // rows without a summary
      plans.back().summary.id = key.substr(1, zero - 1);
    }
    // Behind all rows of this plan.
    first = key.substr(0, zero) + '\x01';
  }
}

Result<std::vector<meta::NumberedMove>> rows_of_plan(const io::Context& context, kv::Store& store,
                                                     const std::string& id, uint64_t after,
                                                     size_t limit) {
  std::vector<meta::NumberedMove> rows;
  if (after == UINT64_MAX) return rows;
  BR_TRY(found, store.scan(context, plan_row_key(id, after + 1), plan_key(id) + '\x01', limit));
  rows.reserve(found.size());
  for (const auto& row : found) {
    BR_TRY(move, meta::decode_move(row.value));
    rows.push_back(
        {read_be64(std::string_view{row.key}.substr(row.key.size() - 8)), std::move(move)});
  }
  return rows;
}

Result<void> remove_plan(const io::Context& context, kv::Store& store, const std::string& id) {
  kv::Batch batch;
  batch.remove(plan_key(id));
  BR_TRY(store.commit(context, std::move(batch), kv::Durability::kBuffered));
  return remove_rows(context, store, plan_row_key(id, 0), plan_key(id) + '\x01');
}

Result<void> remove_run(const io::Context& context, kv::Store& store, const std::string& id) {
  kv::Batch batch;
  batch.remove(meta::run_key(id));
  BR_TRY(store.commit(context, std::move(batch), kv::Durability::kBuffered));
  return remove_rows(context, store, meta::move_key(id, 0), meta::move_key(id, UINT64_MAX) + '\0');
}

Result<void> PlanWriter::add(const meta::MoveRecord& row) {
  batch_.put(plan_row_key(id_, ++seq_), meta::encode(row));
  if (++waiting_ < kBatchRows) return {};
  waiting_ = 0;
  BR_TRY(store_.commit(context_, std::exchange(batch_, {}), kv::Durability::kBuffered));
  return {};
}

Result<void> PlanWriter::finish(const StoredPlan& plan) {
  batch_.put(plan_key(id_), encode(plan));
  BR_TRY(store_.commit(context_, std::exchange(batch_, {}), kv::Durability::kSync));
  return {};
}

std::string_view to_string(PlanRow::Kind kind) {
  switch (kind) {
    case PlanRow::Kind::kMove: return "move";
    case PlanRow::Kind::kReplicate: return "replicate";
    case PlanRow::Kind::kRemoveSpare: return "remove-spare";
    case PlanRow::Kind::kRewriteClass: return "rewrite";
  }
  return "move";
}

}  // namespace beringia::policy
