// GetBucketTagging, PutBucketTagging, DeleteBucketTagging.
#include <utility>

#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

// In DirectoryEntry::attributes: the Tagging document.
constexpr std::string_view kTags = "s3-tags";

}  // namespace

Result<io::HttpResponse> get_bucket_tagging(Call& call) {
  BR_TRY(info, read_bucket(call));
  const std::string& tags = attribute_of(info, kTags);
  if (tags.empty()) return std::unexpected(not_set(call));
  return xml_response(200, tags);
}

Result<io::HttpResponse> put_bucket_tagging(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(tags, wire::s3::parse_tagging(document));
  BR_TRY(wire::s3::check_tags(tags, wire::s3::kMaxBucketTags));
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(set_attribute(call, bucket, kTags, wire::s3::render_tagging(tags)));
  return empty_response(204);
}

Result<io::HttpResponse> delete_bucket_tagging(Call& call) {
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(set_attribute(call, bucket, kTags, ""));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3
