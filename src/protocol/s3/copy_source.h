#pragma once

#include "base/path.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// What x-amz-copy-source names: "bucket/key", percent-encoded, perhaps with "/" before it and
/// "?versionId=" behind it.
/// @error kInvalid (tag InvalidArgument); as Call::object_path; kNotFound (tag NoSuchVersion)
[[nodiscard]] Result<Path> copy_source(const Call& call);

inline constexpr uint64_t kMaxCopyBytes = 5ull << 30;  // S3 API, CopyObject and UploadPartCopy

}  // namespace beringia::protocol::s3
