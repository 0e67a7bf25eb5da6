#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "access/access_boundary.h"
#include "access/bucket_policy.h"
#include "access/right.h"
#include "base/error.h"
#include "base/path.h"

namespace beringia::access {

/// IAM User Guide, "Session policies": 2,048 characters in one request. Amazon packs what it
/// counts; vended policies of catalogs with many locations are longer.
inline constexpr size_t kMaxSessionPolicyBytes = 8 << 10;

/// What temporary credentials are narrowed to: S3's policy language without Principal, or Google's
/// access boundaries. It gives nothing that the principal does not have. Immutable; thread-safe.
class SessionPolicy {
 public:
  /// @error kInvalid (tag MalformedPolicy)
  static Result<SessionPolicy> parse(std::string_view json);
  /// What sessions hold: any number of policies of either language, by join(); all must allow.
  /// @error kInvalid (tag MalformedPolicy)
  static Result<SessionPolicy> parse_all(std::string_view text);
  /// "" is no policy.
  static std::string join(std::string_view one, std::string_view other);
  /// Some statement allows it and none denies it. Resources are those of S3 ("bucket/key") by the
  /// path in the namespace, whatever alias a request named.
  bool allows(const identity::Principal& principal, Right right, const Path& path,
              const Facts& facts) const;

 private:
  std::vector<std::variant<BucketPolicy, AccessBoundary>> policies_;  // never empty
};

/// Compiled policies by their text, bounded. Thread-safe.
class SessionPolicies {
 public:
  static constexpr size_t kMax = 1024;
  /// Never null: what does not compile (it was checked when it was given) allows nothing.
  // Owners: this table and decisions under way.
  std::shared_ptr<const SessionPolicy> get(const std::string& json) const;

 private:
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<const SessionPolicy>> compiled_;
};

}  // namespace beringia::access
