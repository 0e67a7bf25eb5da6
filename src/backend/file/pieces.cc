// Pieces of an object that arrive in any order, each in its place of one file.
#include <algorithm>

#include "backend/file/file_backend.h"
#include "base/checksum.h"

namespace beringia::backend::file {

/// Opens the file, or makes it. Blocks.
Result<std::unique_ptr<io::File>> FileBackend::open_for_pieces(const std::string& path) {
  for (int race = 1;; ++race) {
    auto file = disk_.open(path, io::OpenMode::kReadWrite);
    if (file || file.error().code() != Code::kNotFound) return file;
    BR_TRY(tree_.check_root());
    BR_TRY(tree_.make_parents(path));
    file = disk_.open(path, io::OpenMode::kCreateExclusive);
    const bool again =
        !file && race < kMaxRaces &&
        (file.error().code() == Code::kAlreadyExists || file.error().code() == Code::kNotFound);
    if (!again) return file;
  }
}

Result<CopyInfo> FileBackend::write_piece(const io::Context& context, const WriteRequest& request) {
  if (!is_reserved(request.name) || !request.size) {
    return std::unexpected(internal("pieces have reserved names and a size that is known"));
  }
  BR_TRY(there, tree_.locate(request.name));
  BR_TRY(file, io::blocking([&] { return open_for_pieces(there.path); }));
  std::string buffer(std::min<uint64_t>(*request.size + 1, kWriteBuffer), '\0');
  uint64_t done = 0;
  Crc32c crc32c;
  for (;;) {
    BR_TRY(have, fill(context, *request.body, buffer));
    if (have == 0) break;
    if (done + have > *request.size) break;  // more than was announced
    const std::string_view bytes = std::string_view{buffer}.substr(0, have);
    crc32c.update(bytes);
    BR_TRY(io::blocking([&] { return file->write_at(*request.offset + done, bytes); }));
    done += have;
    if (have < buffer.size()) break;
  }
  if (done != *request.size) {
    return std::unexpected(invalid("the body is not whole", std::to_string(done) + " bytes came, " +
                                                                std::to_string(*request.size) +
                                                                " were announced")
                               .with_tag("size_mismatch"));
  }
  if (request.seal) {
    BR_TRY(sealed, request.seal());
    if (sealed.size != done || sealed.crc32c != crc32c.value()) {
      return std::unexpected(corrupt("cannot write a piece of " + request.name,
                                     "its bytes changed between the checksum and the disk"));
    }
  }
  BR_TRY(io::blocking([&] { return file->sync(); }));
  BR_TRY(tree_.make_durable(there.path));
  CopyInfo info;
  info.name = request.name;
  info.size = done;
  info.crc32c = crc32c.value();
  return info;
}

}  // namespace beringia::backend::file
