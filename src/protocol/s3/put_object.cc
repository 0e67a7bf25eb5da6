#include <utility>

#include "protocol/s3/acls.h"
#include "protocol/s3/conditions.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/expiration.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

constexpr uint64_t kMaxPutBytes = 5ull << 30;  // S3 API: larger objects need a multipart upload

}  // namespace

Result<io::HttpResponse> put_object(Call& call) {
  BR_TRY(path, call.object_path());
  core::WriteRequest request;
  BR_TRY(attributes, attributes_of(call));
  request.attributes = std::move(attributes);
  request.conditions = write_conditions(call);
  // S3 computes CRC64NVME when the client sends no checksum.
  BR_TRY(body, UploadBody::open(call, ChecksumAlgorithm::kCrc64Nvme));
  request.body = &body->source();
  request.expected = body->expected();
  if (request.expected.size.value_or(0) > kMaxPutBytes) {
    return std::unexpected(
        s3_error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"));
  }
  std::string checksum;
  request.at_end = [&]() -> Result<meta::StringMap> {
    BR_TRY(computed, body->finish());
    checksum = std::move(computed);
    return meta::StringMap{{name_of(body->algorithm()), checksum},
                           {kTypeKey, std::string{kFullObject}}};
  };
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(check_offered(call));
  BR_TRY(encryption, encryption_of(call));
  request.attributes.encryption = std::move(encryption);
  BR_TRY(acl, acl_for_write(call, *grant));
  request.attributes.acl = std::move(acl);
  BR_TRY(entry, call.rooms.names.write(call.context, *grant, request));
  io::HttpResponse response = empty_response(200);
  response.headers.add("ETag", quoted_etag(entry.record));
  add_new_version_header(response, entry);
  response.headers.add(header_name(body->algorithm()), checksum);
  response.headers.add("x-amz-checksum-type", std::string{kFullObject});
  add_encryption_headers(response, entry.record.encryption);
  add_expiration(call, response, entry);
  return response;
}

}  // namespace beringia::protocol::s3
