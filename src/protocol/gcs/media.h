#pragma once

#include <optional>
#include <string_view>

#include "core/namespace.h"
#include "protocol/gcs/call.h"
#include "protocol/gcs/error_map.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {

/// The bytes of the route's object with GCS's media headers: range, HEAD, `generation`,
/// decompressive transcoding. Shared by the JSON and the XML API.
[[nodiscard]] Result<io::HttpResponse> send_media(Call& call, core::ReadRequest request);

/// If-Match and If-None-Match with the ETags of the JSON API. @error kConflict (tags
/// "precondition", "not_modified")
[[nodiscard]] Result<void> check_json_etags(const Call& call, const meta::EntryRecord& record);

/// The sums in x-goog-hash, which may come in one header or in two. @error kInvalid
[[nodiscard]] Result<wire::gcs::Hashes> header_hashes(const Call& call);
/// What the headers of an upload say about its body: Content-Length, x-goog-hash, Content-MD5.
/// @error kInvalid
[[nodiscard]] Result<core::ExpectedBody> expected_body_of(const Call& call);
/// Adds the sums that the metadata names; both must agree. @error kInvalid
[[nodiscard]] Result<void> add_expected(core::ExpectedBody& expected,
                                        const std::optional<uint32_t>& crc32c,
                                        const std::optional<std::string>& md5);

/// Deletes the entry of a grant, or that generation of it for good.
/// @error kNotFound, also for conditions on nothing; kConflict
[[nodiscard]] Result<void> remove_entry(Call& call, const core::Grant& grant,
                                        const core::Conditions& conditions,
                                        std::optional<uint64_t> generation);

/// Can stand in a header line: user metadata may hold anything.
bool is_header_safe(std::string_view name, std::string_view value);

}  // namespace beringia::protocol::gcs
