#include "protocol/s3/encryption_headers.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::protocol::s3 {
namespace {

using Method = meta::Encryption::Method;

constexpr std::string_view kMethod = "x-amz-server-side-encryption";
constexpr std::string_view kKmsKey = "x-amz-server-side-encryption-aws-kms-key-id";
constexpr std::string_view kContext = "x-amz-server-side-encryption-context";
constexpr std::string_view kBucketKey = "x-amz-server-side-encryption-bucket-key-enabled";
constexpr std::string_view kOwn = "x-amz-server-side-encryption-customer-";
constexpr std::string_view kSource = "x-amz-copy-source-server-side-encryption-customer-";
constexpr size_t kMaxContext = 8 << 10;
constexpr size_t kMaxKeyId = 2048;
constexpr size_t kKeyBytes = 32;

Error bad_argument(std::string what) { return s3_error("InvalidArgument", std::move(what)); }

Error over_http() {
  return s3_error("InvalidRequest",
                  "Requests specifying Server Side Encryption with Customer provided keys must be "
                  "made over a secure connection.");
}

/// The three headers that begin with `prefix`.
Result<std::optional<Secret>> read_key(const Call& call, std::string_view prefix) {
  const std::string start{prefix};
  const io::HttpHeaders& headers = call.request.headers;
  if (!headers.has(start + "algorithm") && !headers.has(start + "key") &&
      !headers.has(start + "key-md5")) {
    return std::nullopt;
  }
  if (!call.request.is_tls && !call.rooms.options.customer_keys_over_http) {
    return std::unexpected(over_http());
  }
  if (call.header(start + "algorithm") != "AES256") {
    return std::unexpected(
        bad_argument("Requests specifying Server Side Encryption with Customer provided keys must "
                     "provide a valid encryption algorithm."));
  }
  auto key = from_base64(call.header(start + "key"));
  if (!key || key->size() != kKeyBytes) {
    return std::unexpected(
        bad_argument("Requests specifying Server Side Encryption with Customer provided keys must "
                     "provide an appropriate secret key."));
  }
  Secret secret{std::move(*key)};
  if (from_base64(call.header(start + "key-md5")) != md5(secret.reveal())) {
    return std::unexpected(
        bad_argument("The calculated MD5 hash of the key did not match the hash that was "
                     "provided."));
  }
  return secret;
}

Result<Method> method_of(std::string_view word) {
  if (word == "AES256") return Method::kServer;
  if (word == "aws:kms") return Method::kNamed;
  if (word == "aws:kms:dsse") return std::unexpected(not_implemented(std::string{word}));
  return std::unexpected(bad_argument("The encryption method specified is not supported"));
}

/// What goes with aws:kms only.
Result<void> read_named(const Call& call, core::EncryptionChoice& choice) {
  const std::string_view key = call.header(kKmsKey);
  const std::string_view context = call.header(kContext);
  if (key.size() > kMaxKeyId || context.size() > kMaxContext) {
    return std::unexpected(bad_argument("The encryption key's name or context is too long"));
  }
  if (!context.empty() && !from_base64(context)) {
    return std::unexpected(bad_argument("The encryption context is not base64"));
  }
  choice.key_id = key;
  choice.context = context;
  choice.reuses_key = equals_ignoring_case(call.header(kBucketKey), "true");
  return {};
}

}  // namespace

Result<core::EncryptionChoice> encryption_of(const Call& call) {
  const io::HttpHeaders& headers = call.request.headers;
  core::EncryptionChoice choice;
  const bool has_method = headers.has(kMethod);
  if (has_method) {
    BR_TRY(method, method_of(call.header(kMethod)));
    choice.method = method;
  }
  if (headers.has(kKmsKey) && choice.method != Method::kNamed) {
    return std::unexpected(
        bad_argument("Server Side Encryption with AWS KMS managed key requires HTTP header "
                     "x-amz-server-side-encryption : aws:kms"));
  }
  const std::string own{kOwn};
  const bool has_key =
      headers.has(own + "algorithm") || headers.has(own + "key") || headers.has(own + "key-md5");
  if (has_method && has_key) {
    return std::unexpected(
        bad_argument("Server Side Encryption with Customer provided key is incompatible with the "
                     "encryption method specified"));
  }
  if (choice.method == Method::kNamed) BR_TRY(read_named(call, choice));
  BR_TRY(key, read_key(call, kOwn));
  if (key) {
    choice.method = Method::kCustomer;
    choice.customer_key = std::move(*key);
  }
  return choice;
}

Result<std::optional<Secret>> customer_key_of(const Call& call) { return read_key(call, kOwn); }

Result<std::optional<Secret>> reader_key_of(const Call& call) {
  for (const std::string_view header : {kMethod, kKmsKey, kContext}) {
    if (!call.request.headers.has(header)) continue;
    return std::unexpected(
        bad_argument(std::string{header} + " header is not supported for this operation."));
  }
  return read_key(call, kOwn);
}

Result<std::optional<Secret>> source_key_of(const Call& call) { return read_key(call, kSource); }

std::string_view algorithm_of(Method method) {
  return method == Method::kNamed ? "aws:kms" : "AES256";
}

void add_encryption_headers(io::HttpResponse& response, const meta::Encryption& encryption) {
  if (!encryption) return;
  io::HttpHeaders& headers = response.headers;
  const std::string algorithm{algorithm_of(encryption.method)};
  if (encryption.method == Method::kCustomer) {
    headers.add(std::string{kOwn} + "algorithm", algorithm);
    headers.add(std::string{kOwn} + "key-MD5", to_base64(encryption.key_md5));
    return;
  }
  headers.add(std::string{kMethod}, algorithm);
  if (encryption.method != Method::kNamed) return;
  headers.add(std::string{kKmsKey}, encryption.key_id);
  if (encryption.reuses_key) headers.add(std::string{kBucketKey}, "true");
}

}  // namespace beringia::protocol::s3
