#include "protocol/admin/estate_change.h"

#include <algorithm>
#include <set>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::protocol::admin {
namespace {

constexpr size_t kTokenDigits = 16;

std::string token_of(const DeclaredEstate& declared) {
  std::string text = to_toml(sections_of(declared)) + std::to_string(declared.estate.epoch);
  text += declared.estate.applied ? "applied" : "flags";
  return to_hex(sha256(text)).substr(0, kTokenDigits);
}

bool same_estate(const meta::Estate& a, const meta::Estate& b) {
  return a.epoch == b.epoch && a.backends == b.backends && a.mounts == b.mounts &&
         a.aliases == b.aliases && a.policies == b.policies &&
         a.identity_providers == b.identity_providers &&
         a.notification_targets == b.notification_targets && a.applied == b.applied;
}

Result<void> put_principals(const Call& call, const EstatePlan& plan) {
  for (const auto& wanted : plan.after.principals) {
    const bool same = std::ranges::any_of(plan.before.principals, [&](const auto& old) {
      return old.name == wanted.name && old.groups == wanted.groups &&
             old.disabled == wanted.disabled && old.assumable_by == wanted.assumable_by;
    });
    if (same || wanted.name == "root") continue;
    BR_TRY(call.rooms.directory.put_principal(call.context, wanted));
  }
  return {};
}

Result<void> change_grants(const Call& call, const EstatePlan& plan) {
  std::vector<access::GrantRule> put;
  std::vector<std::string> remove;
  for (const auto& wanted : plan.after.grants) {
    if (std::ranges::find(plan.before.grants, wanted) == plan.before.grants.end()) {
      put.push_back(wanted);
    }
  }
  for (const auto& old : plan.before.grants) {
    const bool stays =
        std::ranges::any_of(plan.after.grants, [&](const auto& one) { return one.id == old.id; });
    if (!stays) remove.push_back(old.id);
  }
  return call.rooms.evaluator.change(call.context, std::move(put), std::move(remove));
}

Result<void> remove_principals(const Call& call, const EstatePlan& plan) {
  for (const auto& old : plan.before.principals) {
    const bool stays = std::ranges::any_of(plan.after.principals,
                                           [&](const auto& one) { return one.name == old.name; });
    if (stays || old.name == "root") continue;
    BR_TRY(call.rooms.directory.remove_principal(call.context, old.name));
  }
  return {};
}

}  // namespace

Result<DeclaredEstate> declared_now(const Call& call) {
  BR_TRY(principals, call.rooms.directory.list_principals(call.context));
  return DeclaredEstate{call.rooms.estate.current(), std::move(principals),
                        call.rooms.evaluator.list()};
}

Result<EstatePlan> plan_file(const Call& call, const std::string& text) {
  const std::string subject = call.query_or("name", "the estate file");
  BR_TRY(file, read_estate_file(text, subject));
  BR_TRY(before, declared_now(call));
  BR_TRY(after, with_file(before, std::move(file)));
  after.estate.applied = true;
  BR_TRY(call.rooms.estate.check(after.estate));
  BR_TRY(policy::validate(after.estate));
  EstatePlan plan{before, after, changes_between(before, after), token_of(before)};
  return plan;
}

Result<void> apply_plan(const Call& call, const EstatePlan& plan) {
  // Rights widen last and narrow first; every step may be repeated after a failure.
  BR_TRY(put_principals(call, plan));
  if (!same_estate(plan.before.estate, plan.after.estate)) {
    BR_TRY(call.rooms.estate.replace(call.context, plan.before.estate, plan.after.estate));
  }
  BR_TRY(change_grants(call, plan));
  return remove_principals(call, plan);
}

}  // namespace beringia::protocol::admin
