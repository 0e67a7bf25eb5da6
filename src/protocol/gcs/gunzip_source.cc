#include "protocol/gcs/gunzip_source.h"

#include <zlib.h>

#include <array>
#include <limits>
#include <optional>
#include <utility>

namespace beringia::protocol::gcs {

struct GunzipSource::State {
  std::unique_ptr<io::ByteSource> owned;
  io::ByteSource* compressed = nullptr;
  Of of = Of::kObject;
  std::array<char, 32 << 10> input;
  z_stream stream{};
  bool ready = false;      // inflateInit2 has succeeded
  bool in_member = false;  // between a member's first and last byte
  bool any_member = false;
  bool ended = false;
  std::optional<Error> failed;
};

namespace {

Error damaged(GunzipSource::Of of, const char* why) {
  if (of == GunzipSource::Of::kRequest) {
    return invalid("The request's body cannot be decompressed", why,
                   "send what Content-Encoding says, or leave that header out");
  }
  return corrupt("cannot decompress the object", why,
                 "read it with Accept-Encoding: gzip, or fix its contentEncoding");
}

constexpr int kGzipOnly = 15 + 16;  // zlib: largest window, gzip header required

}  // namespace

GunzipSource::GunzipSource(std::unique_ptr<io::ByteSource> compressed)
    : GunzipSource{*compressed, Of::kObject} {
  state_->owned = std::move(compressed);
}

GunzipSource::GunzipSource(io::ByteSource& compressed, Of of) : state_{std::make_unique<State>()} {
  state_->compressed = &compressed;
  state_->of = of;
  state_->ready = inflateInit2(&state_->stream, kGzipOnly) == Z_OK;
  if (!state_->ready) state_->failed = internal("cannot decompress the bytes", "no memory");
}

GunzipSource::~GunzipSource() {
  if (state_->ready) inflateEnd(&state_->stream);
}

Result<size_t> GunzipSource::read(const io::Context& context, std::span<char> buffer) {
  State& s = *state_;
  if (s.failed) return std::unexpected(*s.failed);
  auto fail = [&](Error error) {
    s.failed = error;
    return std::unexpected(std::move(error));
  };
  const size_t wanted = std::min<size_t>(buffer.size(), std::numeric_limits<uInt>::max());
  s.stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
  s.stream.avail_out = static_cast<uInt>(wanted);
  while (!s.ended && s.stream.avail_out == wanted) {
    if (s.stream.avail_in == 0) {
      auto got = s.compressed->read(context, s.input);
      if (!got) return fail(std::move(got).error());
      if (*got == 0) {
        if (s.in_member || !s.any_member) return fail(damaged(s.of, "the gzip stream is cut off"));
        s.ended = true;
        break;
      }
      s.stream.next_in = reinterpret_cast<Bytef*>(s.input.data());
      s.stream.avail_in = static_cast<uInt>(*got);
    }
    if (!s.in_member) {
      // RFC 1952, 2.2: members follow each other; each starts the decoder afresh.
      if (s.any_member && inflateReset(&s.stream) != Z_OK)
        return fail(damaged(s.of, "zlib failed"));
      s.in_member = true;
      s.any_member = true;
    }
    const int result = inflate(&s.stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      s.in_member = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return fail(damaged(s.of, "it is not a gzip stream"));
    }
  }
  return wanted - s.stream.avail_out;
}

}  // namespace beringia::protocol::gcs
