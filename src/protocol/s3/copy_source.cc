#include "protocol/s3/copy_source.h"

#include "base/encoding.h"
#include "protocol/s3/object_headers.h"

namespace beringia::protocol::s3 {

Result<Path> copy_source(const Call& call) {
  constexpr std::string_view kVersion = "?versionId=";
  std::string_view source = call.header("x-amz-copy-source");
  if (const size_t at = source.rfind(kVersion); at != std::string_view::npos) {
    BR_TRY(check_version_id(source.substr(at + kVersion.size())));
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
  return call.object_path(name.substr(0, slash), name.substr(slash + 1));
}

}  // namespace beringia::protocol::s3
