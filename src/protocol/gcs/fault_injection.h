#pragma once

#include <functional>
#include <string_view>

#include "protocol/gcs/call.h"
#include "protocol/gcs/fault_tests.h"

namespace beringia::protocol::gcs {

/// Whose faults a request shall meet.
inline constexpr std::string_view kFaultHeader = "x-retry-test-id";

/// In front of the router where `gcs_fault_injection` is on: the addresses of the Retry Test API
/// (/retry_test, for whoever has a credential), and the faults that a request's test asks for.
/// Everything else goes to `next` unchanged.
io::HttpResponse inject_faults(FaultTests& tests, const Rooms& rooms, const io::Context& context,
                               io::HttpRequest& request,
                               const std::function<io::HttpResponse()>& next);

}  // namespace beringia::protocol::gcs
