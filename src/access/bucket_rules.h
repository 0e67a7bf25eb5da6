#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "access/access.h"
#include "access/bucket_access.h"

namespace beringia::access {

/// Decides by what buckets themselves say: owner, policy, lists. Compiled settings are kept by the
/// state of the bucket that they are of, so a change holds from the next decision on. Thread-safe;
/// bounded.
class BucketRules {
 public:
  /// @param granted  an explicit grant allows it: only a deny of the policy is looked for
  /// @return nullopt: the bucket has nothing to say about it
  std::optional<Decision> decide(const OwnerLookup& lookup, const identity::Principal& principal,
                                 const Ask& ask, const Path& path, bool granted) const;

  /// The bucket that holds a path; nullopt: there is none. @error kUnavailable, kCorrupt
  [[nodiscard]] Result<std::optional<BucketView>> look(const OwnerLookup& lookup,
                                                       const Path& path) const;

 private:
  static constexpr size_t kMaxCompiled = 4096;
  using Compiled = std::shared_ptr<const BucketAccess>;  // owners: this table and deciders
  struct Kept {
    uint64_t generation = 0, metageneration = 0;
    std::string owner;
    Compiled access;
  };

  Result<Compiled> compiled(const OwnerLookup& lookup, const Path& path, BucketState& state) const;

  mutable std::mutex mutex_;
  mutable std::unordered_map<uint64_t, Kept> compiled_;  // by directory
};

}  // namespace beringia::access
