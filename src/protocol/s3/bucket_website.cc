// GetBucketWebsite, PutBucketWebsite, DeleteBucketWebsite.
#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "wire/website.h"

namespace beringia::protocol::s3 {
namespace {

constexpr size_t kMaxWebsiteBytes = 128 << 10;  // S3 API: 128 KB

}  // namespace

Result<io::HttpResponse> get_bucket_website(Call& call) {
  BR_TRY(info, read_bucket(call));
  const std::string& text = attribute_of(info, access::kWebsiteAttribute);
  if (text.empty()) return std::unexpected(not_set(call));
  BR_TRY(website, wire::decode_website(text));
  return xml_response(200, wire::s3::render_website(website));
}

Result<io::HttpResponse> put_bucket_website(Call& call) {
  BR_TRY(document, read_document(call, kMaxWebsiteBytes));
  BR_TRY(website, wire::s3::parse_website(document));
  BR_TRY(bucket, open_bucket(call));
  std::string text = wire::encode(website);
  if (text.size() > wire::kMaxStoredWebsiteBytes) {
    return std::unexpected(s3_error("InvalidRequest", "The website configuration is too large"));
  }
  BR_TRY(set_attribute(call, bucket, access::kWebsiteAttribute, std::move(text)));
  return empty_response(200);
}

Result<io::HttpResponse> delete_bucket_website(Call& call) {
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(set_attribute(call, bucket, access::kWebsiteAttribute, {}));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3
