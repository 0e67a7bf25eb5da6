#include "backend/guarded_backend.h"

#include <algorithm>
#include <utility>

#include "io/runtime.h"
#include "observe/log.h"

namespace beringia::backend {

namespace {

inline const observe::Gauge kIsAway{
    "beringia_backend_away", "1 while a backend does not answer and is left alone.", {"backend"}};
inline const observe::Counter kRefused{"beringia_backend_away_refused_total",
                                       "Questions refused at once because the backend was away.",
                                       {"backend"}};
inline const observe::Counter kProbes{"beringia_backend_away_probes_total",
                                      "Questions let through to see whether a backend is back.",
                                      {"backend", "outcome"}};

enum class Outcome { kAnswered, kOutage, kLate, kNothing };

/// What an error says about the backend as a whole. `own`: the caller's context, without our limit.
Outcome outcome_of(const io::Context& own, const Error& error) {
  switch (error.code()) {
    // Not worth another try means that somebody has answered: no such bucket, no space.
    case Code::kUnavailable:
      return error.retry() == Retry::kNever ? Outcome::kAnswered : Outcome::kOutage;
    case Code::kCancelled: return own.check(io::now()) ? Outcome::kLate : Outcome::kNothing;
    case Code::kBusy: return Outcome::kNothing;  // the service's limits or our own
    default: return Outcome::kAnswered;
  }
}

}  // namespace

GuardedBackend::GuardedBackend(std::string name, std::unique_ptr<Backend> inner,
                               OutageLimits limits)
    : name_{std::move(name)}, inner_{std::move(inner)}, limits_{limits} {
  kIsAway.set(0, {name_});
}

Result<GuardedBackend::Leave> GuardedBackend::enter() {
  const MonotonicTime now = io::now();
  std::lock_guard lock{mutex_};
  if (!away_) return Leave{false, now};
  if (!probing_ && now >= next_probe_) {
    probing_ = true;
    return Leave{true, now};
  }
  kRefused.add(1, {name_});
  return std::unexpected(unavailable("cannot ask backend \"" + name_ + "\"",
                                     "it did not answer a moment ago",
                                     "see that its service can be reached from here")
                             .with_tag(std::string{kAway}));
}

/// The lock is held.
void GuardedBackend::set_away(bool away, const Error* why) {
  if (std::exchange(away_, away) == away) return;
  kIsAway.set(away ? 1 : 0, {name_});
  if (away) {
    observe::log_warn("backend_away",
                      "A backend does not answer; questions to it are refused until it does.",
                      {observe::field("backend", name_), observe::field("why", why->to_string())});
  } else {
    observe::log_info("backend_back", "A backend answers again.",
                      {observe::field("backend", name_)});
  }
}

void GuardedBackend::answered(const Leave& leave) {
  if (leave.is_probe) kProbes.add(1, {name_, "answered"});
  std::lock_guard lock{mutex_};
  if (leave.is_probe) probing_ = false;
  last_answer_ = std::max(last_answer_, io::now());
  set_away(false, nullptr);
}

void GuardedBackend::not_answered(const Leave& leave, const Error& error, bool late) {
  if (leave.is_probe) kProbes.add(1, {name_, "failed"});
  const MonotonicTime now = io::now();
  std::lock_guard lock{mutex_};
  if (leave.is_probe) {
    probing_ = false;
    pause_ = std::min(2 * pause_, limits_.max_pause);
    next_probe_ = now + pause_;
    return;
  }
  if (away_ || (late && last_answer_ >= leave.begun)) return;
  pause_ = limits_.first_pause;
  next_probe_ = now + pause_;
  set_away(true, &error);
}

void GuardedBackend::give_back(const Leave& leave) {
  if (!leave.is_probe) return;
  std::lock_guard lock{mutex_};
  probing_ = false;
}

Error GuardedBackend::timed_out(const Error& error, Retry retry) const {
  return Error{Code::kUnavailable, retry, "backend \"" + name_ + "\" does not answer in time",
               error.to_string(), "see that its service can be reached from here"};
}

template <class Call>
auto GuardedBackend::ask(const io::Context& context, Call&& call, std::optional<Duration> patience)
    -> decltype(call(context)) {
  BR_TRY(leave, enter());
  const Duration limit =
      leave.is_probe ? limits_.max_probe : patience.value_or(limits_.max_question);
  auto result = call(context.with_deadline(leave.begun + limit));
  if (result) {
    answered(leave);
    return result;
  }
  const Error& error = result.error();
  switch (outcome_of(context, error)) {
    case Outcome::kAnswered: answered(leave); break;
    case Outcome::kNothing: give_back(leave); break;
    case Outcome::kOutage: not_answered(leave, error, false); break;
    case Outcome::kLate:
      not_answered(leave, error, true);
      return std::unexpected(timed_out(error, Retry::kSafe));
  }
  return result;
}

/// Changes are always tried: their answers tell that the backend is back, their failures nothing.
template <class Call>
auto GuardedBackend::change(const io::Context& context, Duration limit, Call&& call)
    -> decltype(call(context)) {
  const MonotonicTime begun = io::now();
  auto result =
      limit > Duration::zero() ? call(context.with_deadline(begun + limit)) : call(context);
  if (result) {
    answered({false, begun});
    return result;
  }
  const Error& error = result.error();
  switch (outcome_of(context, error)) {
    case Outcome::kAnswered: answered({false, begun}); break;
    case Outcome::kLate: return std::unexpected(timed_out(error, Retry::kMaybeApplied));
    case Outcome::kNothing:
    case Outcome::kOutage: break;
  }
  return result;
}

Result<CopyInfo> GuardedBackend::stat(const io::Context& context, const StatRequest& request) {
  return ask(context, [&](const io::Context& bound) { return inner_->stat(bound, request); });
}

Result<std::unique_ptr<io::ByteSource>> GuardedBackend::read(const io::Context& context,
                                                             const ReadRequest& request) {
  return ask(context, [&](const io::Context& bound) { return inner_->read(bound, request); });
}

Result<CopyPage> GuardedBackend::list(const io::Context& context, const ListRequest& request) {
  const auto patience = request.worth_waiting ? std::optional{limits_.max_listing} : std::nullopt;
  return ask(
      context, [&](const io::Context& bound) { return inner_->list(bound, request); }, patience);
}

Result<CopyInfo> GuardedBackend::write(const io::Context& context, const WriteRequest& request) {
  // Errors of a write may be those of its body: only its success speaks for the backend.
  const MonotonicTime begun = io::now();
  auto written = inner_->write(context, request);
  if (written) answered({false, begun});
  return written;
}

Result<void> GuardedBackend::remove(const io::Context& context, const RemoveRequest& request) {
  return change(context, limits_.max_change,
                [&](const io::Context& bound) { return inner_->remove(bound, request); });
}

Result<CopyInfo> GuardedBackend::compose(const io::Context& context,
                                         const ComposeRequest& request) {
  // Long objects take the service minutes, call by call.
  return change(context, {},
                [&](const io::Context& bound) { return inner_->compose(bound, request); });
}

Result<CopyInfo> GuardedBackend::rename(const io::Context& context, const RenameRequest& request) {
  return change(context, {},
                [&](const io::Context& bound) { return inner_->rename(bound, request); });
}

Result<CopyInfo> GuardedBackend::update(const io::Context& context, const UpdateRequest& request) {
  // May be a rewrite into another class, call by call.
  const Duration limit = request.storage_class.empty() ? limits_.max_change : Duration::zero();
  return change(context, limit,
                [&](const io::Context& bound) { return inner_->update(bound, request); });
}

Result<void> GuardedBackend::make_directory(const io::Context& context, const std::string& name) {
  return change(context, limits_.max_change,
                [&](const io::Context& bound) { return inner_->make_directory(bound, name); });
}

Result<void> GuardedBackend::remove_directory(const io::Context& context, const std::string& name) {
  return change(context, limits_.max_change,
                [&](const io::Context& bound) { return inner_->remove_directory(bound, name); });
}

Result<uint64_t> GuardedBackend::sweep(const io::Context& context, Duration age) {
  return inner_->sweep(context, age);
}

Result<StoreReport> GuardedBackend::probe(const io::Context& context) {
  return change(context, limits_.max_question,
                [&](const io::Context& bound) { return inner_->probe(bound); });
}

}  // namespace beringia::backend
