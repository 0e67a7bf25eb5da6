#include "identity/verified_jwts.h"

#include <utility>

namespace beringia::identity {

std::optional<VerifiedJwts::Verified> VerifiedJwts::find(const std::string& digest,
                                                         Timestamp now) const {
  const std::lock_guard lock{mutex_};
  const auto found = verified_.find(digest);
  if (found == verified_.end() || now >= found->second.expires) return std::nullopt;
  return found->second;
}

void VerifiedJwts::remember(const std::string& digest, Verified verified) {
  const std::lock_guard lock{mutex_};
  if (verified_.size() >= kMax) verified_.clear();
  verified_.insert_or_assign(digest, std::move(verified));
}

}  // namespace beringia::identity
