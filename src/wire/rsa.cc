#include "wire/rsa.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace beringia::wire {

namespace {

constexpr int kMinBits = 2048;  // NIST SP 800-131A
constexpr int kMaxBits = 8192;  // beyond it one verification costs milliseconds
constexpr size_t kMaxPemBytes = 64 << 10;

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, KeyDeleter>;

struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioHandle = std::unique_ptr<BIO, BioDeleter>;

struct DigestDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestHandle = std::unique_ptr<EVP_MD_CTX, DigestDeleter>;

template <auto kFree>
struct Freer {
  void operator()(auto* value) const { kFree(value); }
};
using NumberHandle = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using ParameterHandle = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using ContextHandle = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;

/// OpenSSL's own words; its messages never hold key material.
std::string openssl_reason() {
  auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the text is not a PEM key";
  char text[160];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

/// Refuses to ask a terminal for a passphrase, which OpenSSL does by default.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<void> check_key(EVP_PKEY* key, const char* what) {
  if (key == nullptr) return std::unexpected(invalid(what, openssl_reason()));
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
    return std::unexpected(invalid(what, "it is not an RSA key"));
  }
  int bits = EVP_PKEY_get_bits(key);
  if (bits < kMinBits || bits > kMaxBits) {
    return std::unexpected(
        invalid(what, "it has " + std::to_string(bits) + " bits; 2048 to 8192 are accepted"));
  }
  return {};
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  long length = BIO_get_mem_data(bio, &data);
  return length > 0 ? std::string(data, static_cast<size_t>(length)) : std::string{};
}

}  // namespace

struct RsaPrivateKey::Key {
  KeyHandle handle;
};

struct RsaPublicKey::Key {
  KeyHandle handle;
};

Result<RsaPrivateKey> RsaPrivateKey::generate(int bits) {
  if (bits < kMinBits || bits > kMaxBits) {
    return std::unexpected(invalid("cannot make an RSA key", "2048 to 8192 bits are accepted"));
  }
  KeyHandle key{EVP_RSA_gen(static_cast<unsigned>(bits))};
  if (!key) return std::unexpected(internal("cannot make an RSA key", openssl_reason()));
  return RsaPrivateKey{std::make_shared<const Key>(Key{std::move(key)})};
}

Result<RsaPrivateKey> RsaPrivateKey::from_pem(const Secret& pem) {
  constexpr const char* kWhat = "cannot read the private key";
  const auto& text = pem.reveal();
  if (text.size() > kMaxPemBytes) return std::unexpected(invalid(kWhat, "it is over 64 KiB"));
  BioHandle bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
  KeyHandle key{PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr)};
  BR_TRY(check_key(key.get(), kWhat));
  return RsaPrivateKey{std::make_shared<const Key>(Key{std::move(key)})};
}

Secret RsaPrivateKey::to_pem() const {
  BioHandle bio{BIO_new(BIO_s_secmem())};
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key_->handle.get(), nullptr, nullptr, 0, nullptr,
                                nullptr);
  return Secret{text_of(bio.get())};
}

std::string RsaPrivateKey::public_pem() const {
  BioHandle bio{BIO_new(BIO_s_mem())};
  PEM_write_bio_PUBKEY(bio.get(), key_->handle.get());
  return text_of(bio.get());
}

Result<std::string> RsaPrivateKey::sign(std::string_view message) const {
  DigestHandle context{EVP_MD_CTX_new()};
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  size_t length = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->handle.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, bytes, message.size()) != 1) {
    return std::unexpected(internal("cannot sign", openssl_reason()));
  }
  std::string signature(length, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                     bytes, message.size()) != 1) {
    return std::unexpected(internal("cannot sign", openssl_reason()));
  }
  signature.resize(length);
  return signature;
}

Result<RsaPublicKey> RsaPublicKey::from_pem(std::string_view pem) {
  constexpr const char* kWhat = "cannot read the public key";
  if (pem.size() > kMaxPemBytes) return std::unexpected(invalid(kWhat, "it is over 64 KiB"));
  BioHandle bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  KeyHandle key{PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr)};
  BR_TRY(check_key(key.get(), kWhat));
  return RsaPublicKey{std::make_shared<const Key>(Key{std::move(key)})};
}

Result<RsaPublicKey::Numbers> RsaPublicKey::numbers() const {
  Numbers numbers;
  for (const auto& [name, bytes] : {std::pair{OSSL_PKEY_PARAM_RSA_N, &numbers.modulus},
                                    std::pair{OSSL_PKEY_PARAM_RSA_E, &numbers.exponent}}) {
    BIGNUM* found = nullptr;
    if (EVP_PKEY_get_bn_param(key_->handle.get(), name, &found) != 1) {
      return std::unexpected(internal("cannot show the public key", openssl_reason()));
    }
    const NumberHandle number{found};
    bytes->resize(static_cast<size_t>(BN_num_bytes(found)));
    BN_bn2bin(found, reinterpret_cast<unsigned char*>(bytes->data()));
  }
  return numbers;
}

Result<RsaPublicKey> RsaPublicKey::from_numbers(std::string_view modulus,
                                                std::string_view exponent) {
  constexpr const char* kWhat = "cannot use the public key";
  constexpr size_t kMaxExponentBytes = 8;
  if (modulus.size() > kMaxBits / 8 + 1 || exponent.empty() ||
      exponent.size() > kMaxExponentBytes) {
    return std::unexpected(invalid(kWhat, "its modulus or exponent is too long, or missing"));
  }
  const auto number = [](std::string_view bytes) {
    return NumberHandle{BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                  static_cast<int>(bytes.size()), nullptr)};
  };
  const NumberHandle n = number(modulus), e = number(exponent);
  const ParameterBuilder builder{OSSL_PARAM_BLD_new()};
  const ContextHandle context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)};
  if (!n || !e || !builder || !context ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return std::unexpected(internal(kWhat, openssl_reason()));
  }
  const ParameterHandle parameters{OSSL_PARAM_BLD_to_param(builder.get())};
  EVP_PKEY* made = nullptr;
  if (!parameters || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return std::unexpected(invalid(kWhat, openssl_reason()));
  }
  KeyHandle key{made};
  BR_TRY(check_key(key.get(), kWhat));
  return RsaPublicKey{std::make_shared<const Key>(Key{std::move(key)})};
}

bool RsaPublicKey::verify(std::string_view message, std::string_view signature) const {
  DigestHandle context{EVP_MD_CTX_new()};
  if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->handle.get()) !=
      1) {
    ERR_clear_error();
    return false;
  }
  int outcome = EVP_DigestVerify(
      context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
      reinterpret_cast<const unsigned char*>(message.data()), message.size());
  ERR_clear_error();
  return outcome == 1;
}

}  // namespace beringia::wire
