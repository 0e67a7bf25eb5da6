#include "events/change_follower.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "core/foreign_change.h"
#include "io/runtime.h"
#include "io/sync.h"
#include "meta/keys.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::events {
namespace {

constexpr size_t kParallel = 16;  // objects that are looked at at once
constexpr Duration kAfterTrouble = std::chrono::seconds{1};
constexpr Duration kAfterNothing = std::chrono::milliseconds{100};  // emulators answer at once

const observe::Counter kFollowed{
    "beringia_events_native_changes_total",
    "Notifications of foreign changes in a backend, by what came of them.",
    {"backend", "outcome"}};
const observe::Histogram kStaleness{
    "beringia_events_native_staleness_seconds",
    "From a foreign change in a backend until the namespace shows it, as notifications tell.",
    {"backend"}};
const observe::Gauge kNewest{"beringia_events_native_followed_timestamp_seconds",
                             "Time of the newest foreign change that was followed.",
                             {"backend"}};

const char* word_of(core::Followed followed) {
  switch (followed) {
    case core::Followed::kKnown: return "known";
    case core::Followed::kChanged: return "changed";
    case core::Followed::kUnchanged: return "unchanged";
    case core::Followed::kElsewhere: return "elsewhere";
  }
  return "unchanged";
}

bool may_pass(Code code) {
  return code == Code::kUnavailable || code == Code::kBusy || code == Code::kCancelled ||
         code == Code::kConflict;
}

}  // namespace

ChangeFollower::ChangeFollower(core::Namespace::Parts& parts, meta::BackendDeclaration backend,
                               std::unique_ptr<backend::gcs::ChangeFeed> feed)
    : parts_{parts}, backend_{std::move(backend)}, feed_{std::move(feed)} {}

void ChangeFollower::run(const io::Context& context) {
  while (context.check(parts_.clock.monotonic())) {
    auto done = step(context);
    if (done) continue;
    if (!context.check(parts_.clock.monotonic())) break;
    note_trouble(done.error());
    if (!io::sleep_for(context, kAfterTrouble)) break;
  }
}

Result<void> ChangeFollower::step(const io::Context& context) {
  BR_TRY(changes, feed_->pull(context));
  if (changes.empty()) {
    failing_ = false;
    return io::sleep_for(context, kAfterNothing);
  }
  BR_TRY(done, apply(context, std::move(changes)));
  // Only what would survive a power loss is never sent again.
  BR_TRY(remember(context, done));
  BR_TRY(feed_->acknowledge(context, done));
  if (!postponed_) {
    failing_ = false;
    return {};
  }
  return std::unexpected(
      unavailable("cannot follow all changes in backend \"" + backend_.name + "\"",
                  "some objects cannot be looked at now"));
}

Result<ChangeFollower::Changes> ChangeFollower::apply(const io::Context& context, Changes changes) {
  postponed_ = false;
  std::vector<char> is_done(changes.size(), 0);
  size_t next = 0;
  io::Scope scope{context};
  for (size_t i = 0; i < std::min(kParallel, changes.size()); ++i) {
    scope.spawn([&]() -> Result<void> {
      while (next < changes.size()) {
        const size_t mine = next++;
        is_done[mine] = apply_one(scope.context(), changes[mine]) ? 1 : 0;
      }
      return {};
    });
  }
  BR_TRY(scope.join());
  Changes done;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (is_done[i] != 0) {
      done.push_back(std::move(changes[i]));
    } else {
      postponed_ = true;
    }
  }
  return done;
}

bool ChangeFollower::apply_one(const io::Context& context,
                               const backend::gcs::ObjectChange& change) {
  const std::string version = change.generation == 0 ? "" : std::to_string(change.generation);
  const auto followed = core::follow_foreign_change(
      context, parts_, {backend_.id, change.name, version, change.removed});
  if (!followed) {
    if (may_pass(followed.error().code())) return false;
    kFollowed.add(1, {backend_.name, "failed"});
    observe::log_warn("foreign_change_unfollowed",
                      "A foreign change cannot be followed; a look at the object says why.",
                      {observe::field("backend", backend_.name),
                       observe::field("why", followed.error().to_string())});
    return true;
  }
  kFollowed.add(1, {backend_.name, word_of(*followed)});
  if (*followed == core::Followed::kChanged && change.time.micros > 0) {
    const int64_t late = parts_.clock.wall().micros - change.time.micros;
    kStaleness.observe(static_cast<double>(std::max<int64_t>(late, 0)) / 1e6, {backend_.name});
  }
  return true;
}

Result<void> ChangeFollower::remember(const io::Context& context, const Changes& done) {
  if (done.empty()) return {};
  if (newest_micros_ == 0) {
    BR_TRY(row, parts_.store.get(context, meta::change_cursor_key(backend_.name)));
    newest_micros_ = row ? static_cast<int64_t>(parse_u64(*row).value_or(0)) : 0;
  }
  for (const auto& change : done) newest_micros_ = std::max(newest_micros_, change.time.micros);
  kv::Batch batch;
  batch.put(meta::change_cursor_key(backend_.name), std::to_string(newest_micros_));
  // Synced, and with it all that was committed before.
  BR_TRY(parts_.store.commit(context, std::move(batch), kv::Durability::kSync));
  kNewest.set(newest_micros_ / 1'000'000, {backend_.name});
  return {};
}

void ChangeFollower::note_trouble(const Error& error) {
  if (std::exchange(failing_, true)) return;
  observe::log_warn(
      "changes_delayed",
      "Foreign changes in a backend are not followed for now; looks on access are.",
      {observe::field("backend", backend_.name), observe::field("why", error.to_string())});
}

}  // namespace beringia::events
