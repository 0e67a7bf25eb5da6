#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "audit/audit.h"
#include "base/error.h"
#include "meta/estate.h"

namespace beringia::protocol::admin {

/// Door of records that tell what was done to a bucket past us.
inline constexpr std::string_view kNativeDoor = "gcs-native";

/// One line of an export of Cloud Audit Logs (a LogEntry with an AuditLog) as a record of our own
/// trail: principal, address, method, verdict and time as Google saw them; the path is that of the
/// namespace if a mount of the estate shows the object, else "gs://bucket/name". The entry's
/// insertId becomes the request's id.
/// @return nullopt: it is no entry of Cloud Storage. @error kInvalid: it is not a LogEntry
[[nodiscard]] Result<std::optional<audit::Record>> parse_cloud_audit(std::string_view line,
                                                                     const meta::Estate& estate);

}  // namespace beringia::protocol::admin
