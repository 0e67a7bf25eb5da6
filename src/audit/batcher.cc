#include "audit/batcher.h"

#include <algorithm>
#include <utility>

#include "audit/sequencer.h"
#include "io/runtime.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::audit {
namespace {

constexpr size_t kTakeAtOnce = 4096;
constexpr size_t kRowBytes = 32 << 10;  // a row of the stream, unless one record is larger
constexpr size_t kBatchBytes = 4 << 20;
constexpr Duration kRetryInterval = std::chrono::milliseconds{100};

const observe::Counter kRecords{"beringia_audit_records_total",
                                "Records taken from requests that change nothing."};
const observe::Gauge kWaiting{"beringia_audit_waiting_records",
                              "Records that wait to be committed to the audit stream."};
const observe::Counter kLost{"beringia_audit_lost_records_total",
                             "Records lost because the catalog failed; it refuses requests then."};

}  // namespace

Batcher::Batcher(kv::Store& store, Duration interval, std::function<void(uint64_t)> committed)
    : store_{store}, interval_{interval}, committed_{std::move(committed)} {}

void Batcher::record(const io::Context& context, Record record) {
  std::unique_lock lock{mutex_};
  while (waiting_.size() >= kMaxWaiting && !stopping_ && !error_) {
    // Who may not wait any longer is let in beyond the bound: no record is dropped, and there are
    // no more of them than requests under way.
    if (!room_.wait(context, lock)) break;
  }
  if (error_) {
    kLost.add();
    return;
  }
  waiting_.push_back(std::move(record));
  if (waiting_.size() == 1) oldest_ = io::now();
  if (waiting_.size() == 1 || waiting_.size() == kEarlyRecords) work_.notify_one();
}

/// Parks until a batch is due. @return false: nothing is left and none will come
bool Batcher::wait_for_records(Records& taken) {
  std::unique_lock lock{mutex_};
  while (waiting_.empty() && !stopping_) {
    if (!work_.wait(io::Context{}, lock) && io::crashed()) return false;
  }
  const io::Context due = io::Context{}.with_deadline(oldest_ + interval_);
  while (!stopping_ && waiting_.size() < kEarlyRecords && drain_to_ <= taken_) {
    if (!work_.wait(due, lock)) break;
  }
  if (io::crashed()) return false;
  const size_t count = std::min(waiting_.size(), kTakeAtOnce);
  taken.assign(std::make_move_iterator(waiting_.begin()),
               std::make_move_iterator(waiting_.begin() + static_cast<ptrdiff_t>(count)));
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(count));
  taken_ += count;
  oldest_ = io::now();
  kWaiting.set(static_cast<int64_t>(waiting_.size()));
  room_.notify_all();
  return count > 0;
}

void Batcher::run() {
  for (Records records; wait_for_records(records); records.clear()) {
    if (!commit(records)) return;
    kRecords.add(records.size());
    std::lock_guard lock{mutex_};
    done_ = taken_;
    drained_.notify_all();
  }
}

/// @return false: the fiber is to end
bool Batcher::commit(const Records& records) {
  for (size_t next = 0; next < records.size();) {
    kv::Batch rows;
    const size_t first = next;
    io::blocking([&] {
      std::string row;
      while (next < records.size() && rows.bytes() + row.size() < kBatchBytes) {
        std::string json = to_canonical_json(records[next++]);
        if (!row.empty() && row.size() + json.size() > kRowBytes) {
          rows.append(std::string{kStream}, std::exchange(row, {}));
        }
        if (!row.empty()) row += kRecordSeparator;
        row += json;
      }
      if (!row.empty()) rows.append(std::string{kStream}, std::move(row));
    });
    if (!commit_rows(std::move(rows), next - first)) return false;
  }
  return true;
}

bool Batcher::commit_rows(kv::Batch rows, uint64_t count) {
  {
    std::unique_lock lock{mutex_};
    while (behind() && !stopping_ && !io::crashed()) (void)moved_.wait(io::Context{}, lock);
  }
  for (;;) {
    if (io::crashed()) return false;
    auto committed = store_.commit(io::Context{}, rows, kv::Durability::kBuffered);
    if (committed) {
      if (!committed->appended.empty()) last_row_ = committed->appended.back();
      break;
    }
    if (io::crashed()) return false;
    if (committed.error().code() == Code::kBusy) {
      (void)io::sleep_for(io::Context{}, kRetryInterval);
      continue;
    }
    fail(committed.error());
    return false;
  }
  committed_(count);
  return true;
}

/// The catalog refuses changes until a restart, hence requests, too: see Log::ready().
void Batcher::fail(const Error& error) {
  std::lock_guard lock{mutex_};
  observe::log_error("audit_records_lost", "The catalog failed; waiting audit records are lost.",
                     {observe::field("records", static_cast<uint64_t>(waiting_.size())),
                      observe::field("why", error.to_string())});
  kLost.add(waiting_.size() + (taken_ - done_));
  waiting_.clear();
  error_ = error;
  failed_ = true;
  room_.notify_all();
  drained_.notify_all();
}

Result<void> Batcher::drain(const io::Context& context) {
  std::unique_lock lock{mutex_};
  const uint64_t target = taken_ + waiting_.size();
  drain_to_ = std::max(drain_to_, target);
  work_.notify_one();
  while (done_ < target && !error_) BR_TRY(drained_.wait(context, lock));
  if (error_) return std::unexpected(*error_);
  return {};
}

void Batcher::stop() {
  std::lock_guard lock{mutex_};
  stopping_ = true;
  work_.notify_all();
  room_.notify_all();
  moved_.notify_all();
}

void Batcher::moved(uint64_t number) {
  std::lock_guard lock{mutex_};
  moved_row_ = number;
  moved_.notify_all();
}

}  // namespace beringia::audit
