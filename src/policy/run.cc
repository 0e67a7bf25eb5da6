#include "policy/run.h"

#include <algorithm>

#include "observe/log.h"
#include "observe/metrics.h"
#include "policy/placement.h"

namespace beringia::policy {
namespace {

constexpr int kCleaners = 8;
constexpr int64_t kMaxWaitingToClean = 8'000;
constexpr double kNanosPerSecond = 1e9;

const observe::Counter kMoves{"beringia_policy_moves_total", "Rows of runs that ended.", {"state"}};
const observe::Counter kMovedBytes{"beringia_policy_copied_bytes_total",
                                   "Bytes read from sources by moves."};

/// Another try could not help.
bool is_final(const Error& error) {
  switch (error.code()) {
    case Code::kDenied:
    case Code::kInvalid:
    case Code::kUnsupported:
    case Code::kNotFound:
    case Code::kAlreadyExists: return true;
    default: return false;
  }
}

bool moves_bytes(const meta::MoveRecord& move) {
  const auto kind = kind_of(move);
  return kind == PlanRow::Kind::kMove || kind == PlanRow::Kind::kReplicate;
}

}  // namespace

void RateMeter::add(MonotonicTime now, uint64_t bytes) {
  const int64_t number = now.nanos / 1'000'000'000;
  std::lock_guard lock{mutex_};
  Second& second = seconds_[static_cast<size_t>(number) % kSeconds];
  if (second.number != number) second = {number, 0};
  second.bytes += bytes;
}

double RateMeter::bytes_per_s(MonotonicTime now) const {
  const int64_t number = now.nanos / 1'000'000'000;
  const int64_t oldest = number - static_cast<int64_t>(kSeconds) + 1;
  uint64_t bytes = 0;
  int64_t first = number;
  std::lock_guard lock{mutex_};
  for (const Second& second : seconds_) {
    if (second.number < oldest || second.number > number) continue;
    bytes += second.bytes;
    first = std::min(first, second.number);
  }
  const double span = static_cast<double>(now.nanos) / kNanosPerSecond - static_cast<double>(first);
  return static_cast<double>(bytes) / std::max(span, 1.0);
}

Run::Run(const Services& services, const Options& options, meta::RunRecord record,
         const Policies& policies)
    : services_{services},
      options_{options},
      record_{std::move(record)},
      share_{services_,
             record_.id,
             record_.principal,
             record_.policies,
             RateLimit{record_.bandwidth_bytes_per_s},
             {},
             {}},
      feed_{services_.parts.store, record_.id, record_.plan_id},
      quiet_{io::Context{"run " + record_.id}.with_work(work_)},
      waiting_{quiet_.with_cancel(stop_token_)},
      copying_{quiet_.with_cancel(cancel_token_)},
      room_to_clean_{kMaxWaitingToClean} {
  for (const auto& name : record_.policies) {
    const CompiledPolicy* policy = policies.find(name);
    const uint64_t cap = policy == nullptr ? 0 : policy->declaration.bandwidth_bytes_per_s;
    if (cap != 0) share_.by_policy[name] = std::make_unique<RateLimit>(cap);
  }
  work_->calls.class_a = record_.class_a_calls;
  work_->calls.class_b = record_.class_b_calls;
  work_->calls.free = record_.free_calls;
  work_->calls.nano_usd = record_.calls_nano_usd;
  share_.note_bytes = [this](uint64_t bytes) {
    bytes_copied_ += bytes;
    kMovedBytes.add(bytes);
    meter_.add(services_.parts.clock.monotonic(), bytes);
  };
}

void Run::start() {
  services_.runtime.spawn([self = shared_from_this()] { self->supervise(); });
}

void Run::cancel() {
  cancelled_ = true;
  cancel_token_->cancel();
}

void Run::stop() {
  stopping_ = true;
  stop_token_->cancel();
  cancel_token_->cancel();
  (void)ended_.wait(io::Context{});
}

void Run::start_fibers(int count, void (Run::*body)()) {
  for (int i = 0; i < count; ++i) {
    services_.runtime.spawn([self = shared_from_this(), body] {
      (self.get()->*body)();
      self->fibers_ended_.release();
    });
  }
}

void Run::supervise() {
  const int workers = std::max(options_.parallel_moves, 1);
  start_fibers(workers, &Run::work);
  start_fibers(kCleaners, &Run::clean);
  // A simulated crash ends this wait early; the fibers end by themselves then.
  for (int i = 0; i < workers; ++i) (void)fibers_ended_.acquire(quiet_);
  {
    std::lock_guard lock{mutex_};
    no_more_to_clean_ = true;
  }
  ready_to_clean_.release(kCleaners);
  for (int i = 0; i < kCleaners; ++i) (void)fibers_ended_.acquire(quiet_);
  if (!stopping_ && !broken_ && !io::crashed()) finish();
  if (stopping_ && !broken_ && !io::crashed()) save_calls();
  ended_.set();
}

void Run::fail(const Error& error) {
  if (broken_.exchange(true) || stopping_ || io::crashed()) return;
  observe::log_error("run_broken", "A run stopped and goes on at the next start.",
                     {observe::field("run", record_.id), observe::field("why", error.to_string())});
}

void Run::work() {
  while (!stopping_ && !broken_) {
    if (cancelled_) break;
    auto group = feed_.next(quiet_);
    if (!group) return fail(group.error());
    if (group->empty()) return;
    ++active_;
    for (auto& row : *group) {
      auto handled = handle(row);
      if (!handled) {
        fail(handled.error());
        break;
      }
      if (stopping_) break;
    }
    --active_;
  }
  // A cancelled run still looks after the moves that a crash before had left in the middle.
  while (cancelled_ && !stopping_ && !broken_) {
    auto group = feed_.next(quiet_);
    if (!group) return fail(group.error());
    if (group->empty()) return;
    for (auto& row : *group) {
      if (row.move.state == State::kPlanned) continue;
      if (auto handled = handle(row); !handled) return fail(handled.error());
    }
  }
}

/// @error the row stands where it is and the run cannot go on (stopped, or the store failed)
Result<void> Run::handle(meta::NumberedMove& row) {
  const bool open = row.move.state < State::kCleaning;
  if (open) BR_TRY(advance(row));
  if (stopping_ && row.move.state < State::kCleaning) return {};
  BR_TRY(count(row, !open));
  if (row.move.state == State::kCleaning) return enqueue(row);
  return {};
}

Result<void> Run::count(const meta::NumberedMove& row, bool from_journal) {
  const meta::MoveRecord& move = row.move;
  if (!from_journal) kMoves.add(1, {to_string(move.state)});
  if (move.state == State::kCleaning || move.state == State::kDone) {
    ++objects_done_;
    if (moves_bytes(move)) bytes_done_ += move.size;
    if (from_journal && moves_bytes(move)) bytes_copied_ += move.size;
    return {};
  }
  ++(move.state == State::kSkipped ? skipped_ : failed_);
  std::lock_guard lock{mutex_};
  problems_.add(move.note, move.path);
  return {};
}

Result<void> Run::advance(meta::NumberedMove& row) {
  // Kept over the attempts: what was copied before still counts.
  Mover mover{waiting_, copying_, share_, row.seq, row.move};
  for (int attempt = 1;; ++attempt) {
    if (cancelled_) {
      return give_up(row, State::kSkipped, "the run was cancelled");
    }
    BR_TRY(wait_for_budget(row.move));
    if (stopping_) return {};
    if (cancelled_) continue;
    row.move.attempts = static_cast<uint32_t>(attempt);
    auto moved = mover.advance();
    if (moved || stopping_) return {};
    if (cancelled_) continue;
    const Error& error = moved.error();
    observe::log_debug(
        "move_postponed", "A move did not get on and is tried again.",
        {observe::field("run", record_.id), observe::field("why", error.to_string())});
    if (error.tag() == backend::kCallBudget) {
      // Not the move's fault, and it may last: such a try does not count.
      {
        std::lock_guard lock{mutex_};
        waits_for_ = error.what() + ": " + error.why();
      }
      BR_TRY(back_off(options_.max_attempts));
      if (stopping_) return {};
      --attempt;
      continue;
    }
    if (is_final(error) || attempt >= options_.max_attempts) {
      return give_up(row, State::kFailed, error.why().empty() ? error.what() : error.why());
    }
    BR_TRY(back_off(attempt));
    if (error.code() == Code::kUnavailable) BR_TRY(wait_for_backends(row.move));
    if (stopping_) return {};
  }
}

Result<void> Run::wait_for_budget(const meta::MoveRecord& move) {
  const auto mounts = services_.parts.mounts.get();
  for (const meta::BackendId id : {move.from, move.to}) {
    const auto live = mounts->backend(id);
    if (live && live->ledger) BR_TRY(wait_for_budget(*live));
    if (move.from == move.to) break;
  }
  return {};
}

Result<void> Run::wait_for_budget(const core::LiveBackend& live) {
  while (!stopping_ && !cancelled_) {
    auto admitted = live.ledger->admit(waiting_);
    std::lock_guard lock{mutex_};
    if (admitted) {
      waits_for_.clear();
      return {};
    }
    if (stopping_) return {};
    if (admitted.error().code() != Code::kBusy) return admitted;
    waits_for_ = admitted.error().what() + ": " + admitted.error().why();
  }
  return {};
}

/// What it takes to end a row is tried until it works: a copy that is left behind unguarded could
/// come back one day.
Result<void> Run::give_up(meta::NumberedMove& row, State state, const std::string& note) {
  for (int attempt = 1;; ++attempt) {
    Mover mover{waiting_, copying_, share_, row.seq, row.move};
    auto ended = mover.give_up(state, note);
    if (ended || stopping_) return {};
    if (io::crashed()) return ended;
    BR_TRY(back_off(attempt));
    if (ended.error().code() == Code::kUnavailable) BR_TRY(wait_for_backends(row.move));
    if (stopping_) return {};
  }
}

Result<void> Run::back_off(int attempt) {
  constexpr int kMaxDoublings = 16;
  const auto doubled = options_.first_backoff * (1 << std::min(attempt - 1, kMaxDoublings));
  const auto wait = std::min<Duration>(doubled, options_.max_backoff);
  const auto spread = static_cast<uint64_t>(wait.count()) / 2 + 1;
  const Duration jittered{wait.count() / 2 +
                          static_cast<int64_t>(services_.parts.rng.next() % spread)};
  auto slept = io::sleep_for(waiting_, jittered);
  if (!slept && !stopping_) return slept;
  return {};
}

/// A backend that is away stops the whole run, not one move after the other.
Result<void> Run::wait_for_backends(const meta::MoveRecord& move) {
  auto guard = io::MutexGuard::lock(waiting_, probing_);
  for (int attempt = 1; guard && !stopping_ && !cancelled_; ++attempt) {
    const auto mounts = services_.parts.mounts.get();
    std::string why;
    for (const meta::BackendId id : {move.from, move.to}) {
      const auto live = mounts->backend(id);
      if (!live) continue;
      auto probed = live->client->probe(waiting_);
      if (!probed && probed.error().code() == Code::kUnavailable) {
        why = "backend " + live->declaration.name + ": " + probed.error().to_string();
      }
    }
    {
      std::lock_guard lock{mutex_};
      paused_why_ = why;
    }
    if (why.empty()) return {};
    BR_TRY(back_off(attempt));
  }
  std::lock_guard lock{mutex_};
  paused_why_.clear();
  return {};
}

Result<void> Run::enqueue(const meta::NumberedMove& row) {
  ++cleaning_;
  auto room = room_to_clean_.acquire(waiting_);
  if (!room) return stopping_ ? Result<void>{} : room;
  // The clock that the commit used is the wall's; after a restart a little more grace is no harm.
  const MonotonicTime due = services_.parts.clock.monotonic() + options_.grace;
  {
    std::lock_guard lock{mutex_};
    to_clean_.push_back({row, due});
  }
  ready_to_clean_.release();
  return {};
}

bool Run::next_to_clean(Cleaning& next) {
  if (!ready_to_clean_.acquire(waiting_)) return false;
  std::lock_guard lock{mutex_};
  if (to_clean_.empty()) return false;  // no_more_to_clean_
  next = std::move(to_clean_.front());
  to_clean_.pop_front();
  return true;
}

void Run::clean() {
  Cleaning next;
  while (next_to_clean(next)) {
    room_to_clean_.release();
    const Duration wait = next.due - services_.parts.clock.monotonic();
    if (wait.count() > 0 && !io::sleep_for(waiting_, wait)) return;
    if (auto cleaned = clean_row(next.row); !cleaned) return fail(cleaned.error());
    --cleaning_;
  }
}

Result<void> Run::clean_row(meta::NumberedMove& row) {
  for (int attempt = 1;; ++attempt) {
    Mover mover{waiting_, copying_, share_, row.seq, row.move};
    auto cleaned = mover.clean();
    if (!cleaned && attempt >= options_.max_attempts) return cleaned;
    if (!cleaned) {
      BR_TRY(back_off(attempt));
      if (stopping_) return cleaned;
      continue;
    }
    if (row.move.state == State::kFailed) {
      --objects_done_;
      ++failed_;
    }
    if (row.move.note.empty()) return {};
    std::lock_guard lock{mutex_};
    problems_.add(row.move.note, row.move.path);
    return {};
  }
}

void Run::note_calls(meta::RunRecord& record) const {
  record.class_a_calls = work_->calls.class_a;
  record.class_b_calls = work_->calls.class_b;
  record.free_calls = work_->calls.free;
  record.calls_nano_usd = work_->calls.nano_usd;
}

/// The run goes on with them after the next start.
void Run::save_calls() {
  meta::RunRecord record = record_;
  note_calls(record);
  kv::Batch batch;
  batch.put(meta::run_key(record.id), meta::encode(record));
  auto saved = services_.parts.store.commit(io::Context{}, std::move(batch), kv::Durability::kSync);
  if (saved) return;
  observe::log_warn(
      "run_calls_not_saved", "A run forgets how many calls it has sent so far.",
      {observe::field("run", record.id), observe::field("why", saved.error().to_string())});
}

void Run::finish() {
  using RunState = meta::RunRecord::State;
  meta::RunRecord record = record_;
  record.state = cancelled_    ? RunState::kCancelled
                 : failed_ > 0 ? RunState::kFailed
                               : RunState::kDone;
  record.ended = services_.parts.clock.wall();
  record.objects_done = objects_done_;
  record.bytes_done = bytes_done_;
  record.objects_skipped = skipped_;
  record.objects_failed = failed_;
  note_calls(record);
  {
    std::lock_guard lock{mutex_};
    for (auto& total : problems_.totals()) {
      record.problems.push_back({total.reason, total.objects, total.examples});
    }
  }
  kv::Batch batch;
  batch.put(meta::run_key(record.id), meta::encode(record));
  auto saved = services_.parts.store.commit(quiet_, std::move(batch), kv::Durability::kSync);
  if (!saved) return fail(saved.error());
  std::lock_guard lock{mutex_};
  record_ = std::move(record);
  observe::log_info("run_ended", "A run has ended.",
                    {observe::field("run", record_.id),
                     observe::field("state", std::string{to_string(record_.state)}),
                     observe::field("objects", record_.objects_done)});
}

RunStatus status_of(const meta::RunRecord& record) {
  RunStatus status;
  status.id = record.id;
  status.plan_id = record.plan_id;
  status.principal = record.principal;
  status.state = record.state;
  status.started = record.started;
  status.ended = record.ended;
  status.policies = record.policies;
  status.objects = record.objects;
  status.bytes = record.bytes;
  status.objects_done = record.objects_done;
  status.bytes_done = status.bytes_copied = record.bytes_done;
  status.objects_skipped = record.objects_skipped;
  status.objects_failed = record.objects_failed;
  status.bandwidth_bytes_per_s = record.bandwidth_bytes_per_s;
  status.calls = {record.class_a_calls, record.class_b_calls, record.free_calls};
  status.calls_cost = {static_cast<int64_t>(record.calls_nano_usd)};
  for (const auto& problem : record.problems) {
    status.reasons.push_back({problem.reason, problem.objects, problem.examples});
  }
  return status;
}

RunStatus Run::status() const {
  const MonotonicTime now = services_.parts.clock.monotonic();
  std::unique_lock lock{mutex_};
  RunStatus status = status_of(record_);
  if (record_.state != meta::RunRecord::State::kRunning) return status;
  status.calls = {work_->calls.class_a, work_->calls.class_b, work_->calls.free};
  status.calls_cost = {static_cast<int64_t>(work_->calls.nano_usd)};
  status.paused_why = paused_why_.empty() ? waits_for_ : paused_why_;
  status.paused = !status.paused_why.empty();
  status.reasons = problems_.totals();
  lock.unlock();
  status.objects_done = objects_done_;
  status.bytes_done = bytes_done_;
  status.bytes_copied = bytes_copied_;
  status.objects_skipped = skipped_;
  status.objects_failed = failed_;
  status.objects_cleaning = cleaning_;
  status.objects_active = active_;
  status.rate_bytes_per_s = meter_.bytes_per_s(now);
  const uint64_t ended = status.objects_done + status.objects_skipped + status.objects_failed;
  const auto elapsed =
      static_cast<double>(services_.parts.clock.wall().micros - record_.started.micros) / 1e6;
  if (ended == 0 || elapsed <= 0 || status.objects < ended) return status;
  double seconds =
      elapsed / static_cast<double>(ended) * static_cast<double>(status.objects - ended);
  if (status.rate_bytes_per_s > 0 && status.bytes > status.bytes_copied) {
    seconds = std::max(
        seconds, static_cast<double>(status.bytes - status.bytes_copied) / status.rate_bytes_per_s);
  }
  status.remaining = Duration{static_cast<int64_t>(seconds * kNanosPerSecond)};
  return status;
}

}  // namespace beringia::policy
