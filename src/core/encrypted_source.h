#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "base/checksum.h"
#include "base/random.h"
#include "base/secret.h"
#include "io/byte_source.h"
#include "meta/records.h"
#include "wire/segments.h"

namespace beringia::core {

/// The stored form of a body: one encrypted stream. Counts and sums what it gives.
class EncryptingSource final : public io::ByteSource {
 public:
  /// `inner` outlives it.
  [[nodiscard]] static Result<std::unique_ptr<EncryptingSource>> make(io::ByteSource& inner,
                                                                      const Secret& data_key,
                                                                      Rng& rng);
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override;
  std::string salt() const { return header_.substr(header_.size() - wire::kSaltBytes); }
  uint64_t size() const { return size_; }
  uint32_t crc32c() const { return crc32c_.value(); }

 private:
  EncryptingSource(io::ByteSource& inner, wire::SegmentCipher cipher, std::string header);
  Result<size_t> next(const io::Context& context, std::span<char> buffer);
  Result<void> fill(const io::Context& context);

  io::ByteSource& inner_;
  wire::SegmentCipher cipher_;
  const std::string header_;
  std::string plain_;   // up to a segment and one byte, which tells that it is not the last
  size_t have_ = 0;     // bytes of plain_
  bool ended_ = false;  // inner_ has no more
  bool sealed_all_ = false;
  uint64_t segment_ = 0;
  std::string out_;  // what did not fit into the caller's buffer
  size_t out_at_ = 0;
  uint64_t size_ = 0;
  Crc32c crc32c_;
};

/// Reads stored bytes of a range; the whole is verified where its checksum is known.
using OpenStored = std::function<Result<std::unique_ptr<io::ByteSource>>(io::ByteRange stored)>;

/// The plain bytes of `range` of an encrypted entry. Reads the segments that hold them and, where
/// it is not known otherwise, the header of their stream.
/// @error kCorrupt: now or while reading, the stored bytes are not what was written; as `open`
[[nodiscard]] Result<std::unique_ptr<io::ByteSource>> open_decrypted(const io::Context& context,
                                                                     const meta::EntryRecord& entry,
                                                                     const Secret& data_key,
                                                                     io::ByteRange range,
                                                                     const OpenStored& open);

}  // namespace beringia::core
