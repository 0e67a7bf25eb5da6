#pragma once

#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// x-amz-expiration: when the bucket's lifecycle will remove this object, and by which rule. Adds
/// nothing if no rule will.
void add_expiration(const Call& call, io::HttpResponse& response, const core::Entry& entry);

}  // namespace beringia::protocol::s3
