#pragma once

#include <string>

#include "io/http.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

/// Parameters of the JSON API that mean the same in every method, or that no method serves: what
/// cannot be heeded is refused here, so that nothing is silently ignored. @error kInvalid
[[nodiscard]] Result<void> check_query(const Call& call);

/// pageToken, of lists whose token is the last name in base64url; "" = from the start.
/// @error kInvalid
[[nodiscard]] Result<std::string> page_position(const Parameters& query);

/// ifMetagenerationMatch and ifMetagenerationNotMatch of what has no generation.
/// @error kConflict: tag "precondition", or "not_modified" of reads
[[nodiscard]] Result<void> check_metageneration(const core::Conditions& conditions, uint64_t now,
                                                bool is_read);

/// prettyPrint=true: lines and blanks where a reader wants them.
void print_pretty(const Call& call, io::HttpResponse& response);

}  // namespace beringia::protocol::gcs
