#pragma once

#include <optional>
#include <string>
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

/// If-Match and If-None-Match of PutObject, CopyObject and CompleteMultipartUpload. AWS knows only
/// "*" in the latter; an ETag is obeyed too.
core::Conditions write_conditions(const Call& call);

/// What a delete may insist on.
struct DeleteTerms {
  std::string etag;                   // "" = any
  std::optional<Timestamp> modified;  // second resolution
  std::optional<uint64_t> size;
  std::optional<uint64_t> generation;  // of ?versionId=; as core::RemoveRequest::generation
};
/// ?versionId=, If-Match, x-amz-if-match-last-modified-time and x-amz-if-match-size of
/// DeleteObject.
/// @error kInvalid (tag InvalidArgument)
[[nodiscard]] Result<DeleteTerms> delete_terms(const Call& call);
/// As conditions of the namespace; time and size are compared with the entry as it is now, and the
/// delete is bound to that generation.
/// @error kNotFound, kConflict (tag precondition)
[[nodiscard]] Result<core::Conditions> delete_conditions(const io::Context& context,
                                                         core::Namespace& names,
                                                         const core::Grant& grant,
                                                         const DeleteTerms& terms);

/// The delete itself; what is not there counts as deleted. Also of one of many.
[[nodiscard]] Result<core::Removed> remove_object(const Call& call, const io::Context& context,
                                                  const core::Grant& grant,
                                                  const DeleteTerms& terms);

/// x-amz-copy-source-if-*.
core::Conditions source_conditions(const Call& call);

}  // namespace beringia::protocol::s3
