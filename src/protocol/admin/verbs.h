#pragma once

#include "protocol/admin/call.h"

namespace beringia::protocol::admin {

// The verbs of the admin API; docs/admin-api.md says what each takes and answers. All but the first
// three are called with a verified principal, and ask the gate themselves.

[[nodiscard]] Result<io::HttpResponse> get_health(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_live(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_metrics(Call& call);

[[nodiscard]] Result<io::HttpResponse> get_version(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_entries(Call& call);
[[nodiscard]] Result<io::HttpResponse> stat_entry(Call& call);
[[nodiscard]] Result<io::HttpResponse> explain_entry(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_mounts(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_backends(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_calls(Call& call);
[[nodiscard]] Result<io::HttpResponse> check_backend(Call& call);
[[nodiscard]] Result<io::HttpResponse> show_estate(Call& call);
[[nodiscard]] Result<io::HttpResponse> plan_estate(Call& call);
[[nodiscard]] Result<io::HttpResponse> apply_estate(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_principals(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_principal(Call& call);
[[nodiscard]] Result<io::HttpResponse> remove_principal(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_grants(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_grant(Call& call);
[[nodiscard]] Result<io::HttpResponse> remove_grant(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_keys(Call& call);
[[nodiscard]] Result<io::HttpResponse> create_key(Call& call);
[[nodiscard]] Result<io::HttpResponse> disable_key(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_plans(Call& call);
[[nodiscard]] Result<io::HttpResponse> make_plan(Call& call);
[[nodiscard]] Result<io::HttpResponse> show_plan(Call& call);
[[nodiscard]] Result<io::HttpResponse> start_run(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_runs(Call& call);
[[nodiscard]] Result<io::HttpResponse> show_run(Call& call);
[[nodiscard]] Result<io::HttpResponse> cancel_run(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_lifecycles(Call& call);
[[nodiscard]] Result<io::HttpResponse> plan_lifecycle(Call& call);
[[nodiscard]] Result<io::HttpResponse> run_inventory(Call& call);
[[nodiscard]] Result<io::HttpResponse> run_scan(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_scans(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_variables(Call& call);
[[nodiscard]] Result<io::HttpResponse> show_audit(Call& call);
[[nodiscard]] Result<io::HttpResponse> ingest_audit(Call& call);
[[nodiscard]] Result<io::HttpResponse> plan_native_rights(Call& call);
[[nodiscard]] Result<io::HttpResponse> apply_native_rights(Call& call);

}  // namespace beringia::protocol::admin
