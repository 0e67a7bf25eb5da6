#include "wire/segments.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"

namespace beringia::wire {
namespace {

constexpr std::string_view kMagic = "BRES";
constexpr char kVersion = 1;
constexpr char kSegmentBits = 16;  // 64 KiB
constexpr std::string_view kStreamInfo = "beringia encrypted stream";
constexpr size_t kNonceBytes = 12;
constexpr uint64_t kMaxStreams = 1 << 20;

unsigned char* bytes_of(std::span<char> text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

struct FreeKdf {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

OSSL_PARAM octets(const char* name, std::string_view bytes) {
  // OpenSSL only reads it.
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

/// number 8 B big-endian | 0 0 0 | 1 for the last segment of a stream. A stream's key is its own,
/// so a number is never used twice with one key.
std::array<unsigned char, kNonceBytes> nonce_of(uint64_t number, bool is_last) {
  std::array<unsigned char, kNonceBytes> nonce{};
  for (size_t i = 0; i < 8; ++i) nonce[i] = static_cast<unsigned char>(number >> (56 - 8 * i));
  nonce[kNonceBytes - 1] = is_last ? 1 : 0;
  return nonce;
}

Error cipher_failed() { return internal("cannot encrypt", "OpenSSL refused AES-256-GCM"); }

Error not_opened() {
  return corrupt("cannot decrypt a stored object",
                 "a segment of it was changed, moved or cut off, or the key is another one",
                 "restore the object from a backup")
      .with_tag("checksum_mismatch");
}

Result<void> check_header(std::string_view header) {
  const std::string what = "cannot decrypt a stored object";
  if (header.size() != kStreamHeaderBytes || !header.starts_with(kMagic)) {
    return std::unexpected(corrupt(what, "it does not begin like an encrypted one"));
  }
  if (header[4] != kVersion || header[5] != kSegmentBits || header[6] != 0 || header[7] != 0) {
    return std::unexpected(
        unsupported(what, "it has another version of the format", "use a newer beringia"));
  }
  return {};
}

}  // namespace

Result<Secret> derive_key(const Secret& key, std::string_view salt, std::string_view info) {
  std::unique_ptr<EVP_KDF, FreeKdf> kdf{EVP_KDF_fetch(nullptr, "HKDF", nullptr)};
  std::unique_ptr<EVP_KDF_CTX, FreeKdf> context{EVP_KDF_CTX_new(kdf.get())};
  std::string digest = "SHA256";
  std::array parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size()),
      octets(OSSL_KDF_PARAM_KEY, key.reveal()), octets(OSSL_KDF_PARAM_SALT, salt),
      octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  std::string derived(kDataKeyBytes, '\0');
  const bool ok = context && EVP_KDF_derive(context.get(), bytes_of(std::span{derived}),
                                            derived.size(), parameters.data()) == 1;
  if (!ok) return std::unexpected(internal("cannot derive a key", "OpenSSL refused HKDF-SHA256"));
  return Secret{std::move(derived)};
}

std::string stream_header(std::string_view salt) {
  std::string header{kMagic};
  header += kVersion;
  header += kSegmentBits;
  header.append(2, '\0');
  header += salt;
  return header;
}

std::string new_stream_header(Rng& rng) {
  std::string salt(kSaltBytes, '\0');
  rng.fill(std::span{salt});
  return stream_header(salt);
}

struct SegmentCipher::Context {
  EVP_CIPHER_CTX* cipher = nullptr;
};

void SegmentCipher::Free::operator()(Context* context) const {
  EVP_CIPHER_CTX_free(context->cipher);  // wipes the key schedule
  std::default_delete<Context>{}(context);
}

Result<SegmentCipher> SegmentCipher::make(const Secret& data_key, std::string_view header,
                                          Direction direction) {
  BR_TRY(check_header(header));
  if (data_key.reveal().size() != kDataKeyBytes) return std::unexpected(cipher_failed());
  // The fixed bytes of the header are part of what the key is derived from: they cannot be changed.
  std::string info{kStreamInfo};
  info += header.substr(0, kStreamHeaderBytes - kSaltBytes);
  BR_TRY(key, derive_key(data_key, header.substr(kStreamHeaderBytes - kSaltBytes), info));
  std::unique_ptr<Context, Free> context{std::make_unique<Context>().release()};
  context->cipher = EVP_CIPHER_CTX_new();
  const int sealing = direction == Direction::kSeal ? 1 : 0;
  const bool ok =
      context->cipher != nullptr &&
      EVP_CipherInit_ex(context->cipher, EVP_aes_256_gcm(), nullptr,
                        bytes_of(std::string_view{key.reveal()}), nullptr, sealing) == 1;
  if (!ok) return std::unexpected(cipher_failed());
  return SegmentCipher{std::move(context)};
}

Result<void> SegmentCipher::seal(uint64_t number, bool is_last, std::string_view plain,
                                 std::span<char> out) {
  const auto nonce = nonce_of(number, is_last);
  unsigned char* target = bytes_of(out);
  EVP_CIPHER_CTX* cipher = context_->cipher;
  int written = 0;
  const bool ok = plain.size() <= kSegmentBytes && out.size() == plain.size() + kSegmentTagBytes &&
                  EVP_EncryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
                  EVP_EncryptUpdate(cipher, target, &written, bytes_of(plain),
                                    static_cast<int>(plain.size())) == 1 &&
                  EVP_EncryptFinal_ex(cipher, target + plain.size(), &written) == 1 &&
                  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, kSegmentTagBytes,
                                      target + plain.size()) == 1;
  if (!ok) return std::unexpected(cipher_failed());
  return {};
}

Result<void> SegmentCipher::open(uint64_t number, bool is_last, std::string_view sealed,
                                 std::span<char> out) {
  if (sealed.size() < kSegmentTagBytes || sealed.size() > kSealedSegmentBytes ||
      out.size() != sealed.size() - kSegmentTagBytes) {
    return std::unexpected(not_opened());
  }
  const auto nonce = nonce_of(number, is_last);
  std::string tag{sealed.substr(out.size())};
  unsigned char* target = bytes_of(out);
  EVP_CIPHER_CTX* cipher = context_->cipher;
  int written = 0;
  unsigned char rest[kSegmentTagBytes];
  const bool ok =
      EVP_DecryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
      EVP_DecryptUpdate(cipher, target, &written, bytes_of(sealed), static_cast<int>(out.size())) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, kSegmentTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher, rest, &written) == 1;
  if (!ok) return std::unexpected(not_opened());
  return {};
}

uint64_t segments_of(uint64_t plain_bytes) {
  return plain_bytes == 0 ? 1 : (plain_bytes - 1) / kSegmentBytes + 1;
}

uint64_t stored_bytes_of(uint64_t plain_bytes) {
  return kStreamHeaderBytes + plain_bytes + segments_of(plain_bytes) * kSegmentTagBytes;
}

StreamLayout::StreamLayout(std::vector<StreamRun> runs) : runs_{std::move(runs)} {
  uint64_t streams = 0;
  for (const StreamRun& run : runs_) {
    const bool ok = run.bytes <= kMaxPlainBytes && run.count >= 1 && run.count <= kMaxStreams &&
                    (run.bytes == 0 || run.count <= (kMaxPlainBytes - plain_bytes_) / run.bytes);
    streams += ok ? run.count : 0;
    if (!ok || streams > kMaxStreams) {
      sane_ = false;
      return;
    }
    plain_bytes_ += run.bytes * run.count;
    stored_bytes_ += stored_bytes_of(run.bytes) * run.count;
  }
  sane_ = !runs_.empty();
}

/// Where a plain byte is.
struct StreamLayout::Place {
  size_t run = 0;
  uint64_t in_run = 0;
  uint64_t header_offset = 0;  // of its stream
  uint64_t at = 0;             // in the stream
};

StreamLayout::Place StreamLayout::place_of(uint64_t byte) const {
  uint64_t plain = 0;
  uint64_t stored = 0;
  for (size_t i = 0; i < runs_.size(); ++i) {
    const StreamRun& run = runs_[i];
    if (byte - plain < run.bytes * run.count) {
      const uint64_t in_run = (byte - plain) / run.bytes;
      return {i, in_run, stored + in_run * stored_bytes_of(run.bytes), (byte - plain) % run.bytes};
    }
    plain += run.bytes * run.count;
    stored += run.count * stored_bytes_of(run.bytes);
  }
  return {};  // of an empty object
}

StreamLayout::Plan StreamLayout::plan(io::ByteRange range) const {
  const Place first = place_of(range.offset);
  Plan plan;
  plan.run = first.run;
  plan.in_run = first.in_run;
  plan.segment = first.at / kSegmentBytes;
  plan.skip = first.at % kSegmentBytes;
  plan.header_offset = first.header_offset;
  plan.has_header = plan.segment == 0;
  plan.stored.offset = first.header_offset;
  if (!plan.has_header) {
    plan.stored.offset += kStreamHeaderBytes + plan.segment * kSealedSegmentBytes;
  }
  uint64_t end = stored_bytes_;  // to the very end, so that the last mark is seen
  if (range.offset + range.length < plain_bytes_) {
    const Place last = place_of(range.offset + range.length - 1);
    const uint64_t segments = last.at / kSegmentBytes + 1;
    end = last.header_offset + std::min(kStreamHeaderBytes + segments * kSealedSegmentBytes,
                                        stored_bytes_of(runs_[last.run].bytes));
  }
  plan.stored.length = end - plan.stored.offset;
  return plan;
}

}  // namespace beringia::wire
