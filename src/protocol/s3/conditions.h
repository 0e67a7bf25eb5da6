#pragma once

#include <string_view>
#include <vector>

#include "core/namespace.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// ETags of an If-Match or If-None-Match header: quoted, weak, or bare, as clients send them.
void append_etags(std::vector<std::string>& etags, std::string_view header);

/// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since of GET and HEAD. Dates that
/// nobody can read are ignored, as RFC 9110 has it.
core::Conditions read_conditions(const Call& call);

/// If-Match and If-None-Match: * of PutObject, CompleteMultipartUpload and (match only)
/// DeleteObject. @error kUnsupported: If-None-Match with an ETag
[[nodiscard]] Result<core::Conditions> write_conditions(const Call& call);

/// x-amz-copy-source-if-*.
core::Conditions source_conditions(const Call& call);

}  // namespace beringia::protocol::s3
