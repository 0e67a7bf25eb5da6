// The low-level MD5 calls are deprecated in OpenSSL 3 but are the only way to keep midstates.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/running_md5.h"

#include <openssl/md5.h>

#include "base/encoding.h"

namespace beringia {
namespace {

constexpr size_t kBlock = 64;
constexpr size_t kHead = 24;  // four words and the length

MD5_CTX context_of(const std::array<uint32_t, 4>& words, uint64_t length) {
  MD5_CTX context;
  MD5_Init(&context);
  context.A = words[0];
  context.B = words[1];
  context.C = words[2];
  context.D = words[3];
  const uint64_t bits = (length - length % kBlock) * 8;
  context.Nl = static_cast<MD5_LONG>(bits);
  context.Nh = static_cast<MD5_LONG>(bits >> 32);
  return context;
}

}  // namespace

RunningMd5::RunningMd5() {
  MD5_CTX context;
  MD5_Init(&context);
  words_ = {context.A, context.B, context.C, context.D};
}

std::optional<RunningMd5> RunningMd5::restore(std::string_view saved) {
  if (saved.size() < kHead) return std::nullopt;
  RunningMd5 md5;
  for (size_t i = 0; i < 4; ++i) md5.words_[i] = read_be32(saved.substr(i * 4));
  md5.length_ = read_be64(saved.substr(16));
  md5.open_ = saved.substr(kHead);
  if (md5.open_.size() != md5.length_ % kBlock) return std::nullopt;
  return md5;
}

void RunningMd5::update(std::string_view bytes) {
  MD5_CTX context = context_of(words_, length_);
  length_ += bytes.size();
  if (!open_.empty()) {
    const std::string_view start = bytes.substr(0, kBlock - open_.size());
    open_ += start;
    bytes.remove_prefix(start.size());
    if (open_.size() < kBlock) return;
    MD5_Update(&context, open_.data(), open_.size());
    open_.clear();
  }
  const size_t whole = bytes.size() - bytes.size() % kBlock;
  MD5_Update(&context, bytes.data(), whole);
  words_ = {context.A, context.B, context.C, context.D};
  open_ = bytes.substr(whole);
}

std::string RunningMd5::save() const {
  std::string saved;
  for (const uint32_t word : words_) append_be32(saved, word);
  append_be64(saved, length_);
  return saved + open_;
}

std::string RunningMd5::value() const {
  MD5_CTX context = context_of(words_, length_);
  MD5_Update(&context, open_.data(), open_.size());
  std::string digest(MD5_DIGEST_LENGTH, '\0');
  MD5_Final(reinterpret_cast<unsigned char*>(digest.data()), &context);
  return digest;
}

}  // namespace beringia
