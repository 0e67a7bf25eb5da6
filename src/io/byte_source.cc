#include "io/byte_source.h"

#include <algorithm>
#include <cstring>

#include "io/disk.h"

namespace beringia::io {

Result<size_t> StringSource::read(const Context&, std::span<char> buffer) {
  const size_t n = std::min(buffer.size(), bytes_.size() - position_);
  std::memcpy(buffer.data(), bytes_.data() + position_, n);
  position_ += n;
  return n;
}

Result<size_t> FileSource::read(const Context&, std::span<char> buffer) {
  const size_t want = std::min<uint64_t>(buffer.size(), region_.range.length);
  if (want == 0) return 0;
  const std::span<char> target = buffer.first(want);
  size_t n = 0;
  if (auto cached = region_.file->try_read_cached(region_.range.offset, target);
      cached && *cached > 0) {
    n = *cached;
  } else {
    BR_TRY(read, region_.file->read_at(region_.range.offset, target));
    n = read;
  }
  if (n == 0) {
    return std::unexpected(
        corrupt("a file ended early", std::to_string(region_.range.length) + " bytes are missing"));
  }
  region_.range.offset += n;
  region_.range.length -= n;
  return n;
}

Result<std::string> read_all(const Context& context, ByteSource& source, size_t max_bytes) {
  constexpr size_t kStep = 64 << 10;
  std::string out;
  for (;;) {
    const size_t old = out.size();
    const size_t step = std::min(kStep - 1, max_bytes - old) + 1;  // one more than allowed
    out.resize(old + step);
    auto n = source.read(context, {out.data() + old, step});
    if (!n) return std::unexpected(std::move(n).error());
    out.resize(old + *n);
    if (*n == 0) return out;
    if (out.size() > max_bytes) {
      return std::unexpected(
          invalid("the body is too large", "more than " + std::to_string(max_bytes) + " bytes")
              .with_tag("too_large"));
    }
  }
}

}  // namespace beringia::io
