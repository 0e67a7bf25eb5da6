#include "backend/call_ledger.h"

#include <algorithm>

#include "io/runtime.h"

namespace beringia::backend {

namespace {

const observe::Counter kWaits{"beringia_backend_call_budget_waits_total",
                              "Times background work waited for the budget of calls.",
                              {"backend"}};

constexpr double kNanosPerSecond = 1e9;
constexpr int64_t kMicrosPerDay = 86'400'000'000;
/// What may go at once after a pause, in time of the rate.
constexpr Duration kBurst = std::chrono::milliseconds{100};
/// Users may send more than the budget gives; background work makes up for no more than this.
constexpr Duration kMaxUserDebt = std::chrono::seconds{10};

void add_to(io::CallTally& tally, CallClass cost, uint64_t nano_usd) {
  auto& slot = cost == CallClass::kA   ? tally.class_a
               : cost == CallClass::kB ? tally.class_b
                                       : tally.free;
  slot.fetch_add(1, std::memory_order_relaxed);
  if (nano_usd != 0) tally.nano_usd.fetch_add(nano_usd, std::memory_order_relaxed);
}

Duration step_of(uint64_t per_second) {
  return Duration{static_cast<int64_t>(kNanosPerSecond / static_cast<double>(per_second))};
}

}  // namespace

std::string_view work_of(const io::Context& context) {
  return context.work() ? std::string_view{context.work()->kind} : "users";
}

CallCount CallCount::of(const io::CallTally& tally) {
  return {tally.class_a, tally.class_b, tally.free, tally.nano_usd};
}

CallLedger::CallLedger(std::string name) : name_{std::move(name)}, waits_{kWaits.at({name_})} {
  by_mount_[""] = std::make_shared<io::CallTally>();
}

void CallLedger::set(const CallBudget& budget, const CallPrices& prices) {
  std::lock_guard lock{mutex_};
  budget_ = budget;
  prices_ = prices;
}

void CallLedger::set_mounts(std::vector<std::pair<std::string, std::string>> mount_of_prefix) {
  std::ranges::sort(mount_of_prefix, std::ranges::greater{},
                    [](const auto& one) { return one.first.size(); });
  std::lock_guard lock{mutex_};
  mount_of_prefix_ = std::move(mount_of_prefix);
  for (const auto& [prefix, mount] : mount_of_prefix_) {
    auto& tally = by_mount_[mount];
    if (!tally) tally = std::make_shared<io::CallTally>();
  }
}

void CallLedger::begin_day() {
  const int64_t day = io::current_clock().wall().micros / kMicrosPerDay;
  if (day == day_) return;
  day_ = day;
  today_ = 0;
}

void CallLedger::note(const io::Context& context, CallClass cost) {
  const std::string_view kind = work_of(context);
  const MonotonicTime now = io::now();
  std::lock_guard lock{mutex_};
  const uint64_t price = cost == CallClass::kA   ? prices_.class_a_nano_usd
                         : cost == CallClass::kB ? prices_.class_b_nano_usd
                                                 : 0;
  add_to(total_, cost, price);
  add_to(by_work_[std::string{kind}], cost, price);
  if (context.work()) add_to(context.work()->calls, cost, price);
  add_to(context.account() ? *context.account() : *by_mount_[""], cost, price);
  if (cost == CallClass::kFree) return;
  begin_day();
  ++today_;
  if (budget_.per_second == 0) return;
  const MonotonicTime before = paid_at_;
  paid_at_ = std::max(paid_at_, now + -kBurst) + step_of(budget_.per_second);
  if (!context.work()) paid_at_ = std::min(paid_at_, std::max(before, now + kMaxUserDebt));
}

std::shared_ptr<io::CallTally> CallLedger::account_of(std::string_view native_name) const {
  std::lock_guard lock{mutex_};
  for (const auto& [prefix, mount] : mount_of_prefix_) {
    if (native_name.starts_with(prefix)) return by_mount_.at(mount);
  }
  return by_mount_.at("");
}

Duration CallLedger::wait_needed(MonotonicTime now) {
  std::lock_guard lock{mutex_};
  begin_day();
  if (budget_.per_day != 0 && today_ >= budget_.per_day) {
    const int64_t left = (day_ + 1) * kMicrosPerDay - io::current_clock().wall().micros;
    return std::chrono::microseconds{std::max<int64_t>(left, 1)};
  }
  if (budget_.per_second == 0) return Duration::zero();
  const MonotonicTime start = std::max(paid_at_, next_start_);
  if (start <= now) next_start_ = now + step_of(budget_.per_second);
  return start - now;
}

Error CallLedger::refused(std::string why) const {
  return busy("backend \"" + name_ + "\" has used up its calls for now", std::move(why),
              "wait, or raise call_budget of the backend")
      .with_tag(std::string{kCallBudget});
}

Result<void> CallLedger::admit(const io::Context& context) {
  {
    std::lock_guard lock{mutex_};
    if (budget_ == CallBudget{}) return {};
  }
  const auto patience = context.with_deadline(io::now() + kPatience);
  auto turn = io::MutexGuard::lock(patience, line_);
  bool waited = false;
  while (turn) {
    const Duration wait = wait_needed(io::now());
    if (wait <= Duration::zero()) return {};
    if (!waited) waits_.add();
    waited = true;
    if (!io::sleep_for(patience, wait)) break;
  }
  BR_TRY(context.check(io::now()));  // the caller gave up: that is its error
  std::lock_guard lock{mutex_};
  const bool day = budget_.per_day != 0 && today_ >= budget_.per_day;
  return std::unexpected(refused(
      day ? std::to_string(today_) + " billed calls were sent today, of " +
                std::to_string(budget_.per_day)
          : "more than " + std::to_string(budget_.per_second) + " billed calls a second go out"));
}

CallLedger::Usage CallLedger::usage() const {
  std::lock_guard lock{mutex_};
  Usage usage;
  usage.budget = budget_;
  const bool same_day = day_ == io::current_clock().wall().micros / kMicrosPerDay;
  usage.today = same_day ? today_ : 0;
  usage.total = CallCount::of(total_);
  for (const auto& [work, tally] : by_work_) usage.by_work[work] = CallCount::of(tally);
  for (const auto& [mount, tally] : by_mount_) usage.by_mount[mount] = CallCount::of(*tally);
  return usage;
}

}  // namespace beringia::backend
