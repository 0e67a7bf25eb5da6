#include "backend/gcs/pace.h"

#include <algorithm>

#include "io/runtime.h"

namespace beringia::backend::gcs {

namespace {

const observe::Counter kCalls{"beringia_backend_gcs_calls_total",
                              "Requests sent to Cloud Storage, by what Google bills them as and "
                              "for whom they were sent.",
                              {"backend", "class", "work"}};
const observe::Counter kSlowdowns{"beringia_backend_gcs_slowdowns_total",
                                  "Times the service said it is busy and was asked less at once.",
                                  {"backend"}};
const observe::Gauge kLimit{"beringia_backend_gcs_in_flight_limit",
                            "Requests to Cloud Storage that may be under way at once.",
                            {"backend"}};

/// Cuts are no closer: one burst of refusals is one sign.
constexpr Duration kCutPause = std::chrono::seconds{1};
constexpr double kLeastInFlight = 4;
constexpr Duration kHour = std::chrono::hours{1};
/// What may go at once after a pause, in time of the rate.
constexpr Duration kBurst = std::chrono::milliseconds{100};
constexpr double kNanosPerSecond = 1e9;

std::string_view word_of(CallClass cost) {
  return cost == CallClass::kA ? "A" : cost == CallClass::kB ? "B" : "free";
}

}  // namespace

Pace::Pace(std::string name, const PaceLimits& limits)
    : name_{std::move(name)},
      limits_{limits},
      slowdowns_{kSlowdowns.at({name_})},
      in_flight_limit_{static_cast<double>(std::max<size_t>(limits.max_in_flight, 1))} {
  writes_.start = writes_.limit = limits_.writes_per_s;
  reads_.start = reads_.limit = limits_.reads_per_s;
  kLimit.set(static_cast<int64_t>(in_flight_limit_), {name_});
}

Duration Pace::take(Rate& rate, MonotonicTime now) const {
  if (!rate.begun) {
    rate.begun = true;
    rate.since = rate.next = now;
  }
  while (now - rate.since >= limits_.doubling) {
    // The service has grown with what was asked of it; where little was, it shrinks again.
    const double seconds = static_cast<double>(limits_.doubling.count()) / kNanosPerSecond;
    const double used = static_cast<double>(rate.count) / seconds / rate.limit;
    if (used >= 0.5) rate.limit *= 2;
    if (used < 0.25) rate.limit = std::max(rate.limit / 2, rate.start);
    rate.count = 0;
    rate.since = rate.since + limits_.doubling;
    if (rate.limit == rate.start && used < 0.25) rate.since = now;  // nothing left to catch up
  }
  ++rate.count;
  rate.next = std::max(rate.next, now + -kBurst) +
              Duration{static_cast<int64_t>(kNanosPerSecond / rate.limit)};
  return rate.next - now;
}

Result<void> Pace::spend(MonotonicTime now) {
  if (limits_.max_calls_per_hour == 0) return {};
  if (spent_ == 0 || now - hour_ >= kHour) {
    hour_ = now;
    spent_ = 0;
  }
  if (spent_ >= limits_.max_calls_per_hour) {
    return std::unexpected(
        busy("backend \"" + name_ + "\" has used up its calls",
             std::to_string(spent_) + " billed calls were sent within the hour",
             "wait for the next hour, or raise max_calls_per_hour of the backend")
            .with_tag(std::string{kCallBudget}));
  }
  ++spent_;
  return {};
}

Result<void> Pace::enter(const io::Context& context, bool is_write, CallClass cost) {
  Duration wait{0};
  {
    std::unique_lock lock{mutex_};
    if (cost != CallClass::kFree) BR_TRY(spend(io::now()));
    Lane& lane = lanes_[is_write ? 1 : 0];
    while (lane.in_flight >= static_cast<size_t>(in_flight_limit_)) {
      BR_TRY(lane.waiting.wait(context, lock));
    }
    ++lane.in_flight;
    wait = take(is_write ? writes_ : reads_, io::now());
  }
  kCalls.add(1, {name_, word_of(cost), work_of(context)});
  if (limits_.ledger) limits_.ledger->note(context, cost);
  if (wait.count() <= 0) return {};
  auto slept = io::sleep_for(context, wait);
  if (!slept) leave(is_write, 0);
  return slept;
}

void Pace::leave(bool is_write, int status) {
  bool cut = false;
  {
    std::lock_guard lock{mutex_};
    --lanes_[is_write ? 1 : 0].in_flight;
    const auto before = static_cast<size_t>(in_flight_limit_);
    const MonotonicTime now = io::now();
    const auto most = static_cast<double>(std::max<size_t>(limits_.max_in_flight, 1));
    if (status == 429 || status == 503) {
      cut = now >= next_cut_;
      if (cut) {
        in_flight_limit_ = std::max(in_flight_limit_ / 2, std::min(kLeastInFlight, most));
        next_cut_ = now + kCutPause;
      }
    } else if (status != 0 && in_flight_limit_ < most) {
      in_flight_limit_ = std::min(in_flight_limit_ + 1 / in_flight_limit_, most);
    }
    if (static_cast<size_t>(in_flight_limit_) != before) {
      kLimit.set(static_cast<int64_t>(in_flight_limit_), {name_});
    }
    // The limit may have grown past a whole number, for both.
    for (auto& lane : lanes_) {
      if (lane.in_flight < static_cast<size_t>(in_flight_limit_)) lane.waiting.notify_one();
      if (lane.in_flight + 1 < static_cast<size_t>(in_flight_limit_)) lane.waiting.notify_one();
    }
  }
  if (cut) slowdowns_.add();
}

size_t Pace::in_flight_limit() const {
  std::lock_guard lock{mutex_};
  return static_cast<size_t>(in_flight_limit_);
}

double Pace::rate_limit(bool is_write) const {
  std::lock_guard lock{mutex_};
  return is_write ? writes_.limit : reads_.limit;
}

}  // namespace beringia::backend::gcs
