// GetBucketRequestPayment, PutBucketRequestPayment. Nobody is billed here; what the setting asks of
// requests holds (service.cc).
#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {

Result<io::HttpResponse> get_request_payment(Call& call) {
  BR_TRY(info, read_bucket(call));
  const bool requester = !attribute_of(info, access::kRequesterPaysAttribute).empty();
  wire::s3::XmlWriter xml{"RequestPaymentConfiguration"};
  xml.text("Payer", requester ? "Requester" : "BucketOwner");
  return xml_response(200, xml.take());
}

Result<io::HttpResponse> put_request_payment(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(payer, wire::s3::parse_request_payment(document));
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(set_attribute(call, bucket, access::kRequesterPaysAttribute,
                       payer == "Requester" ? "1" : ""));
  return empty_response(200);
}

}  // namespace beringia::protocol::s3
