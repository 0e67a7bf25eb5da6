#include <algorithm>

#include "policy/engine.h"
#include "policy/placement.h"

namespace beringia::policy {
namespace {

std::string describe_places(const std::vector<meta::PlaceTarget>& places) {
  std::string text;
  for (const auto& place : places) {
    if (!text.empty()) text += " and ";
    text += place.backend;
    if (!place.storage_class.empty()) text += " (" + place.storage_class + ")";
  }
  return text;
}

/// The policy whose number EntryRecord::placed_by ends with.
std::string policy_of(const std::string& placed_by, const meta::RunRecord& run) {
  if (placed_by.size() != meta::kRunIdBytes + 2) return {};
  constexpr std::string_view kDigits = "0123456789abcdef";
  const size_t number = kDigits.find(placed_by[meta::kRunIdBytes]) * 16 +
                        kDigits.find(placed_by[meta::kRunIdBytes + 1]);
  return number < run.policies.size() ? run.policies[number] : std::string{};
}

}  // namespace

Result<PlaceExplanation> StoredEngine::explain(const io::Context& context,
                                               const core::Grant& grant) {
  PlaceExplanation result;
  BR_TRY(where, services_.names.explain(context, grant));
  result.where = std::move(where);
  const meta::EntryRecord& record = result.where.entry.record;
  if (!record.placed_by.empty()) {
    result.run = std::string{meta::run_of(record.placed_by)};
    BR_TRY(run, meta::find_run(context, store(), result.run));
    if (run) result.policy = policy_of(record.placed_by, *run);
    if (!result.policy.empty()) {
      result.where.why = "moved by run " + result.run + " under policy \"" + result.policy + "\"";
    }
  }
  auto now = current();
  if (!now) {
    result.problems.push_back(now.error().to_string());
    result.verdict = "the policies cannot be used now";
    return result;
  }
  BR_TRY(policies, now->policies->select({}));
  const std::string& path = result.where.entry.path.text();
  const Match match =
      Policies::match(policies, {path, record, services_.parts.clock.wall(), *now->mounts});
  if (match.problem) {
    result.problems.push_back("policy \"" + match.unclear->declaration.name +
                              "\": " + match.problem->to_string());
    result.verdict = "it stays: the condition of policy \"" + match.unclear->declaration.name +
                     "\" has no value here";
    return result;
  }
  if (match.policy == nullptr) {
    result.verdict = "no policy matches: it stays where it is";
    return result;
  }
  const meta::PolicyDeclaration& rule = match.policy->declaration;
  result.rule = rule.name;
  result.condition = rule.when;
  result.wants = rule.place;
  const EntryPlan entry = plan_entry(*now->mounts, result.where.entry.path, record, *match.policy);
  result.satisfied = entry.in_place();
  const std::string wants =
      "policy \"" + rule.name + "\" wants it in " + describe_places(rule.place);
  if (result.satisfied) {
    result.verdict = wants + ", and there it is";
  } else if (!entry.skip.empty()) {
    result.verdict = wants + ", but it cannot be moved: " + entry.skip;
  } else {
    result.verdict = wants + ": the next plan moves it";
  }
  return result;
}

}  // namespace beringia::policy
