#include "kv/frame_log.h"

#include <span>
#include <utility>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::kv {
namespace {

constexpr size_t kHeaderBytes = 4 + 4 + 8;

/// Fills `buffer` as far as the file reaches.
Result<size_t> read_fully(io::File& file, uint64_t offset, std::span<char> buffer) {
  size_t done = 0;
  while (done < buffer.size()) {
    BR_TRY(n, file.read_at(offset + done, buffer.subspan(done)));
    if (n == 0) break;
    done += n;
  }
  return done;
}

uint32_t crc_of(uint64_t number, std::string_view payload) {
  std::string prefix;
  append_be64(prefix, number);
  Crc32c crc;
  crc.update(prefix);
  crc.update(payload);
  return crc.value();
}

}  // namespace

Result<void> FrameLog::read(io::Disk& disk, const std::string& path,
                            const std::function<Result<void>(std::string_view)>& visit) {
  auto file = disk.open(path, io::OpenMode::kRead);
  if (!file) {
    if (file.error().code() == Code::kNotFound) return {};
    return std::unexpected(std::move(file).error());
  }
  uint64_t offset = 0;
  std::string payload;
  for (uint64_t number = 1;; ++number) {
    char header[kHeaderBytes];
    BR_TRY(got, read_fully(**file, offset, header));
    if (got < kHeaderBytes) return {};
    const std::string_view bytes{header, kHeaderBytes};
    const uint64_t length = read_be32(bytes);
    if (length > kMaxFrameBytes || read_be64(bytes.substr(8)) != number) return {};
    payload.resize(length);
    BR_TRY(whole, read_fully(**file, offset + kHeaderBytes, payload));
    if (whole < length || crc_of(number, payload) != read_be32(bytes.substr(4))) return {};
    BR_TRY(visit(payload));
    offset += kHeaderBytes + length;
  }
}

Result<FrameLog> FrameLog::create(io::Disk& disk, const std::string& path) {
  BR_TRY(file, disk.open(path, io::OpenMode::kCreateOrTruncate));
  return FrameLog{std::move(file)};
}

Result<void> FrameLog::append(std::string_view payload) {
  if (payload.size() > kMaxFrameBytes) {
    return std::unexpected(invalid("cannot write the catalog", "a group of changes is too large"));
  }
  const uint64_t number = number_ + 1;
  std::string frame;
  frame.reserve(kHeaderBytes + payload.size());
  append_be32(frame, static_cast<uint32_t>(payload.size()));
  append_be32(frame, crc_of(number, payload));
  append_be64(frame, number);
  frame += payload;
  BR_TRY(file_->write_at(end_, frame));
  end_ += frame.size();
  number_ = number;
  return {};
}

}  // namespace beringia::kv
