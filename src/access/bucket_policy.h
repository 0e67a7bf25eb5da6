#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/policy_condition.h"
#include "access/right.h"
#include "base/error.h"
#include "identity/principal.h"

namespace beringia::access {

inline constexpr size_t kMaxBucketPolicyBytes = 20 << 10;  // S3 User Guide, "Bucket policies"

/// A bucket policy in S3's dialect, compiled. Immutable, so any number of threads may ask it.
class BucketPolicy {
 public:
  /// @param bucket  the name that its resources must be of
  /// @error kInvalid (tag MalformedPolicy): what is wrong, or not offered here
  static Result<BucketPolicy> parse(std::string_view json, std::string_view bucket);

  struct Verdict {
    bool allowed = false;
    bool denied = false;
    std::string statement;  // its Sid, else its number from 1
  };
  /// @param key  below the bucket; only for rights of objects
  Verdict decide(const identity::Principal& principal, Right right, std::string_view key,
                 const Facts& facts) const;
  /// Some statement gives something to everyone, with no condition that narrows it.
  bool is_public() const { return public_; }

 private:
  /// Who is meant: everyone, or some names.
  struct Subjects {
    bool negated = false;  // NotPrincipal
    bool everyone = false;
    std::vector<std::string> names;
    std::vector<std::string> services;
    bool contains(const identity::Principal& principal, bool deny) const;
  };
  struct Statement {
    std::string name;
    bool deny = false;
    Subjects subjects;
    Rights rights;
    bool not_resources = false;
    std::vector<std::string> resources;  // "bucket", "bucket/key*": after "arn:aws:s3:::"
    std::vector<PolicyCondition> conditions;
  };
  friend class PolicyParser;
  friend class SessionPolicy;

  /// As parse(); for a session: no Principal, and resources of any bucket.
  static Result<BucketPolicy> parse_for_session(std::string_view json);
  Verdict decide_on(const identity::Principal& principal, Right right, const std::string& resource,
                    const Facts& facts) const;

  bool applies(const Statement& statement, const identity::Principal& principal, Right right,
               const std::string& resource, const Facts& facts) const;

  std::string bucket_;
  bool for_session_ = false;
  std::vector<Statement> statements_;
  bool public_ = false;
};

/// "arn:aws:iam::123:user/dir/alice", "arn:aws:iam::alice:root" and "alice" are alice. "" if the
/// text names nobody that can be one of ours.
std::string principal_of_arn(std::string_view arn);

}  // namespace beringia::access
