#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/path.h"
#include "core/gate.h"
#include "identity/principal.h"
#include "meta/records.h"
#include "policy/lifecycle.h"
#include "policy/policies.h"
#include "policy/policy.h"
#include "wire/lifecycle.h"

namespace beringia::policy {

/// A copy whose native class is warmer than the object's.
struct StaleCopy {
  meta::BackendId backend = 0;
  std::string storage_class;  // in the backend's words, as it shall be
};

/// What one rule wants to be done to one object or upload now.
struct LifecycleStep {
  LifecycleAction action = LifecycleAction::kExpire;
  Path path;
  const wire::LifecycleRule* rule = nullptr;  // of the scan's lifecycle
  Timestamp due;
  std::string storage_class;      // of a transition
  std::vector<StaleCopy> copies;  // of a transition: whose class follows
  meta::EntryRecord record;       // as it was seen; empty for uploads
  std::string upload_id;
};

/// Finds what the lifecycle of one bucket wants. Changes nothing. Used by one fiber. Memory does
/// not grow with the number of objects.
class LifecycleScan {
 public:
  struct Bucket {
    Path path;  // directory form
    const wire::Lifecycle& lifecycle;
    Timestamp now;  // what is due then
    Duration day = wire::kDay;
    /// The estate's: where one of them names a class, it goes before the lifecycle's.
    std::vector<const CompiledPolicy*> policies;
    bool keeps_versions = false;  // or did once
  };
  /// Takes the steps of one page, in order of names; may be none.
  using Take = std::function<Result<void>(std::vector<LifecycleStep>& steps)>;

  /// All outlive it. @param principal  whose right to list counts
  LifecycleScan(const io::Context& context, const Services& services,
                const identity::Principal& principal, Bucket bucket)
      : context_{context}, services_{services}, principal_{principal}, bucket_{std::move(bucket)} {}

  /// @error kDenied, kUnavailable, kCancelled, and what `take` answers
  [[nodiscard]] Result<void> run(const Take& take);

  uint64_t scanned() const { return scanned_; }
  /// The first expiration that is not due yet; 0 = there is none.
  Timestamp next() const { return next_; }

 private:
  Result<void> scan_all(const core::Grant& grant, const Take& take);
  Result<void> scan_objects(const core::Grant& grant, const std::string& prefix, const Take& take);
  Result<void> scan_versions(const core::Grant& grant, const std::string& prefix, const Take& take);
  Result<void> scan_uploads(const core::Grant& grant, const Take& take);
  void look_at(const std::string& name, meta::EntryRecord& record,
               std::vector<LifecycleStep>& steps);
  std::vector<StaleCopy> stale_copies(const Path& path, const meta::EntryRecord& record,
                                      const std::string& storage_class) const;

  const io::Context& context_;
  const Services& services_;
  const identity::Principal& principal_;
  const Bucket bucket_;
  uint64_t scanned_ = 0;
  Timestamp next_;
};

}  // namespace beringia::policy
