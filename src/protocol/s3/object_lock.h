#pragma once

#include "core/namespace.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// What x-amz-object-lock-* ask for. @error kInvalid (tag InvalidArgument)
[[nodiscard]] Result<meta::Lock> lock_of_headers(const Call& call);
/// Likewise of GET and HEAD.
void add_lock_headers(io::HttpResponse& response, const meta::Lock& lock);

/// x-amz-bypass-governance-retention, from somebody who may.
bool bypasses_governance(const Call& call, const Path& path);

/// Attributes of a new bucket with x-amz-bucket-object-lock-enabled.
void add_bucket_lock(const Call& call, meta::StringMap& attributes);

}  // namespace beringia::protocol::s3
