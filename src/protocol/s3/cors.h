#pragma once

#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// Adds what lets the web page that asked read the answer, if the bucket's CORS configuration has a
/// rule for it. Does nothing for requests without an Origin.
void add_cors_headers(const Call& call, io::HttpResponse& response);

}  // namespace beringia::protocol::s3
