// GetBucketVersioning and PutBucketVersioning.
#include <utility>

#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {

Result<io::HttpResponse> get_bucket_versioning(Call& call) {
  BR_TRY(info, read_bucket(call));
  const std::string& state = attribute_of(info, core::kVersioningAttribute);
  wire::s3::XmlWriter xml{"VersioningConfiguration"};
  if (!state.empty()) {
    xml.text("Status", state == core::kVersioningOn ? "Enabled" : "Suspended");
  }
  return xml_response(200, xml.take());
}

Result<io::HttpResponse> put_bucket_versioning(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(wanted, wire::s3::parse_versioning(document));
  BR_TRY(bucket, open_bucket(call));
  if (wanted.mfa_delete) return std::unexpected(not_implemented("MFA Delete"));
  BR_TRY(set_attribute(
      call, bucket, core::kVersioningAttribute,
      std::string{wanted.enabled ? core::kVersioningOn : core::kVersioningSuspended}));
  return empty_response(200);
}

}  // namespace beringia::protocol::s3
