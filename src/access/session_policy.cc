#include "access/session_policy.h"

#include <utility>

namespace beringia::access {

Result<SessionPolicy> SessionPolicy::parse(std::string_view json) {
  if (json.size() > kMaxSessionPolicyBytes) {
    return std::unexpected(
        invalid("the session's policy is too long",
                "it may have " + std::to_string(kMaxSessionPolicyBytes) + " bytes")
            .with_tag("MalformedPolicy"));
  }
  BR_TRY(policy, BucketPolicy::parse_for_session(json));
  return SessionPolicy{std::move(policy)};
}

bool SessionPolicy::allows(const identity::Principal& principal, Right right, const Path& path,
                           const Facts& facts) const {
  std::string resource{path.bucket()};
  if (is_of_object(right)) {
    resource += '/';
    resource += path.key();
  }
  return policy_.decide_on(principal, right, resource, facts).allowed;
}

std::shared_ptr<const SessionPolicy> SessionPolicies::get(const std::string& json) const {
  {
    const std::lock_guard lock{mutex_};
    const auto found = compiled_.find(json);
    if (found != compiled_.end()) return found->second;
  }
  auto parsed = SessionPolicy::parse(json);
  if (!parsed) {
    parsed =
        SessionPolicy::parse(R"({"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]})");
  }
  auto compiled = std::make_shared<const SessionPolicy>(std::move(*parsed));
  const std::lock_guard lock{mutex_};
  if (compiled_.size() >= kMax) compiled_.clear();
  return compiled_.insert_or_assign(json, std::move(compiled)).first->second;
}

}  // namespace beringia::access
