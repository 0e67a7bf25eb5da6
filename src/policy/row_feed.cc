#include "policy/row_feed.h"

#include <iterator>

#include "policy/plan_rows.h"

namespace beringia::policy {
namespace {

constexpr size_t kPage = 512;

}  // namespace

Result<std::vector<meta::NumberedMove>> rows_of_run(const io::Context& context, kv::Store& store,
                                                    const std::string& run_id,
                                                    const std::string& plan_id, uint64_t after,
                                                    size_t limit) {
  BR_TRY(planned, rows_of_plan(context, store, plan_id, after, limit));
  BR_TRY(done, meta::moves_of(context, store, run_id, after, limit));
  // The plan may have been removed since the run ended: then the journal is all there is.
  if (planned.empty()) return std::move(done);
  size_t next = 0;
  for (auto& row : planned) {
    while (next < done.size() && done[next].seq < row.seq) ++next;
    if (next < done.size() && done[next].seq == row.seq) row.move = std::move(done[next].move);
  }
  return std::move(planned);
}

Result<void> RowFeed::fill(const io::Context& context) {
  if (complete_) return {};
  BR_TRY(rows, rows_of_run(context, store_, run_id_, plan_id_, last_, kPage));
  complete_ = rows.size() < kPage;
  if (!rows.empty()) last_ = rows.back().seq;
  page_.erase(page_.begin(), page_.begin() + static_cast<std::ptrdiff_t>(position_));
  position_ = 0;
  page_.insert(page_.end(), std::make_move_iterator(rows.begin()),
               std::make_move_iterator(rows.end()));
  return {};
}

Result<std::vector<meta::NumberedMove>> RowFeed::next(const io::Context& context) {
  BR_TRY(guard, io::MutexGuard::lock(context, mutex_));
  std::vector<meta::NumberedMove> group;
  for (;;) {
    // One row more than taken tells that the entry's rows are all there.
    if (position_ == page_.size()) BR_TRY(fill(context));
    if (position_ == page_.size()) return group;
    auto& row = page_[position_];
    if (!group.empty() && row.move.path != group.front().move.path) return group;
    group.push_back(std::move(row));
    ++position_;
  }
}

}  // namespace beringia::policy
