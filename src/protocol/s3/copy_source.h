#pragma once

#include "base/path.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// What x-amz-copy-source names: "bucket/key", percent-encoded, perhaps with "/" before it and
/// "?versionId=" behind it.
struct CopySource {
  Path path;
  std::optional<uint64_t> generation;  // as core::ReadRequest::generation
};
/// @error kInvalid (tag InvalidArgument); as Call::object_path
[[nodiscard]] Result<CopySource> copy_source(const Call& call);

/// x-amz-copy-source-version-id.
void add_source_version_header(io::HttpResponse& response, const core::Entry& source);

inline constexpr uint64_t kMaxCopyBytes = 5ull << 30;  // S3 API, CopyObject and UploadPartCopy

}  // namespace beringia::protocol::s3
