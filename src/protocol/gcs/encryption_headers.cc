#include "protocol/gcs/encryption_headers.h"

#include <string>
#include <utility>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::protocol::gcs {
namespace {

using Method = meta::Encryption::Method;

constexpr std::string_view kOwn = "x-goog-encryption-";
constexpr std::string_view kSource = "x-goog-copy-source-encryption-";
constexpr std::string_view kNamedKey = "x-goog-encryption-kms-key-name";
constexpr size_t kKeyBytes = 32;
constexpr size_t kMaxKeyName = 2048;

Result<std::optional<Secret>> read_key(const Call& call, std::string_view prefix) {
  const std::string start{prefix};
  const io::HttpHeaders& headers = call.request.headers;
  if (!headers.has(start + "algorithm") && !headers.has(start + "key") &&
      !headers.has(start + "key-sha256")) {
    return std::nullopt;
  }
  if (!call.request.is_tls && !call.rooms.customer_keys_over_http) {
    return std::unexpected(invalid(
        "Customer-supplied encryption keys are taken over TLS only", "this request has none",
        "use https, or set customer_keys = any behind a proxy that speaks TLS"));
  }
  if (call.header(start + "algorithm") != "AES256") {
    return std::unexpected(
        invalid("The encryption algorithm is not AES256").with_tag(kBadAlgorithm));
  }
  auto key = from_base64(call.header(start + "key"));
  if (!key || key->size() != kKeyBytes) {
    return std::unexpected(
        invalid("The encryption key is not 32 bytes in base64").with_tag(kBadKey));
  }
  Secret secret{std::move(*key)};
  if (from_base64(call.header(start + "key-sha256")) != sha256(secret.reveal())) {
    return std::unexpected(
        invalid("The SHA-256 of the encryption key is not the one that was sent with it")
            .with_tag(kBadDigest));
  }
  return secret;
}

}  // namespace

Result<core::EncryptionChoice> encryption_of(const Call& call, std::string_view parameter) {
  core::EncryptionChoice choice;
  std::string name = call.query.get(parameter);
  if (name.empty()) name = call.header(kNamedKey);
  if (name.size() > kMaxKeyName) return std::unexpected(invalid("The key's name is too long"));
  if (!name.empty()) {
    choice.method = Method::kNamed;
    choice.key_id = std::move(name);
  }
  BR_TRY(key, read_key(call, kOwn));
  if (!key) return choice;
  if (choice.method == Method::kNamed) {
    return std::unexpected(
        invalid("A customer-supplied encryption key and a Cloud KMS key exclude each other"));
  }
  choice.method = Method::kCustomer;
  choice.customer_key = std::move(*key);
  return choice;
}

Result<std::optional<Secret>> customer_key_of(const Call& call) { return read_key(call, kOwn); }

Result<std::optional<Secret>> source_key_of(const Call& call) { return read_key(call, kSource); }

void add_encryption_headers(io::HttpResponse& response, const meta::Encryption& encryption) {
  if (encryption.method == Method::kCustomer) {
    response.headers.set(std::string{kOwn} + "algorithm", "AES256");
    response.headers.set(std::string{kOwn} + "key-sha256", to_base64(encryption.key_sha256));
  } else if (encryption.method == Method::kNamed) {
    response.headers.set(std::string{kNamedKey}, encryption.key_id);
  }
}

bool shows_checksums(const Call& call, const meta::Encryption& encryption) {
  return encryption.method != Method::kCustomer ||
         call.request.headers.has(std::string{kOwn} + "key");
}

}  // namespace beringia::protocol::gcs
