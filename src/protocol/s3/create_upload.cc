#include <utility>

#include "protocol/s3/acls.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/multipart_terms.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {

Result<io::HttpResponse> create_multipart_upload(Call& call) {
  BR_TRY(path, call.object_path());
  BR_TRY(terms, terms_of_request(call));
  core::BeginUpload begin;
  begin.protocol = kUploadProtocol;
  BR_TRY(attributes, attributes_of(call));
  begin.attributes = std::move(attributes);
  begin.options = options_of(terms);
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(check_offered(call));
  BR_TRY(encryption, encryption_of(call));
  begin.attributes.encryption = std::move(encryption);
  BR_TRY(acl, acl_for_write(call, *grant));
  begin.attributes.acl = std::move(acl);
  BR_TRY(upload, call.rooms.names.begin_upload(call.context, *grant, begin));
  wire::s3::XmlWriter xml{"InitiateMultipartUploadResult"};
  xml.text("Bucket", call.route.bucket).text("Key", call.route.key).text("UploadId", upload.id);
  io::HttpResponse response = xml_response(200, xml.take());
  if (terms.is_asked) {
    response.headers.add("x-amz-checksum-algorithm", std::string{wire_name(terms.algorithm)});
    response.headers.add("x-amz-checksum-type", terms.type);
  }
  add_encryption_headers(response, upload.encryption);
  return response;
}

}  // namespace beringia::protocol::s3
