#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/context.h"

namespace beringia::io {

class File;

/// Half-open byte range [offset, offset + length).
struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
  bool operator==(const ByteRange&) const = default;
};

/// A region of an open file that may be sent with sendfile(2). Keeps the file open.
struct FileRegion {
  std::shared_ptr<File> file;  // owners: file caches and responses being sent
  ByteRange range;
};

/// Bytes that are pulled. One reader at a time; owned by its consumer. After an error or the end,
/// further reads repeat it.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Reads 1..buffer.size() bytes; 0 means the end was reached and all checks passed.
  [[nodiscard]] virtual Result<size_t> read(const Context& context, std::span<char> buffer) = 0;
  /// All remaining bytes as a file region, if that is what they are; then nothing may be read().
  virtual std::optional<FileRegion> as_file() { return std::nullopt; }
  /// Bytes that remain, when known.
  virtual std::optional<uint64_t> remaining() const { return std::nullopt; }
};

/// Bytes of a string.
class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string bytes) : bytes_{std::move(bytes)} {}
  Result<size_t> read(const Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override { return bytes_.size() - position_; }

 private:
  std::string bytes_;
  size_t position_ = 0;
};

/// A region of a file, read by pread (or handed on as a region).
class FileSource final : public ByteSource {
 public:
  explicit FileSource(FileRegion region) : region_{std::move(region)} {}
  Result<size_t> read(const Context& context, std::span<char> buffer) override;
  std::optional<FileRegion> as_file() override { return region_; }
  std::optional<uint64_t> remaining() const override { return region_.range.length; }

 private:
  FileRegion region_;
};

/// Reads to the end. @error kInvalid (tag "too_large") when more than `max_bytes` come.
[[nodiscard]] Result<std::string> read_all(const Context& context, ByteSource& source,
                                           size_t max_bytes);

}  // namespace beringia::io
