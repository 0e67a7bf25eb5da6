#include "events/worker.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/kill_point.h"
#include "io/runtime.h"
#include "meta/keys.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::events {
namespace {

constexpr size_t kPage = 256;
/// How many deliveries, and how much time, a crash may repeat.
constexpr int kMaxUnsaved = 64;
constexpr Duration kSaveInterval = std::chrono::seconds{1};
/// A busy feed is looked at this often at most.
constexpr Duration kLinger = std::chrono::milliseconds{5};
constexpr Duration kAfterTrouble = std::chrono::seconds{1};  // with the store
constexpr Duration kLastPatience = std::chrono::seconds{5};  // at the end

const observe::Counter kDelivered{
    "beringia_events_delivered_total", "Notifications that their target took.", {"target"}};
const observe::Counter kAttempts{"beringia_events_failed_attempts_total",
                                 "Notifications that their target did not take, and that are sent "
                                 "again.",
                                 {"target"}};
const observe::Counter kDropped{"beringia_events_dropped_total",
                                "Notifications that were given up (refused, expired), or feed rows "
                                "that were trimmed before they were read (trimmed).",
                                {"target", "reason"}};
const observe::Gauge kWaiting{
    "beringia_events_waiting_seconds", "Age of the notification that is being sent.", {"target"}};

}  // namespace

Worker::Worker(core::Namespace::Parts& parts, meta::NotificationTargetDeclaration target,
               std::unique_ptr<Sender> sender, const MessageOptions& message, Patience patience)
    : parts_{parts},
      target_{std::move(target)},
      sender_{std::move(sender)},
      message_{message},
      patience_{patience} {}

void Worker::run(const io::Context& context) {
  for (;;) {
    auto done = step(context);
    if (done) continue;
    if (!context.check(parts_.clock.monotonic())) break;
    observe::log_warn(
        "events_delayed", "Notifications cannot go on for now.",
        {observe::field("target", target_.name), observe::field("why", done.error().to_string())});
    if (!io::sleep_for(context, kAfterTrouble)) break;
  }
  const auto last = io::Context{}.with_deadline(parts_.clock.monotonic() + kLastPatience);
  if (auto saved = save(last); !saved) {
    observe::log_debug("events_unsaved", "Some notifications will be repeated.",
                       {observe::field("target", target_.name)});
  }
}

Result<void> Worker::step(const io::Context& context) {
  if (!loaded_) BR_TRY(load(context));
  BR_TRY(rows, meta::feed_after(context, parts_.store, cursor_, kPage));
  for (const auto& row : rows) {
    note_gap(row.number);
    BR_TRY(deliver_row(context, row));
    cursor_ = row.number;
    is_new_ = false;
    if (unsaved_deliveries_ >= kMaxUnsaved) BR_TRY(save(context));
  }
  const MonotonicTime now = parts_.clock.monotonic();
  if (cursor_ != saved_ && now - saved_at_ >= kSaveInterval) BR_TRY(save(context));
  if (rows.size() == kPage) return {};
  // What is not remembered yet is, soon, though nothing else happens.
  const bool unsaved = cursor_ != saved_;
  const auto waiting = unsaved ? context.with_deadline(now + kSaveInterval) : context;
  auto more = parts_.store.wait_appended(waiting, std::string{meta::kFeedStream}, cursor_);
  if (!more && !(unsaved && more.error().code() == Code::kCancelled)) return more;
  BR_TRY(context.check(parts_.clock.monotonic()));
  return more ? io::sleep_for(context, kLinger) : Result<void>{};
}

Result<void> Worker::deliver_row(const io::Context& context, const meta::NumberedFeed& row) {
  const auto& deliveries = row.record.event.deliveries;
  for (size_t i = 0; i < deliveries.size(); ++i) {
    if (deliveries[i].target == target_.name) BR_TRY(deliver(context, row, i));
  }
  return {};
}

Result<void> Worker::deliver(const io::Context& context, const meta::NumberedFeed& row,
                             size_t index) {
  auto body = render_message(row, index, target_.kind, target_.name, message_);
  if (!body) {
    give_up(row, "refused", body.error().to_string());
    return {};
  }
  if (!*body) return {};
  Duration backoff = patience_.first_backoff;
  for (int refusals = 0;;) {
    std::string why;
    BR_TRY(answer, attempt(context, **body, why));
    if (answer == Answer::kTaken) {
      note_success();
      ++unsaved_deliveries_;
      BR_KILL_POINT("events.delivered");
      return {};
    }
    kAttempts.add(1, {target_.name});
    const int64_t age_micros = parts_.clock.wall().micros - row.record.time.micros;
    kWaiting.set(age_micros / 1'000'000, {target_.name});
    if (answer == Answer::kRefused && ++refusals >= patience_.max_refusals) {
      give_up(row, "refused", why);
      return {};
    }
    if (age_micros > patience_.max_age.count() / 1000) {
      give_up(row, "expired", why);
      return {};
    }
    note_failure(why);
    // What was delivered before is not to be repeated because this one takes long.
    if (unsaved_deliveries_ > 0) BR_TRY(save(context));
    BR_TRY(io::sleep_for(context, backoff));
    backoff = std::min(backoff * 2, patience_.max_backoff);
  }
}

Result<Worker::Answer> Worker::attempt(const io::Context& context, const std::string& body,
                                       std::string& why) {
  auto status = sender_->send(context, body);
  if (!status) {
    BR_TRY(context.check(parts_.clock.monotonic()));
    why = status.error().to_string();
    return Answer::kFailed;
  }
  if (*status >= 200 && *status < 300) return Answer::kTaken;
  why = "it answered HTTP " + std::to_string(*status);
  // These can be put right at the target; the others say that this message is the trouble.
  constexpr int kMayPass[] = {401, 403, 404, 408, 425, 429};
  const bool may_pass =
      *status >= 500 || std::ranges::find(kMayPass, *status) != std::end(kMayPass);
  return may_pass ? Answer::kFailed : Answer::kRefused;
}

void Worker::give_up(const meta::NumberedFeed& row, const char* reason, const std::string& why) {
  kDropped.add(1, {target_.name, reason});
  observe::log_warn("event_dropped", "A notification was given up; its target never hears of it.",
                    {observe::field("target", target_.name), observe::field("reason", reason),
                     observe::field("number", row.number), observe::field("why", why)});
}

/// The feed is trimmed though this target has not read it: docs/events.md.
void Worker::note_gap(uint64_t next) {
  if (is_new_ || next <= cursor_ + 1) return;
  const uint64_t lost = next - cursor_ - 1;
  kDropped.add(lost, {target_.name, "trimmed"});
  observe::log_warn("events_trimmed",
                    "The feed went on without a target that was away too long; notifications to it "
                    "are lost.",
                    {observe::field("target", target_.name), observe::field("rows", lost)});
}

void Worker::note_failure(const std::string& why) {
  if (std::exchange(failing_, true)) return;
  observe::log_warn("notification_target_fails",
                    "A notification target does not take what it is sent; it waits.",
                    {observe::field("target", target_.name), observe::field("why", why)});
}

void Worker::note_success() {
  kDelivered.add(1, {target_.name});
  if (!std::exchange(failing_, false)) return;
  kWaiting.set(0, {target_.name});
  observe::log_info("notification_target_works", "A notification target takes messages again.",
                    {observe::field("target", target_.name)});
}

Result<void> Worker::load(const io::Context& context) {
  BR_TRY(row, parts_.store.get(context, meta::event_cursor_key(target_.name)));
  is_new_ = !row;
  cursor_ = saved_ = row ? parse_u64(*row).value_or(0) : 0;
  saved_at_ = parts_.clock.monotonic();
  loaded_ = true;
  return {};
}

/// Buffered: after a power loss the target hears some events once more.
Result<void> Worker::save(const io::Context& context) {
  if (!loaded_ || cursor_ == saved_) return {};
  kv::Batch batch;
  batch.put(meta::event_cursor_key(target_.name), std::to_string(cursor_));
  const uint64_t saving = cursor_;
  BR_TRY(parts_.store.commit(context, std::move(batch), kv::Durability::kBuffered));
  saved_ = saving;
  saved_at_ = parts_.clock.monotonic();
  unsaved_deliveries_ = 0;
  return {};
}

}  // namespace beringia::events
