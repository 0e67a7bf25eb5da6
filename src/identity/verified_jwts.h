#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/time.h"

namespace beringia::identity {

/// Self-signed tokens whose signature was checked already: clients send the same one for an hour.
/// Holds digests, not tokens. Bounded: at kMax it is emptied, which only costs checking again.
/// Thread-safe.
class VerifiedJwts {
 public:
  static constexpr size_t kMax = 4096;
  struct Verified {
    std::string key_id;
    Timestamp expires;
    std::string scope;
  };
  /// @param digest  SHA-256 of the token and of the audiences it was checked against
  std::optional<Verified> find(const std::string& digest, Timestamp now) const;
  void remember(const std::string& digest, Verified verified);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Verified> verified_;
};

}  // namespace beringia::identity
