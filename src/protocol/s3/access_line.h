#pragma once

#include <optional>

#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// Writes a line of the bucket's access log when the exchange has ended, if the bucket has one.
void log_access(const Call& call, io::HttpResponse& response, const std::optional<Error>& error,
                MonotonicTime started);

}  // namespace beringia::protocol::s3
