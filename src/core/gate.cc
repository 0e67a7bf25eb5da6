#include "core/gate.h"

#include <string_view>
#include <utility>

#include "observe/metrics.h"

namespace beringia::core {
namespace {

const observe::Counter kRequests{"beringia_core_requests_total",
                                 "Requests decided by the gate.",
                                 {"door", "action", "decision"}};

/// "127.0.0.1" of "127.0.0.1:4711", "::1" of "[::1]:4711".
std::string address_only(std::string_view peer) {
  if (peer.starts_with('[')) return std::string{peer.substr(1, peer.find(']') - 1)};
  const size_t colon = peer.find(':');
  const bool has_port = colon != std::string_view::npos && colon == peer.rfind(':');
  return std::string{has_port ? peer.substr(0, colon) : peer};
}

/// What every request tells, whatever door it came by; the door adds its own.
class RequestFacts final : public access::Facts {
 public:
  RequestFacts(const identity::Principal& principal, const Door& door, const Clock& clock,
               const access::Facts* more)
      : principal_{principal}, door_{door}, clock_{clock}, more_{more} {}

  bool find(std::string_view key, std::vector<std::string>& values) const override {
    if (key.starts_with("aws:")) {
      std::string value = of_request(key);
      if (!value.empty()) {
        values.push_back(std::move(value));
        return true;
      }
    }
    return more_ != nullptr && more_->find(key, values);
  }

 private:
  std::string of_request(std::string_view key) const {
    if (key == "aws:sourceip") return address_only(door_.source_ip);
    if (key == "aws:securetransport") return door_.secure ? "true" : "false";
    if (key == "aws:currenttime") return to_iso8601(clock_.wall());
    if (key == "aws:epochtime") return std::to_string(clock_.wall().micros / 1'000'000);
    if (key == "aws:principaltype") return principal_.is_anonymous() ? "Anonymous" : "User";
    if (principal_.is_anonymous()) return key == "aws:userid" ? "anonymous" : "";
    if (key == "aws:userid" || key == "aws:username" || key == "aws:principalaccount") {
      return principal_.name();
    }
    if (key == "aws:principalarn") return "arn:aws:iam:::user/" + principal_.name();
    return {};
  }

  const identity::Principal& principal_;
  const Door& door_;
  const Clock& clock_;
  const access::Facts* more_;
};

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
                          const access::Ask& ask, const Path& path, Door door) const {
  access::Decision decision = decide(principal, ask, path, door);
  return open_grant(context, principal, ask.action, path, std::move(door), std::move(decision));
}

access::Decision Gate::decide(const identity::Principal& principal, const access::Ask& ask,
                              const Path& path, const Door& door) const {
  const RequestFacts facts{principal, door, clock_, ask.facts};
  access::Ask asked{ask.action, ask.right, &facts};
  asked.generation = ask.generation;
  return evaluator_.decide(principal, asked, path);
}

Result<Grant> Gate::admit_bucket_list(const io::Context& context,
                                      const identity::Principal& principal, Door door) const {
  access::Decision decision = evaluator_.decide(principal, Action::kList, Path{});
  if (!decision.allowed && !principal.is_anonymous()) {
    decision = {true, "visible", "everyone may list what they may see"};
  }
  return open_grant(context, principal, Action::kList, Path{}, std::move(door),
                    std::move(decision));
}

bool Gate::may(const identity::Principal& principal, const access::Ask& ask, const Path& path,
               const Door& door) const {
  return decide(principal, ask, path, door).allowed;
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
    // See access/bucket_rules.cc; no grant has a blank in its id.
    const bool is_absent = record.rule == "no entry";
    record.error = std::string{to_string(is_absent ? Code::kNotFound : Code::kDenied)};
    log_.record(context, std::move(record));
    if (is_absent) {
      return std::unexpected(not_found("there is no " + path.text(), decision.reason));
    }
    if (decision.no_bucket && !principal.is_anonymous() &&
        decide(principal, Action::kCreateBucket, path, door).allowed) {
      return std::unexpected(not_found(decision.reason).with_tag("no_bucket"));
    }
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

bool Gate::shows(const identity::Principal& principal, const Path& bucket) const {
  const access::Decision decision = decide(principal, Action::kList, bucket, {});
  return decision.allowed && !decision.by_bucket;
}

Result<std::optional<access::BucketView>> Gate::look(const Path& path) const {
  return evaluator_.look(path);
}

void Gate::answer(const io::Context& context, const Door& door, const std::string& path, int status,
                  const std::string& rule, const identity::Principal* principal) const {
  kRequests.add(1, {door.name, "none", "allow"});
  audit::Record record = record_of(door, path, status);
  if (principal != nullptr) {
    record.principal = principal->name();
    record.credential = principal->credential();
  }
  record.allowed = true;
  record.rule = rule;
  log_.record(context, std::move(record));
}

void Gate::refuse(const io::Context& context, const Door& door,
                  const std::string& claimed_credential, const std::string& path, int status,
                  const Error& error) const {
  kRequests.add(1, {door.name, "none", "refuse"});
  audit::Record record = record_of(door, path, status);
  record.credential = claimed_credential;
  record.error = std::string{to_string(error.code())};
  log_.record(context, std::move(record));
}

/// Of a request without a principal.
audit::Record Gate::record_of(const Door& door, const std::string& path, int status) const {
  audit::Record record;
  record.time = clock_.wall();
  record.source_ip = door.source_ip;
  record.door = door.name;
  record.operation = door.operation;
  record.request_id = door.request_id;
  record.path = path;
  record.status = status;
  return record;
}

}  // namespace beringia::core
