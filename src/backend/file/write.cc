#include <algorithm>

#include "backend/file/file_backend.h"
#include "backend/file/temporary.h"
#include "base/checksum.h"

namespace beringia::backend::file {
namespace {

constexpr size_t kFirstBuffer = 64 << 10;  // when nothing is known of the size

}  // namespace

Result<size_t> fill(const io::Context& context, io::ByteSource& source, std::span<char> buffer) {
  size_t have = 0;
  while (have < buffer.size()) {
    BR_TRY(n, source.read(context, buffer.subspan(have)));
    if (n == 0) break;
    have += n;
  }
  return have;
}

struct FileBackend::Body {
  std::string buffer;  // all bytes while there is no temporary file
  uint64_t size = 0;
  Crc32c crc32c;
  std::optional<Temporary> temporary;
};

Result<void> FileBackend::read_body(const io::Context& context, const WriteRequest& request,
                                    Body& body) {
  // One byte more than announced, so that the end is seen without another round.
  size_t room = request.size ? std::min<uint64_t>(*request.size + 1, kWriteBuffer) : kFirstBuffer;
  size_t pending = 0;  // bytes of the buffer that are not in the file yet
  for (;;) {
    body.buffer.resize(room);
    BR_TRY(n, fill(context, *request.body, std::span{body.buffer}.subspan(pending)));
    body.crc32c.update(std::string_view{body.buffer}.substr(pending, n));
    body.size += n;
    pending += n;
    const bool ended = pending < room;
    if (body.size > capabilities_.max_object_bytes) {
      return std::unexpected(invalid("cannot write the file " + request.name, "it is too large"));
    }
    if (ended && !body.temporary) {
      body.buffer.resize(pending);
      return {};
    }
    if (!ended && room < kWriteBuffer) {
      room = std::min(room * 4, kWriteBuffer);
      continue;
    }
    BR_TRY(io::blocking([&]() -> Result<void> {
      if (!body.temporary) {
        BR_TRY(made, make_temporary());
        body.temporary.emplace(std::move(made));
      }
      return body.temporary->file().write_at(body.size - pending,
                                             std::string_view{body.buffer}.substr(0, pending));
    }));
    pending = 0;
    if (!ended) continue;
    body.buffer.clear();
    // Before the seal, because the caller holds its lock from there on.
    return io::blocking([&] { return body.temporary->file().sync(); });
  }
}

Result<CopyInfo> FileBackend::write(const io::Context& context, const WriteRequest& request) {
  BR_TRY(context.check(io::now()));
  if (request.offset) return write_piece(context, request);
  Body body;
  BR_TRY(read_body(context, request, body));
  if (request.size && *request.size != body.size) {
    return std::unexpected(
        invalid("the body is not whole", std::to_string(body.size) + " bytes came, " +
                                             std::to_string(*request.size) + " were announced")
            .with_tag("size_mismatch"));
  }
  Seal seal{body.size, body.crc32c.value(), {}, request.content_type, {}, {}};
  if (request.seal) {
    BR_TRY(sealed, request.seal());
    if (sealed.size != body.size || sealed.crc32c != body.crc32c.value()) {
      return std::unexpected(corrupt("cannot write the file " + request.name,
                                     "its bytes changed between the checksum and the disk"));
    }
    seal = std::move(sealed);
    if (seal.content_type.empty()) seal.content_type = request.content_type;
  }
  for (const auto& [name, value] : request.attributes) seal.attributes.try_emplace(name, value);
  const Expectation expectation = seal.expectation ? *seal.expectation : request.expectation;
  if (body.temporary) {
    return publish(context, request.name, std::move(*body.temporary), seal, expectation);
  }
  return publish_small(context, request.name, body.buffer, seal, expectation);
}

}  // namespace beringia::backend::file
