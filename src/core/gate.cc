#include "core/gate.h"

#include <utility>

#include "observe/metrics.h"

namespace beringia::core {
namespace {

const observe::Counter kRequests{"beringia_core_requests_total",
                                 "Requests decided by the gate.",
                                 {"door", "action", "decision"}};

}  // namespace

struct Grant::State {
  identity::Principal principal;
  Action action;
  Path path;
  Door door;
  audit::Record record;
  MonotonicTime started;
  const Clock* clock;
  audit::Log* log;
  bool written = false;

  audit::Record closed() const {
    audit::Record copy = record;
    copy.latency = clock->monotonic() - started;
    return copy;
  }
};

Grant::Grant(std::unique_ptr<State> state) : state_{std::move(state)} {}
Grant::Grant(Grant&& other) noexcept = default;
Grant& Grant::operator=(Grant&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Grant::~Grant() {
  if (state_ && !state_->written) finish(io::Context{});
}

const identity::Principal& Grant::principal() const { return state_->principal; }
Action Grant::action() const { return state_->action; }
const Path& Grant::path() const { return state_->path; }
const Door& Grant::door() const { return state_->door; }
void Grant::note_generation(uint64_t generation) const { state_->record.generation = generation; }
void Grant::note_bytes(uint64_t bytes) const { state_->record.bytes = bytes; }
void Grant::note_backend(const std::string& backend) const { state_->record.backend = backend; }
void Grant::note_target(const Path& target) const { state_->record.target_path = target.text(); }
void Grant::note_status(int status) const { state_->record.status = status; }

void Grant::note_error(const Error& error) const {
  state_->record.error = std::string{to_string(error.code())};
}

std::string Grant::record_for_commit() const { return audit::to_canonical_json(state_->closed()); }

void Grant::committed() const { state_->written = true; }

void Grant::finish(const io::Context& context) const {
  if (std::exchange(state_->written, true)) return;
  state_->log->record(context, state_->closed());
}

Gate::Gate(const access::Evaluator& evaluator, audit::Log& log, const Clock& clock)
    : evaluator_{evaluator}, log_{log}, clock_{clock} {}

Result<Grant> Gate::admit(const io::Context& context, const identity::Principal& principal,
                          Action action, const Path& path, Door door) const {
  return open_grant(context, principal, action, path, std::move(door),
                    evaluator_.decide(principal, action, path));
}

Result<Grant> Gate::admit_bucket_list(const io::Context& context,
                                      const identity::Principal& principal, Door door) const {
  access::Decision decision = evaluator_.decide(principal, Action::kList, Path{});
  if (!decision.allowed) decision = {true, "visible", "everyone may list what they may see"};
  return open_grant(context, principal, Action::kList, Path{}, std::move(door),
                    std::move(decision));
}

bool Gate::may(const identity::Principal& principal, Action action, const Path& path) const {
  return evaluator_.decide(principal, action, path).allowed;
}

Result<Grant> Gate::open_grant(const io::Context& context, const identity::Principal& principal,
                               Action action, const Path& path, Door door,
                               access::Decision decision) const {
  kRequests.add(1, {door.name, access::to_string(action), decision.allowed ? "allow" : "deny"});
  audit::Record record;
  record.time = clock_.wall();
  record.principal = principal.name();
  record.credential = principal.credential();
  record.source_ip = door.source_ip;
  record.door = door.name;
  record.operation = door.operation;
  record.request_id = door.request_id;
  record.action = std::string{access::to_string(action)};
  record.path = path.text();
  record.allowed = decision.allowed;
  record.rule = std::move(decision.rule);
  if (!decision.allowed) {
    record.error = std::string{to_string(Code::kDenied)};
    log_.record(context, std::move(record));
    return std::unexpected(denied(
        principal.name() + " may not " + std::string{access::to_string(action)} + " " + path.text(),
        decision.reason, "grant it in the estate file, then: apply"));
  }
  // What could not be recorded is not done.
  BR_TRY(log_.ready(action != Action::kRead && action != Action::kList));
  return Grant{std::make_unique<Grant::State>(Grant::State{principal, action, path, std::move(door),
                                                           std::move(record), clock_.monotonic(),
                                                           &clock_, &log_, false})};
}

void Gate::refuse(const io::Context& context, const Door& door,
                  const std::string& claimed_credential, const std::string& path, int status,
                  const Error& error) const {
  kRequests.add(1, {door.name, "none", "refuse"});
  audit::Record record;
  record.time = clock_.wall();
  record.credential = claimed_credential;
  record.source_ip = door.source_ip;
  record.door = door.name;
  record.operation = door.operation;
  record.request_id = door.request_id;
  record.path = path;
  record.status = status;
  record.error = std::string{to_string(error.code())};
  log_.record(context, std::move(record));
}

}  // namespace beringia::core
