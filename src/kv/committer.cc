#include "kv/committer.h"

#include <algorithm>
#include <utility>

#include "io/runtime.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::kv {
namespace {

const observe::Counter kCommits{
    "beringia_kv_commits_total", "Batches committed, by outcome.", {"outcome"}};
const observe::Counter kGroups{
    "beringia_kv_groups_total", "Groups of batches written by one engine write.", {"durability"}};

Error poisoned(const Error& cause) {
  return {Code::kUnavailable, Retry::kNever, "the catalog refuses changes",
          "an earlier write to it failed: " + cause.to_string(),
          "check the disk of the data directory, then restart beringia"};
}

Error maybe_applied(const Error& cause) {
  return {Code::kUnavailable, Retry::kMaybeApplied, "cannot write the catalog: " + cause.what(),
          cause.why(), "check the disk of the data directory, then restart beringia"};
}

}  // namespace

/// One call of commit(). Shared by the caller and the group it is written in: the caller may be
/// gone (simulated crash) before the group ends.
struct Committer::Waiter {
  enum class State { kQueued, kLeads, kTaken, kDone };
  Batch batch;
  size_t bytes = 0;
  Durability durability = Durability::kSync;
  io::Event woken;  // set when done, or when this one is to lead
  State state = State::kQueued;
  std::optional<Result<Committed>> result;
};

Committer::Committer(Engine& engine, Numbers numbers)
    : engine_{engine}, numbers_{std::move(numbers)} {}

Committer::~Committer() = default;

Result<Committed> Committer::commit(const io::Context& context, Batch batch,
                                    Durability durability) {
  BR_TRY(context.check(io::now()));
  BR_TRY(check_limits(batch));
  auto waiter = std::make_shared<Waiter>();
  waiter->bytes = batch.bytes();
  waiter->batch = std::move(batch);
  waiter->durability = durability;
  bool leads = false;
  {
    std::lock_guard lock{mutex_};
    if (poison_) return std::unexpected(poisoned(*poison_));
    if (queue_.size() >= kMaxQueued) {
      return std::unexpected(busy("cannot commit", "too many commits wait for the catalog's disk"));
    }
    leads = join(waiter);
  }
  if (!leads) {
    BR_TRY(handed, follow(context, waiter));
    leads = handed;
  }
  if (leads) lead();
  std::lock_guard lock{mutex_};
  kCommits.add(1, {*waiter->result                                     ? "committed"
                   : waiter->result->error().code() == Code::kConflict ? "conflict"
                                                                       : "failed"});
  return std::move(*waiter->result);
}

/// @return true: the caller leads. Caller holds the mutex.
bool Committer::join(const std::shared_ptr<Waiter>& waiter) {
  queue_.push_back(waiter);
  if (led_) return false;
  led_ = true;
  waiter->state = Waiter::State::kLeads;
  return true;
}

/// Parks until done or handed the lead. @return true: the caller leads now
Result<bool> Committer::follow(const io::Context& context, const std::shared_ptr<Waiter>& waiter) {
  auto woken = waiter->woken.wait(context);
  {
    std::lock_guard lock{mutex_};
    if (waiter->state == Waiter::State::kLeads) return true;
    if (waiter->state == Waiter::State::kDone) return false;
    if (waiter->state == Waiter::State::kQueued) {
      std::erase(queue_, waiter);
      return std::unexpected(std::move(woken).error());
    }
  }
  // Taken into a group: its fate is being written, the deadline comes too late.
  auto done = waiter->woken.wait(io::Context{});
  if (done) return false;
  return std::unexpected(Error{Code::kUnavailable, Retry::kMaybeApplied, "cannot commit",
                               "the wait for the catalog's disk was broken off"});
}

void Committer::lead() {
  Waiters group = take_group();
  if (engine_.blocks()) {
    io::blocking([&] { write(group); });
  } else {
    write(group);
  }
  complete(group);
}

Committer::Waiters Committer::take_group() {
  std::lock_guard lock{mutex_};
  Waiters group;
  size_t bytes = 0;
  while (!queue_.empty() && group.size() < kMaxGroupBatches) {
    bytes += queue_.front()->bytes;
    if (bytes > kMaxGroupBytes && !group.empty()) break;
    queue_.front()->state = Waiter::State::kTaken;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return group;
}

/// Judges each batch and writes what they change together. Fills every result.
void Committer::write(Waiters& group) {
  Group pending{engine_,
                [&] {
                  std::lock_guard lock{mutex_};
                  return numbers_;
                }(),
                witnesses_};
  std::optional<Error> refused;
  {
    std::lock_guard lock{mutex_};
    if (poison_) refused = poisoned(*poison_);
  }
  bool sync = false;
  for (auto& waiter : group) {
    if (refused) {
      waiter->result = std::unexpected(*refused);
      continue;
    }
    waiter->result = pending.add(waiter->batch);
    if (*waiter->result && waiter->durability == Durability::kSync) sync = true;
  }
  if (pending.empty()) return;
  const auto written = engine_.write(pending.take_changes(), sync);
  if (written) {
    kGroups.add(1, {sync ? "sync" : "buffered"});
    std::lock_guard lock{mutex_};
    numbers_ = pending.numbers();
    return;
  }
  observe::log_error("catalog_write_failed", "The catalog refuses changes until a restart.",
                     {observe::field("why", written.error().to_string())});
  for (auto& waiter : group) {
    if (*waiter->result) waiter->result = std::unexpected(maybe_applied(written.error()));
  }
  std::lock_guard lock{mutex_};
  poison_ = written.error();
}

/// Wakes the group's callers and passes the lead on.
void Committer::complete(Waiters& group) {
  std::lock_guard lock{mutex_};
  bool appended = false;
  for (auto& waiter : group) {
    appended = appended || (*waiter->result && !(*waiter->result)->appended.empty());
    waiter->state = Waiter::State::kDone;
    waiter->woken.set();
  }
  if (appended || poison_) appended_.notify_all();
  if (queue_.empty()) {
    led_ = false;
  } else {
    queue_.front()->state = Waiter::State::kLeads;
    queue_.front()->woken.set();
  }
}

Result<void> Committer::wait_appended(const io::Context& context, const std::string& stream,
                                      uint64_t after) {
  std::unique_lock lock{mutex_};
  for (;;) {
    const auto found = numbers_.streams.find(stream);
    if (found != numbers_.streams.end() && found->second > after) return {};
    if (poison_) return std::unexpected(poisoned(*poison_));
    BR_TRY(appended_.wait(context, lock));
  }
}

}  // namespace beringia::kv
