#include "wire/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#include <string>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::wire {
namespace {

constexpr std::string_view kLabel = "AWS4-ECDSA-P256-SHA256";
constexpr uint8_t kLastCounter = 254;

template <auto kFree>
struct Freer {
  void operator()(auto* value) const { kFree(value); }
};
using Number = std::unique_ptr<BIGNUM, Freer<BN_clear_free>>;
using Group = std::unique_ptr<EC_GROUP, Freer<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, Freer<EC_POINT_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using DigestHandle = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;

/// One candidate of the derivation: HMAC of counter, label, key id, attempt and length in bits.
Number candidate(const HmacSha256& key, std::string_view access_key, uint8_t attempt) {
  std::string text{"\0\0\0\1", 4};
  text += kLabel;
  text += '\0';
  text += access_key;
  text += static_cast<char>(attempt);
  text += std::string_view{"\0\0\1\0", 4};
  const Secret bytes{key.sign(text)};
  return Number{BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.reveal().data()),
                          static_cast<int>(bytes.reveal().size()), nullptr)};
}

/// The private number: the first candidate up to the order less two, plus one. Null: none.
Number private_number(const EC_GROUP& group, std::string_view access_key, const Secret& secret) {
  const Number limit{BN_dup(EC_GROUP_get0_order(&group))};
  if (!limit || BN_sub_word(limit.get(), 2) != 1) return nullptr;
  const Secret prefixed{"AWS4A" + std::string{secret.reveal()}};
  const HmacSha256 key{prefixed.reveal()};
  for (uint8_t attempt = 1; attempt <= kLastCounter; ++attempt) {
    Number number = candidate(key, access_key, attempt);
    if (!number) return nullptr;
    if (BN_cmp(number.get(), limit.get()) > 0) continue;
    return BN_add_word(number.get(), 1) == 1 ? std::move(number) : nullptr;
  }
  return nullptr;
}

std::string public_point(const EC_GROUP& group, const BIGNUM& number) {
  const Point point{EC_POINT_new(&group)};
  if (!point || EC_POINT_mul(&group, point.get(), &number, nullptr, nullptr, nullptr) != 1)
    return {};
  unsigned char bytes[65];  // of a point of P-256, not compressed
  const size_t size = EC_POINT_point2oct(&group, point.get(), POINT_CONVERSION_UNCOMPRESSED, bytes,
                                         sizeof bytes, nullptr);
  return {reinterpret_cast<const char*>(bytes), size};
}

KeyHandle public_key(const std::string& point) {
  const ParameterBuilder builder{OSSL_PARAM_BLD_new()};
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                      SN_X9_62_prime256v1, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return nullptr;
  }
  const Parameters parameters{OSSL_PARAM_BLD_to_param(builder.get())};
  const Context context{EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return KeyHandle{key};
}

}  // namespace

struct EcdsaKey::Key {
  KeyHandle handle;
};

Result<EcdsaKey> EcdsaKey::derive(std::string_view access_key, const Secret& secret) {
  const auto failed = [] { return std::unexpected(internal("cannot derive a SigV4A key")); };
  const Group group{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  if (!group) return failed();
  const Number number = private_number(*group, access_key, secret);
  if (!number) return failed();
  KeyHandle handle = public_key(public_point(*group, *number));
  if (!handle) return failed();
  return EcdsaKey{std::make_shared<const Key>(Key{std::move(handle)})};
}

bool EcdsaKey::verify(std::string_view message, std::string_view signature) const {
  const DigestHandle digest{EVP_MD_CTX_new()};
  return digest &&
         EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_->handle.get()) ==
             1 &&
         EVP_DigestVerify(digest.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(message.data()),
                          message.size()) == 1;
}

}  // namespace beringia::wire
