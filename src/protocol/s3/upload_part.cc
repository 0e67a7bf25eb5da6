#include <utility>

#include "base/encoding.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/multipart_terms.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {

Result<io::HttpResponse> upload_part(Call& call) {
  BR_TRY(path, call.object_path());
  core::PutPart part;
  part.upload_id = call.query.get("uploadId");
  BR_TRY(number, part_number_of(call));
  part.number = number;
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(upload, call.rooms.names.find_upload(call.context, *grant, part.upload_id));
  BR_TRY(customer_key, customer_key_of(call));
  part.customer_key = std::move(customer_key);
  const UploadTerms terms = terms_of(upload);
  BR_TRY(body, UploadBody::open(call, terms.algorithm));
  if (terms.is_asked && body->algorithm() != terms.algorithm) {
    return std::unexpected(s3_error(
        "InvalidRequest",
        "Checksum Type mismatch occurred, expected checksum Type: " + name_of(terms.algorithm) +
            ", actual checksum Type: " + name_of(body->algorithm())));
  }
  part.body = &body->source();
  part.expected = body->expected();
  if (part.expected.size.value_or(0) > kMaxPartBytes) {
    return std::unexpected(
        s3_error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"));
  }
  std::string checksum;
  part.at_end = [&]() -> Result<meta::StringMap> {
    BR_TRY(computed, body->finish());
    checksum = std::move(computed);
    return meta::StringMap{{name_of(body->algorithm()), checksum}};
  };
  BR_TRY(stored, call.rooms.names.put_part(call.context, *grant, part));
  io::HttpResponse response = empty_response(200);
  response.headers.add("ETag", "\"" + to_hex(stored.md5) + "\"");
  if (terms.is_asked || body->is_claimed()) {
    response.headers.add(header_name(body->algorithm()), checksum);
  }
  add_encryption_headers(response, upload.encryption);
  return response;
}

}  // namespace beringia::protocol::s3
