#include "identity/sealer.h"

#include <openssl/evp.h>

#include <memory>
#include <span>

namespace beringia::identity {
namespace {

constexpr char kVersion = 1;
constexpr size_t kNonceBytes = 12;  // NIST SP 800-38D: 96 bits, random, for < 2^32 values per key
constexpr size_t kTagBytes = 16;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Error sealing_failed() { return internal("cannot seal a secret", "OpenSSL refused AES-256-GCM"); }

Error not_ours() {
  return corrupt("cannot unseal a secret of the catalog",
                 "it is damaged, or was sealed with another sealing key",
                 "restore the sealing key file of this data directory from its backup");
}

}  // namespace

Result<std::string> Sealer::seal(std::string_view row, const Secret& plain) const {
  const std::string& text = plain.reveal();
  std::string sealed(1 + kNonceBytes + text.size() + kTagBytes, '\0');
  sealed[0] = kVersion;
  rng_.fill(std::span{sealed}.subspan(1, kNonceBytes));
  unsigned char* nonce = bytes_of(sealed) + 1;
  unsigned char* body = nonce + kNonceBytes;
  Cipher cipher{EVP_CIPHER_CTX_new()};
  int written = 0;
  const bool ok =
      cipher && key_.reveal().size() == kKeyBytes &&
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_.reveal()),
                         nonce) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &written, bytes_of(row),
                        static_cast<int>(row.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), body, &written, bytes_of(std::string_view{text}),
                        static_cast<int>(text.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), body + text.size(), &written) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, body + text.size()) == 1;
  if (!ok) return std::unexpected(sealing_failed());
  return sealed;
}

Result<Secret> Sealer::unseal(std::string_view row, std::string_view sealed) const {
  if (sealed.size() < 1 + kNonceBytes + kTagBytes || sealed[0] != kVersion) {
    return std::unexpected(not_ours());
  }
  const unsigned char* nonce = bytes_of(sealed) + 1;
  const std::string_view body =
      sealed.substr(1 + kNonceBytes, sealed.size() - 1 - kNonceBytes - kTagBytes);
  std::string tag{sealed.substr(sealed.size() - kTagBytes)};
  std::string plain(body.size(), '\0');
  Cipher cipher{EVP_CIPHER_CTX_new()};
  int written = 0;
  const bool ok =
      cipher && key_.reveal().size() == kKeyBytes &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key_.reveal()),
                         nonce) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &written, bytes_of(row),
                        static_cast<int>(row.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), bytes_of(plain), &written, bytes_of(body),
                        static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, bytes_of(tag)) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), bytes_of(plain) + plain.size(), &written) == 1;
  if (!ok) return std::unexpected(not_ours());
  return Secret{std::move(plain)};
}

}  // namespace beringia::identity
