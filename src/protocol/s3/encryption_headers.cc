#include "protocol/s3/encryption_headers.h"

#include <string_view>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::protocol::s3 {
namespace {

constexpr std::string_view kMethod = "x-amz-server-side-encryption";
constexpr std::string_view kKmsKey = "x-amz-server-side-encryption-aws-kms-key-id";
constexpr std::string_view kAlgorithm = "x-amz-server-side-encryption-customer-algorithm";
constexpr std::string_view kKey = "x-amz-server-side-encryption-customer-key";
constexpr std::string_view kKeyDigest = "x-amz-server-side-encryption-customer-key-md5";

Error bad_argument(std::string what) { return s3_error("InvalidArgument", std::move(what)); }

/// S3 User Guide, "Using server-side encryption with customer-provided keys".
Result<void> check_customer_key(const Call& call) {
  if (!call.request.is_tls) {
    return std::unexpected(
        s3_error("InvalidRequest",
                 "Requests specifying Server Side Encryption with Customer provided keys must be "
                 "made over a secure connection."));
  }
  if (call.header(kAlgorithm) != "AES256") {
    return std::unexpected(
        bad_argument("Requests specifying Server Side Encryption with Customer provided keys must "
                     "provide a valid encryption algorithm."));
  }
  const auto key = from_base64(call.header(kKey));
  if (!key || key->size() != 32) {
    return std::unexpected(
        bad_argument("Requests specifying Server Side Encryption with Customer provided keys must "
                     "provide an appropriate secret key."));
  }
  if (from_base64(call.header(kKeyDigest)) != md5(*key)) {
    return std::unexpected(
        bad_argument("The calculated MD5 hash of the key did not match the hash that was "
                     "provided."));
  }
  return {};
}

}  // namespace

Result<void> check_encryption(const Call& call) {
  const std::string_view method = call.header(kMethod);
  const io::HttpHeaders& headers = call.request.headers;
  const bool has_customer_key =
      headers.has(kAlgorithm) || headers.has(kKey) || headers.has(kKeyDigest);
  const bool is_kms = method == "aws:kms" || method == "aws:kms:dsse";
  if (headers.has(kMethod) && method != "AES256" && !is_kms) {
    return std::unexpected(bad_argument("The encryption method specified is not supported"));
  }
  if (headers.has(kMethod) && has_customer_key) {
    return std::unexpected(
        bad_argument("Server Side Encryption with Customer provided key is incompatible with the "
                     "encryption method specified"));
  }
  if (headers.has(kKmsKey) && !is_kms) {
    return std::unexpected(
        bad_argument("Server Side Encryption with AWS KMS managed key requires HTTP header "
                     "x-amz-server-side-encryption : aws:kms"));
  }
  if (has_customer_key) BR_TRY(check_customer_key(call));
  return {};
}

}  // namespace beringia::protocol::s3
