#pragma once

#include <functional>
#include <string>

#include "app/admin_client.h"
#include "app/command_line.h"

namespace beringia::app {

// The verbs that speak to a running server, by topic (command_*.cc). Each returns an exit code.

int keys_create(const Invocation& invocation);
int keys_list(const Invocation& invocation);
int keys_disable(const Invocation& invocation);
int principals_list(const Invocation& invocation);
int principals_create(const Invocation& invocation);
int principals_remove(const Invocation& invocation);
int grants_list(const Invocation& invocation);
int grants_add(const Invocation& invocation);
int grants_remove(const Invocation& invocation);
int list_path(const Invocation& invocation);
int stat_path(const Invocation& invocation);
int explain_path(const Invocation& invocation);
int mount_list(const Invocation& invocation);
int backend_list(const Invocation& invocation);
int backend_calls(const Invocation& invocation);
int backend_check(const Invocation& invocation);
int estate_plan(const Invocation& invocation);
int estate_apply(const Invocation& invocation);
int estate_show(const Invocation& invocation);
int policy_plan(const Invocation& invocation);
int policy_apply(const Invocation& invocation);
int policy_status(const Invocation& invocation);
int policy_runs(const Invocation& invocation);
int mount_scan(const Invocation& invocation);
int mount_scans(const Invocation& invocation);
int policy_lifecycle(const Invocation& invocation);
int policy_variables(const Invocation& invocation);
int policy_cancel(const Invocation& invocation);
int inventory_run(const Invocation& invocation);
int audit_verify(const Invocation& invocation);
int audit_ingest(const Invocation& invocation);
int iam_plan(const Invocation& invocation);
int iam_apply(const Invocation& invocation);

/// One call; prints the answer as JSON (--json) or as `print` does. @return the exit code
int call_and_print(const Invocation& invocation, const std::string& method,
                   const std::string& target, const std::string& body,
                   const std::function<void(const wire::Value& answer)>& print);

}  // namespace beringia::app
