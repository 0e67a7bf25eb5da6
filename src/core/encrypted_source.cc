#include "core/encrypted_source.h"

#include <algorithm>
#include <cstring>

namespace beringia::core {
namespace {

using wire::kSealedSegmentBytes;
using wire::kSegmentBytes;
using wire::kSegmentTagBytes;
using wire::kStreamHeaderBytes;

constexpr size_t kFirstPlain = 4 << 10;  // most objects are small: buffers grow as they are needed

Error too_short() {
  return corrupt("cannot decrypt a stored object", "its stored bytes end too early")
      .with_tag("checksum_mismatch");
}

/// Exactly buffer.size() bytes. @error kCorrupt: there are fewer
Result<void> read_exactly(const io::Context& context, io::ByteSource& source,
                          std::span<char> buffer) {
  while (!buffer.empty()) {
    BR_TRY(n, source.read(context, buffer));
    if (n == 0) return std::unexpected(too_short());
    buffer = buffer.subspan(n);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<EncryptingSource>> EncryptingSource::make(io::ByteSource& inner,
                                                                 const Secret& data_key, Rng& rng) {
  std::string header = wire::new_stream_header(rng);
  BR_TRY(cipher,
         wire::SegmentCipher::make(data_key, header, wire::SegmentCipher::Direction::kSeal));
  return std::unique_ptr<EncryptingSource>{std::make_unique<EncryptingSource>(
      EncryptingSource{inner, std::move(cipher), std::move(header)})};
}

EncryptingSource::EncryptingSource(io::ByteSource& inner, wire::SegmentCipher cipher,
                                   std::string header)
    : inner_{inner}, cipher_{std::move(cipher)}, header_{std::move(header)}, out_{header_} {}

std::optional<uint64_t> EncryptingSource::remaining() const {
  const auto plain = inner_.remaining();
  if (!plain || size_ > 0 || *plain > wire::kMaxPlainBytes) return std::nullopt;
  return wire::stored_bytes_of(*plain);
}

/// A whole segment and one byte more, or all that is left.
Result<void> EncryptingSource::fill(const io::Context& context) {
  while (!ended_ && have_ <= kSegmentBytes) {
    if (have_ == plain_.size()) {
      plain_.resize(std::clamp(plain_.size() * 4, kFirstPlain, kSegmentBytes + 1));
    }
    BR_TRY(n, inner_.read(context, std::span{plain_}.subspan(have_)));
    have_ += n;
    ended_ = n == 0;
  }
  return {};
}

Result<size_t> EncryptingSource::next(const io::Context& context, std::span<char> buffer) {
  if (out_at_ == out_.size()) {
    if (sealed_all_) return size_t{0};
    BR_TRY(fill(context));
    const size_t bytes = std::min(have_, kSegmentBytes);
    const bool is_last = ended_ && have_ <= kSegmentBytes;
    const size_t sealed = bytes + kSegmentTagBytes;
    const bool fits = buffer.size() >= sealed;
    if (!fits) out_.resize(sealed);
    const std::span<char> target = fits ? buffer.first(sealed) : std::span{out_};
    BR_TRY(cipher_.seal(segment_++, is_last, std::string_view{plain_}.substr(0, bytes), target));
    std::memmove(plain_.data(), plain_.data() + bytes, have_ - bytes);
    have_ -= bytes;
    sealed_all_ = is_last;
    if (fits) return sealed;
    out_at_ = 0;
  }
  const size_t n = std::min(buffer.size(), out_.size() - out_at_);
  std::memcpy(buffer.data(), out_.data() + out_at_, n);
  out_at_ += n;
  return n;
}

Result<size_t> EncryptingSource::read(const io::Context& context, std::span<char> buffer) {
  BR_TRY(n, next(context, buffer));
  crc32c_.update({buffer.data(), n});
  size_ += n;
  return n;
}

namespace {

/// Segments of consecutive streams, decrypted.
class DecryptingSource final : public io::ByteSource {
 public:
  struct Start {
    wire::StreamLayout layout;
    wire::StreamLayout::Plan plan;
    uint64_t length = 0;  // plain bytes to give
    Secret data_key;
    std::string header;  // "" = comes with the bytes
  };
  DecryptingSource(std::unique_ptr<io::ByteSource> inner, Start start)
      : inner_{std::move(inner)},
        start_{std::move(start)},
        stored_left_{start_.plan.stored.length},
        left_{start_.length} {}

  std::optional<uint64_t> remaining() const override { return left_; }

  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    if (failed_) return std::unexpected(*failed_);
    auto n = give(context, buffer);
    if (!n) failed_ = n.error();
    return n;
  }

 private:
  Result<size_t> give(const io::Context& context, std::span<char> buffer) {
    while (at_ == plain_.size() && stored_left_ > 0) {
      BR_TRY(direct, next_segment(context, buffer));
      if (direct > 0) return direct;
    }
    const size_t n = std::min(buffer.size(), plain_.size() - at_);
    std::memcpy(buffer.data(), plain_.data() + at_, n);
    at_ += n;
    left_ -= n;
    return n;
  }

  uint64_t stream_bytes() const { return start_.layout.runs()[start_.plan.run].bytes; }

  Result<void> enter_stream(const io::Context& context) {
    std::string header = std::move(start_.header);
    start_.header.clear();
    if (header.empty()) {
      if (stored_left_ < kStreamHeaderBytes) return std::unexpected(too_short());
      header.resize(kStreamHeaderBytes);
      BR_TRY(take(context, std::span{header}));
    }
    BR_TRY(cipher, wire::SegmentCipher::make(start_.data_key, header,
                                             wire::SegmentCipher::Direction::kOpen));
    cipher_.emplace(std::move(cipher));
    return {};
  }

  /// The next stored bytes; with the last ones `inner` has to say that they were the right ones.
  Result<void> take(const io::Context& context, std::span<char> buffer) {
    BR_TRY(read_exactly(context, *inner_, buffer));
    stored_left_ -= buffer.size();
    if (stored_left_ > 0) return {};
    char more = 0;
    BR_TRY(n, inner_->read(context, std::span{&more, 1}));
    if (n == 0) return {};
    return std::unexpected(corrupt("cannot decrypt a stored object", "it has too many bytes"));
  }

  /// Into plain_, or, whole, into the caller's buffer. @return bytes that went there
  Result<size_t> next_segment(const io::Context& context, std::span<char> buffer) {
    auto& plan = start_.plan;
    if (cipher_ && plan.segment == wire::segments_of(stream_bytes())) {
      cipher_.reset();
      plan.segment = 0;
      if (++plan.in_run == start_.layout.runs()[plan.run].count) {
        plan.in_run = 0;
        if (++plan.run == start_.layout.runs().size()) return std::unexpected(too_short());
      }
    }
    if (!cipher_) BR_TRY(enter_stream(context));
    const bool is_last = plan.segment + 1 == wire::segments_of(stream_bytes());
    const uint64_t before = plan.segment * kSegmentBytes;
    const size_t bytes = is_last ? stream_bytes() - before : kSegmentBytes;
    sealed_.resize(bytes + kSegmentTagBytes);
    BR_TRY(take(context, std::span{sealed_}));
    const bool direct = plan.skip == 0 && bytes > 0 && bytes <= left_ && buffer.size() >= bytes;
    if (!direct) plain_.resize(bytes);
    BR_TRY(cipher_->open(plan.segment++, is_last, sealed_,
                         direct ? buffer.first(bytes) : std::span{plain_}));
    if (direct) {
      left_ -= bytes;
      return bytes;
    }
    at_ = std::exchange(plan.skip, 0);
    plain_.resize(std::min<uint64_t>(bytes, at_ + left_));
    return size_t{0};
  }

  std::unique_ptr<io::ByteSource> inner_;
  Start start_;
  std::optional<wire::SegmentCipher> cipher_;
  uint64_t stored_left_;
  uint64_t left_;
  std::string sealed_;
  std::string plain_;
  size_t at_ = 0;  // in plain_
  std::optional<Error> failed_;
};

}  // namespace

Result<std::unique_ptr<io::ByteSource>> open_decrypted(const io::Context& context,
                                                       const meta::EntryRecord& entry,
                                                       const Secret& data_key, io::ByteRange range,
                                                       const OpenStored& open) {
  wire::StreamLayout layout = entry.encryption.layout(entry.size);
  if (!layout.is_sane() || layout.plain_bytes() != entry.size) {
    return std::unexpected(
        corrupt("cannot decrypt a stored object", "its record names impossible sizes"));
  }
  // Nothing is to be given, but the look at the native object is.
  if (range.length == 0 && entry.size > 0) return open({0, 0});
  const auto plan = layout.plan(range);
  std::string header;
  if (!plan.has_header) {
    if (entry.encryption.salt.size() == wire::kSaltBytes) {
      header = wire::stream_header(entry.encryption.salt);
    } else {
      BR_TRY(source, open({plan.header_offset, kStreamHeaderBytes}));
      header.resize(kStreamHeaderBytes);
      BR_TRY(read_exactly(context, *source, std::span{header}));
    }
  }
  BR_TRY(inner, open(plan.stored));
  return std::make_unique<DecryptingSource>(
      std::move(inner),
      DecryptingSource::Start{std::move(layout), plan, range.length, data_key, std::move(header)});
}

}  // namespace beringia::core
