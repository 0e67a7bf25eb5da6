#include "protocol/s3/copy_source.h"

#include <utility>

#include "base/encoding.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {

Result<CopySource> copy_source(const Call& call) {
  constexpr std::string_view kVersion = "?versionId=";
  std::string_view source = call.header("x-amz-copy-source");
  std::optional<uint64_t> generation;
  if (const size_t at = source.rfind(kVersion); at != std::string_view::npos) {
    BR_TRY(version, parse_version_id(source.substr(at + kVersion.size())));
    generation = version;
    source = source.substr(0, at);
  }
  const auto text = percent_decode(source);
  std::string_view name = text ? std::string_view{*text} : std::string_view{};
  if (name.starts_with('/')) name.remove_prefix(1);
  const size_t slash = name.find('/');
  if (!is_utf8(name) || slash == std::string_view::npos || slash == 0 || slash + 1 == name.size()) {
    return std::unexpected(
        s3_error("InvalidArgument",
                 "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"));
  }
  BR_TRY(path, call.object_path(name.substr(0, slash), name.substr(slash + 1)));
  return CopySource{std::move(path), generation};
}

void add_source_version_header(io::HttpResponse& response, const core::Entry& source) {
  if (source.versioning == core::Versioning::kOff) return;
  response.headers.set("x-amz-copy-source-version-id", version_id_of(source.record));
}

}  // namespace beringia::protocol::s3
