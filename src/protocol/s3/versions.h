#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/namespace.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

// S3's version ids: the generation in decimal of what was written while the bucket kept versions,
// "null" for everything else.

/// Absent for "". @error kInvalid (tag InvalidArgument): no version id
[[nodiscard]] Result<std::optional<uint64_t>> parse_version_id(std::string_view text);
/// ?versionId=
[[nodiscard]] Result<std::optional<uint64_t>> version_of(const Call& call);

std::string version_id_of(const meta::EntryRecord& record);

/// x-amz-version-id of reads: also "null", once the bucket has heard of versions.
void add_version_header(io::HttpResponse& response, const core::Entry& entry);
/// Likewise of writes: only of what became a version.
void add_new_version_header(io::HttpResponse& response, const core::Entry& entry);

/// Why there is nothing to be read: a mark of a deletion answers with headers of its own, and 405
/// when it was asked for by its id.
Error absence(Call& call, const core::Grant& grant, std::optional<uint64_t> generation,
              Error error);

/// The entry, or that version of it that the query names. @error as absence()
[[nodiscard]] Result<core::Entry> stat_version(Call& call, const core::Grant& grant);

}  // namespace beringia::protocol::s3
