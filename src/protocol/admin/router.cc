#include "protocol/admin/router.h"

#include <optional>

#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

constexpr bool kOpen = true;

const Route kRoutes[] = {
    {"GET", "/health", "health.get", get_health, kOpen},
    {"GET", "/health/live", "health.live", get_live, kOpen},
    {"GET", "/health/ready", "health.get", get_health, kOpen},
    {"GET", "/metrics", "metrics.get", get_metrics, kOpen},
    {"GET", "/v1/version", "version.get", get_version},
    {"GET", "/v1/list", "entries.list", list_entries},
    {"GET", "/v1/stat", "entries.get", stat_entry},
    {"GET", "/v1/explain", "entries.explain", explain_entry},
    {"GET", "/v1/mounts", "mounts.list", list_mounts},
    {"GET", "/v1/backends", "backends.list", list_backends},
    {"GET", "/v1/scans", "scans.list", list_scans},
    {"POST", "/v1/scans", "scans.run", run_scan},
    {"GET", "/v1/calls", "calls.list", list_calls},
    {"POST", "/v1/backends/{}/check", "backends.check", check_backend},
    {"GET", "/v1/estate", "estate.get", show_estate},
    {"POST", "/v1/estate/plan", "estate.plan", plan_estate},
    {"POST", "/v1/estate/apply", "estate.apply", apply_estate},
    {"GET", "/v1/principals", "principals.list", list_principals},
    {"PUT", "/v1/principals/{}", "principals.put", put_principal},
    {"DELETE", "/v1/principals/{}", "principals.remove", remove_principal},
    {"GET", "/v1/grants", "grants.list", list_grants},
    {"PUT", "/v1/grants/{}", "grants.put", put_grant},
    {"DELETE", "/v1/grants/{}", "grants.remove", remove_grant},
    {"GET", "/v1/keys", "keys.list", list_keys},
    {"POST", "/v1/keys", "keys.create", create_key},
    {"POST", "/v1/keys/{}/disable", "keys.disable", disable_key},
    {"GET", "/v1/policy/plans", "policy.plans.list", list_plans},
    {"POST", "/v1/policy/plans", "policy.plans.make", make_plan},
    {"GET", "/v1/policy/plans/{}", "policy.plans.get", show_plan},
    {"POST", "/v1/policy/plans/{}/apply", "policy.runs.start", start_run},
    {"GET", "/v1/policy/runs", "policy.runs.list", list_runs},
    {"GET", "/v1/policy/runs/{}", "policy.runs.get", show_run},
    {"POST", "/v1/policy/runs/{}/cancel", "policy.runs.cancel", cancel_run},
    {"GET", "/v1/policy/lifecycles", "policy.lifecycles.list", list_lifecycles},
    {"GET", "/v1/policy/lifecycles/{}", "policy.lifecycles.plan", plan_lifecycle},
    {"POST", "/v1/inventories/{}", "inventory.run", run_inventory},
    {"GET", "/v1/policy/variables", "policy.variables", list_variables},
    {"GET", "/v1/audit", "audit.get", show_audit},
    {"POST", "/v1/audit/ingest", "audit.ingest", ingest_audit},
    {"POST", "/v1/iam/{}/plan", "iam.plan", plan_native_rights},
    {"POST", "/v1/iam/{}/apply", "iam.apply", apply_native_rights},
};

/// What "{}" stands for, if `path` is of the pattern. Component by component; both begin with '/'.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  std::string argument;
  while (!pattern.empty() && !path.empty()) {
    pattern.remove_prefix(1);
    path.remove_prefix(1);
    const std::string_view want = pattern.substr(0, pattern.find('/'));
    const std::string_view have = path.substr(0, path.find('/'));
    if (want == "{}" && !have.empty()) {
      argument = have;
    } else if (want != have) {
      return std::nullopt;
    }
    pattern.remove_prefix(want.size());
    path.remove_prefix(have.size());
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return argument;
}

}  // namespace

Result<Match> find_route(std::string_view method, std::string_view path) {
  bool known = false;
  for (const Route& route : kRoutes) {
    auto argument = match(route.pattern, path);
    if (!argument) continue;
    known = true;
    if (route.method == method || (method == "HEAD" && route.method == "GET")) {
      return Match{&route, std::move(*argument)};
    }
  }
  if (known) {
    return std::unexpected(unsupported("there is no " + std::string{method.substr(0, 16)} + " of " +
                                       std::string{path.substr(0, 200)}));
  }
  return std::unexpected(not_found("there is nothing at " + std::string{path.substr(0, 200)}, "",
                                   "docs/admin-api.md lists what is there"));
}

}  // namespace beringia::protocol::admin
