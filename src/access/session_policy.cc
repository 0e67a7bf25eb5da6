#include "access/session_policy.h"

#include <algorithm>
#include <utility>

namespace beringia::access {
namespace {

constexpr char kBetween = '\x1e';  // RFC 7464: no JSON text holds it

}  // namespace

Result<SessionPolicy> SessionPolicy::parse(std::string_view json) {
  if (json.size() > kMaxSessionPolicyBytes) {
    return std::unexpected(
        invalid("the session's policy is too long",
                "it may have " + std::to_string(kMaxSessionPolicyBytes) + " bytes")
            .with_tag("MalformedPolicy"));
  }
  BR_TRY(policy, BucketPolicy::parse_for_session(json));
  SessionPolicy made;
  made.policies_.emplace_back(std::move(policy));
  return made;
}

Result<SessionPolicy> SessionPolicy::parse_all(std::string_view text) {
  SessionPolicy all;
  for (;;) {
    const size_t end = text.find(kBetween);
    const std::string_view one = text.substr(0, end);
    if (auto boundary = AccessBoundary::parse(one)) {
      all.policies_.emplace_back(std::move(*boundary));
    } else {
      BR_TRY(policy, parse(one));
      all.policies_.push_back(std::move(policy.policies_.front()));
    }
    if (end == std::string_view::npos) return all;
    text.remove_prefix(end + 1);
  }
}

std::string SessionPolicy::join(std::string_view one, std::string_view other) {
  std::string all{one};
  if (!one.empty() && !other.empty()) all += kBetween;
  return all.append(other);
}

bool SessionPolicy::allows(const identity::Principal& principal, Right right, const Path& path,
                           const Facts& facts) const {
  std::string resource{path.bucket()};
  if (is_of_object(right)) {
    resource += '/';
    resource += path.key();
  }
  return std::ranges::all_of(policies_, [&](const auto& policy) {
    if (const auto* boundary = std::get_if<AccessBoundary>(&policy)) {
      return boundary->allows(right, path, facts);
    }
    return std::get<BucketPolicy>(policy).decide_on(principal, right, resource, facts).allowed;
  });
}

std::shared_ptr<const SessionPolicy> SessionPolicies::get(const std::string& json) const {
  {
    const std::lock_guard lock{mutex_};
    const auto found = compiled_.find(json);
    if (found != compiled_.end()) return found->second;
  }
  auto parsed = SessionPolicy::parse_all(json);
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
