// The low-level SHA-256 calls are deprecated in OpenSSL 3 but are the only way to keep midstates.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <cstring>
#include <new>

#include "base/checksum.h"

namespace beringia {
namespace {

/// Fetched once: OpenSSL 3 takes locks at every implicit fetch (openssl issue 20286).
const EVP_MD* algorithm(Digest::Kind kind) {
  static const EVP_MD* const kMd5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
  static const EVP_MD* const kSha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const kSha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  switch (kind) {
    case Digest::Kind::kMd5: return kMd5;
    case Digest::Kind::kSha1: return kSha1;
    case Digest::Kind::kSha256: return kSha256;
    case Digest::Kind::kSha512: return kSha512;
  }
  return kSha256;
}

SHA256_CTX from_midstate(const std::array<uint32_t, 8>& state) {
  SHA256_CTX context;
  SHA256_Init(&context);
  std::memcpy(context.h, state.data(), sizeof context.h);
  context.Nl = 512;  // bits: one block has been taken in
  return context;
}

std::array<uint32_t, 8> midstate(const std::array<unsigned char, 64>& block) {
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, block.data(), block.size());
  std::array<uint32_t, 8> state;
  std::memcpy(state.data(), context.h, sizeof context.h);
  return state;
}

}  // namespace

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Digest::Digest(Kind kind) : state_{std::make_unique<State>()} {
  if (state_->context == nullptr ||
      EVP_DigestInit_ex2(state_->context, algorithm(kind), nullptr) != 1) {
    throw std::bad_alloc{};
  }
}
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

void Digest::update(std::string_view bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string Digest::finish() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(state_->context, out, &length);
  return {reinterpret_cast<const char*>(out), length};
}

std::string Digest::of(Kind kind, std::string_view bytes) {
  Digest digest{kind};
  digest.update(bytes);
  return digest.finish();
}

HmacSha256::HmacSha256(std::string_view key) {
  const std::string hashed = key.size() > 64 ? sha256(key) : std::string{key};
  std::array<unsigned char, 64> inner;
  std::array<unsigned char, 64> outer;
  inner.fill(0x36);
  outer.fill(0x5c);
  for (size_t i = 0; i < hashed.size(); ++i) {
    inner[i] ^= static_cast<unsigned char>(hashed[i]);
    outer[i] ^= static_cast<unsigned char>(hashed[i]);
  }
  inner_ = midstate(inner);
  outer_ = midstate(outer);
}

std::string HmacSha256::sign(std::string_view message) const {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256_CTX context = from_midstate(inner_);
  SHA256_Update(&context, message.data(), message.size());
  SHA256_Final(digest, &context);
  context = from_midstate(outer_);
  SHA256_Update(&context, digest, sizeof digest);
  SHA256_Final(digest, &context);
  return {reinterpret_cast<const char*>(digest), sizeof digest};
}

std::string sha256(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  // Not SHA256(): in OpenSSL 3 it fetches the algorithm, with locks, on every call.
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  SHA256_Final(digest, &context);
  return {reinterpret_cast<const char*>(digest), sizeof digest};
}

std::string md5(std::string_view bytes) { return Digest::of(Digest::Kind::kMd5, bytes); }

}  // namespace beringia
