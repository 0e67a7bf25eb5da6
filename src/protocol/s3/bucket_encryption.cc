// GetBucketEncryption, PutBucketEncryption, DeleteBucketEncryption.
#include <utility>

#include "core/encryption.h"
#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

using Method = meta::Encryption::Method;

Result<core::EncryptionChoice> choice_of(const wire::s3::DefaultEncryption& document) {
  core::EncryptionChoice choice;
  if (document.algorithm == "AES256") {
    choice.method = Method::kServer;
    if (document.key_id.empty()) return choice;
    return std::unexpected(s3_error("InvalidArgument",
                                    "a KMSMasterKeyID is not applicable if the default sse "
                                    "algorithm is not aws:kms or aws:kms:dsse"));
  }
  if (document.algorithm == "aws:kms:dsse") {
    return std::unexpected(not_implemented(document.algorithm));
  }
  if (document.algorithm != "aws:kms") {
    return std::unexpected(s3_error("MalformedXML", "SSEAlgorithm is none that exists"));
  }
  choice.method = Method::kNamed;
  choice.key_id = document.key_id;
  choice.reuses_key = document.bucket_key;
  return choice;
}

}  // namespace

Result<io::HttpResponse> get_bucket_encryption(Call& call) {
  BR_TRY(info, read_bucket(call));
  const auto choice = core::parse_default_encryption(attribute_of(info, core::kDefaultEncryption));
  if (!choice) return std::unexpected(not_set(call));
  return xml_response(
      200, wire::s3::render(wire::s3::DefaultEncryption{std::string{algorithm_of(choice->method)},
                                                        choice->key_id, choice->reuses_key}));
}

Result<io::HttpResponse> put_bucket_encryption(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(encryption, wire::s3::parse_default_encryption(document));
  BR_TRY(choice, choice_of(encryption));
  BR_TRY(bucket, open_bucket(call));
  // A key that is not there would refuse every later write.
  BR_TRY(call.rooms.names.check_encryption(call.context, choice));
  BR_TRY(set_attribute(call, bucket, core::kDefaultEncryption,
                       core::encode_default_encryption(choice)));
  return empty_response(200);
}

Result<io::HttpResponse> delete_bucket_encryption(Call& call) {
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(set_attribute(call, bucket, core::kDefaultEncryption, ""));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3
