#include "protocol/s3/versions.h"

#include <utility>

#include "base/encoding.h"

namespace beringia::protocol::s3 {
namespace {

constexpr std::string_view kVersionHeader = "x-amz-version-id";
constexpr std::string_view kNull = "null";

}  // namespace

Result<std::optional<uint64_t>> parse_version_id(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text == kNull) return core::kUnversioned;
  const auto generation = parse_u64(text);
  if (generation && *generation != core::kUnversioned) return *generation;
  return std::unexpected(s3_error("InvalidArgument", "Invalid version id specified"));
}

Result<std::optional<uint64_t>> version_of(const Call& call) {
  return parse_version_id(call.query.get("versionId"));
}

std::string version_id_of(const meta::EntryRecord& record) {
  return record.versioned ? std::to_string(record.generation) : std::string{kNull};
}

void add_version_header(io::HttpResponse& response, const core::Entry& entry) {
  if (entry.versioning == core::Versioning::kOff) return;
  response.headers.set(kVersionHeader, version_id_of(entry.record));
}

void add_new_version_header(io::HttpResponse& response, const core::Entry& entry) {
  if (entry.record.versioned) response.headers.set(kVersionHeader, version_id_of(entry.record));
}

Error absence(Call& call, const core::Grant& grant, std::optional<uint64_t> generation,
              Error error) {
  if (error.code() != Code::kNotFound || error.tag() == "no_bucket") return error;
  const auto marker = call.rooms.names.find_marker(call.context, grant, generation);
  if (marker && *marker) {
    const core::Entry& found = **marker;
    call.error_headers.emplace_back("x-amz-delete-marker", "true");
    call.error_headers.emplace_back(kVersionHeader, version_id_of(found.record));
    if (!generation) return error;
    call.error_headers.emplace_back("Allow", "DELETE");
    call.error_headers.emplace_back("Last-Modified", to_http_date(found.record.created));
    return unsupported("The specified method is not allowed against this resource.")
        .with_tag("MethodNotAllowed");
  }
  if (generation) return not_found("The specified version does not exist.").with_tag("no_version");
  return error;
}

Result<core::Entry> stat_version(Call& call, const core::Grant& grant) {
  BR_TRY(generation, version_of(call));
  auto entry = call.rooms.names.stat(call.context, grant, generation);
  if (entry) return entry;
  return std::unexpected(absence(call, grant, generation, std::move(entry).error()));
}

}  // namespace beringia::protocol::s3
