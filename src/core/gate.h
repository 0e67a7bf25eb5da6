#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "access/access.h"
#include "audit/audit.h"
#include "base/error.h"
#include "base/path.h"
#include "identity/identity.h"
#include "io/context.h"

namespace beringia::core {

using access::Action;

/// Where a request came in. Part of every audit record.
struct Door {
  std::string name;       // "s3", "gcs", "admin", "policy", "system"
  std::string operation;  // wire name of the operation
  std::string source_ip;
  std::string request_id;
  bool secure = false;  // came over TLS
};

/// Proof that `principal` may do `action` on `path`; carries the open audit record. Made only by
/// Gate, movable, used for one verb. A mutation's commit takes the record with it; otherwise the
/// record is written when the grant ends (finish(), else the destructor).
class Grant {
 public:
  Grant(Grant&& other) noexcept;
  Grant& operator=(Grant&& other) noexcept;
  ~Grant();

  const identity::Principal& principal() const;
  Action action() const;
  const Path& path() const;
  const Door& door() const;

  // What the verbs and front ends learn on the way; shown in the audit record.
  void note_generation(uint64_t generation) const;
  void note_bytes(uint64_t bytes) const;
  void note_backend(const std::string& backend) const;
  void note_target(const Path& target) const;
  void note_error(const Error& error) const;
  void note_status(int status) const;
  /// The canonical record for a successful mutation, to be appended in its own commit; afterwards
  /// the grant writes nothing more itself once committed() was called.
  std::string record_for_commit() const;
  void committed() const;
  /// Writes the record now (if no commit took it).
  void finish(const io::Context& context) const;

 private:
  friend class Gate;
  struct State;
  explicit Grant(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The one door to the namespace: decides, opens the audit record, counts. Thread-safe.
class Gate {
 public:
  Gate(const access::Evaluator& evaluator, audit::Log& log, const Clock& clock);
  /// @error kDenied: no rule allows it; the refusal is in the audit log already
  /// @error kNotFound (tag "no_bucket"): likewise, and the bucket does not exist, which is no
  /// secret
  ///        to who may make it
  /// @error kUnavailable (tag "audit_stopped"): no audit record could be kept
  [[nodiscard]] Result<Grant> admit(const io::Context& context,
                                    const identity::Principal& principal, const access::Ask& ask,
                                    const Path& path, Door door) const;
  /// Lists of buckets: every verified principal may ask, and is shown what it may list. Unless it
  /// may list "/", the grant's rule is "visible", and the caller shows only what may() allows.
  /// @error as admit; kDenied only for who has no credential
  [[nodiscard]] Result<Grant> admit_bucket_list(const io::Context& context,
                                                const identity::Principal& principal,
                                                Door door) const;
  /// The decision alone, without a record: for filtering what a grant already covers.
  bool may(const identity::Principal& principal, const access::Ask& ask, const Path& path,
           const Door& door = {}) const;
  /// Whether a list of buckets shows this one: what it allows to the whole world does not count.
  bool shows(const identity::Principal& principal, const Path& bucket) const;
  /// The bucket that holds a path, for what front ends show and refuse. nullopt: there is none.
  [[nodiscard]] Result<std::optional<access::BucketView>> look(const Path& path) const;
  /// Records an answer that needs no right on a path: a browser's question before its request,
  /// temporary credentials. `principal`: who asked, if that was proven.
  void answer(const io::Context& context, const Door& door, const std::string& path, int status,
              const std::string& rule, const identity::Principal* principal = nullptr) const;
  /// Records a request that never got a principal (bad signature, unknown key, expired ...).
  void refuse(const io::Context& context, const Door& door, const std::string& claimed_credential,
              const std::string& path, int status, const Error& error) const;

 private:
  access::Decision decide(const identity::Principal& principal, const access::Ask& ask,
                          const Path& path, const Door& door) const;
  audit::Record record_of(const Door& door, const std::string& path, int status) const;
  Result<Grant> open_grant(const io::Context& context, const identity::Principal& principal,
                           Action action, const Path& path, Door door,
                           access::Decision decision) const;

  const access::Evaluator& evaluator_;
  audit::Log& log_;
  const Clock& clock_;
};

}  // namespace beringia::core
