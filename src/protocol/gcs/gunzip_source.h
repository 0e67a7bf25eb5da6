#pragma once

#include <memory>

#include "io/byte_source.h"

namespace beringia::protocol::gcs {

/// The decompressed bytes of a gzip stream (one or more members). Streams: holds 32 KiB of input
/// and zlib's window. A stream that is damaged or cut off ends with kCorrupt (kInvalid if it is a
/// request's body), never with an end.
class GunzipSource final : public io::ByteSource {
 public:
  enum class Of { kObject, kRequest };
  explicit GunzipSource(std::unique_ptr<io::ByteSource> compressed);
  /// @param compressed  outlives this
  GunzipSource(io::ByteSource& compressed, Of of);
  ~GunzipSource() override;
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace beringia::protocol::gcs
