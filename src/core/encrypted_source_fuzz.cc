// Stored bytes of encrypted objects and the attribute that describes them: whoever writes to a
// backend can put anything there. Input: the attribute, a line feed, the stored bytes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "core/encryption.h"

using namespace beringia;

namespace {

const Secret kKey{std::string(32, 'k')};

/// A whole input with one stream for each size.
std::string example(const std::vector<uint64_t>& sizes) {
  SeededRng rng{1};
  meta::EntryRecord record;
  record.encryption.method = meta::Encryption::Method::kServer;
  record.encryption.wrapped_key = "w";
  std::string stored;
  for (const uint64_t size : sizes) {
    io::StringSource body{std::string(size, 'p')};
    auto source = core::EncryptingSource::make(body, kKey, rng);
    stored += io::read_all({}, **source, 1 << 20).value();
    meta::append_stream(record.encryption.runs, size);
    record.size += size;
  }
  return core::encode_encryption_attribute(record) + "\n" + stored;
}

/// Reads a range; gives all of it, or an error.
void read(const meta::EntryRecord& record, const std::string& stored, io::ByteRange range) {
  const auto open = [&](io::ByteRange part) -> Result<std::unique_ptr<io::ByteSource>> {
    if (part.offset + part.length > stored.size()) std::abort();  // asks for bytes there are not
    return std::make_unique<io::StringSource>(stored.substr(part.offset, part.length));
  };
  auto source = core::open_decrypted({}, record, kKey, range, open);
  if (!source) return;
  const auto bytes = io::read_all({}, **source, 8 << 20);
  if (bytes && bytes->size() != range.length) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return write_fuzz_seeds(*argc, *argv,
                          {example({0}), example({100}), example({70'000}), example({5, 5, 0, 9}),
                           "1;method=customer;size=3;key-md5=00;wrapped=AA==;streams=1*3\nabc"});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  const size_t line = std::min(input.find('\n'), input.size());
  const std::string stored{input.substr(std::min(line + 1, input.size()))};
  meta::EntryRecord record;
  if (!core::take_encryption_attribute(input.substr(0, line), stored.size(), 1, record)) return 0;
  if (record.stored_size() != stored.size()) std::abort();
  meta::EntryRecord again;
  if (!core::take_encryption_attribute(core::encode_encryption_attribute(record), stored.size(), 1,
                                       again) ||
      again.encryption.runs != record.encryption.runs) {
    std::abort();
  }
  read(record, stored, {0, record.size});
  if (record.size == 0) return 0;
  read(record, stored, {record.size / 2, record.size - record.size / 2});
  read(record, stored, {record.size - 1, 1});
  read(record, stored, {record.size / 3, 1});
  return 0;
}
