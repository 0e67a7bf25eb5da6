#include "protocol/s3/checksums.h"

#include <type_traits>

#include "base/encoding.h"

namespace beringia::protocol::s3 {
namespace {

struct Words {
  std::string name;
  std::string_view wire;
  std::string header;
  size_t bytes;
};
const std::array<Words, kAllChecksums.size()> kWords = {
    Words{"crc32", "CRC32", "x-amz-checksum-crc32", 4},
    Words{"crc32c", "CRC32C", "x-amz-checksum-crc32c", 4},
    Words{"crc64nvme", "CRC64NVME", "x-amz-checksum-crc64nvme", 8},
    Words{"sha1", "SHA1", "x-amz-checksum-sha1", 20},
    Words{"sha256", "SHA256", "x-amz-checksum-sha256", 32},
    Words{"sha512", "SHA512", "x-amz-checksum-sha512", 64},
    Words{"md5", "MD5", "x-amz-checksum-md5", 16},
    Words{"xxhash64", "XXHASH64", "x-amz-checksum-xxhash64", 8},
    Words{"xxhash3", "XXHASH3", "x-amz-checksum-xxhash3", 8},
    Words{"xxhash128", "XXHASH128", "x-amz-checksum-xxhash128", 16}};

const Words& words_of(ChecksumAlgorithm algorithm) {
  return kWords[static_cast<size_t>(algorithm)];
}

std::variant<Crc32, Crc32c, Crc64Nvme, Digest, XxHash> state_of(ChecksumAlgorithm algorithm) {
  switch (algorithm) {
    case ChecksumAlgorithm::kCrc32: return Crc32{};
    case ChecksumAlgorithm::kCrc32c: return Crc32c{};
    case ChecksumAlgorithm::kCrc64Nvme: return Crc64Nvme{};
    case ChecksumAlgorithm::kSha1: return Digest{Digest::Kind::kSha1};
    case ChecksumAlgorithm::kSha512: return Digest{Digest::Kind::kSha512};
    case ChecksumAlgorithm::kMd5: return Digest{Digest::Kind::kMd5};
    case ChecksumAlgorithm::kXxHash64: return XxHash{XxHash::Kind::k64};
    case ChecksumAlgorithm::kXxHash3: return XxHash{XxHash::Kind::k3};
    case ChecksumAlgorithm::kXxHash128: return XxHash{XxHash::Kind::k128};
    case ChecksumAlgorithm::kSha256: break;
  }
  return Digest{Digest::Kind::kSha256};
}

std::string bytes_of(uint32_t value) {
  std::string bytes;
  append_be32(bytes, value);
  return bytes;
}
std::string bytes_of(uint64_t value) {
  std::string bytes;
  append_be64(bytes, value);
  return bytes;
}

/// Values were checked when they were stored.
uint64_t number_of(const std::string& base64) {
  const std::string bytes = from_base64(base64).value_or("");
  if (bytes.size() == 8) return read_be64(bytes);
  return bytes.size() == 4 ? read_be32(bytes) : 0;
}

template <class Crc>
std::string combined(const std::vector<PartChecksum>& parts) {
  using Value = decltype(Crc{}.value());
  Value whole = 0;  // of nothing
  for (const PartChecksum& part : parts) {
    whole = Crc::combine(whole, static_cast<Value>(number_of(part.value)), part.size);
  }
  return to_base64(bytes_of(whole));
}

}  // namespace

const std::string& name_of(ChecksumAlgorithm algorithm) { return words_of(algorithm).name; }
std::string_view wire_name(ChecksumAlgorithm algorithm) { return words_of(algorithm).wire; }
const std::string& header_name(ChecksumAlgorithm algorithm) { return words_of(algorithm).header; }
size_t digest_bytes(ChecksumAlgorithm algorithm) { return words_of(algorithm).bytes; }

bool is_combinable(ChecksumAlgorithm algorithm) {
  return algorithm == ChecksumAlgorithm::kCrc32 || algorithm == ChecksumAlgorithm::kCrc32c ||
         algorithm == ChecksumAlgorithm::kCrc64Nvme;
}

Result<ChecksumAlgorithm> parse_algorithm(std::string_view text) {
  for (const ChecksumAlgorithm algorithm : kAllChecksums) {
    if (equals_ignoring_case(text, wire_name(algorithm))) return algorithm;
  }
  return std::unexpected(
      invalid("Checksum algorithm provided is unsupported. Please try again with any of the valid "
              "types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5, XXHASH64, XXHASH3, "
              "XXHASH128]")
          .with_tag("InvalidRequest"));
}

Checksum::Checksum(ChecksumAlgorithm algorithm) : state_{state_of(algorithm)} {}

void Checksum::update(std::string_view bytes) {
  std::visit([&](auto& state) { state.update(bytes); }, state_);
}

std::string Checksum::finish() {
  return std::visit(
      [](auto& state) {
        using State = std::decay_t<decltype(state)>;
        if constexpr (std::is_same_v<State, Digest> || std::is_same_v<State, XxHash>) {
          return to_base64(state.finish());
        } else {
          return to_base64(bytes_of(state.value()));
        }
      },
      state_);
}

Result<void> check_form(ChecksumAlgorithm algorithm, std::string_view value) {
  const auto bytes = from_base64(value);
  if (bytes && bytes->size() == digest_bytes(algorithm)) return {};
  return std::unexpected(invalid("Value for " + header_name(algorithm) + " header is invalid.")
                             .with_tag("InvalidRequest"));
}

std::string combine_checksums(ChecksumAlgorithm algorithm, const std::vector<PartChecksum>& parts) {
  switch (algorithm) {
    case ChecksumAlgorithm::kCrc32: return combined<Crc32>(parts);
    case ChecksumAlgorithm::kCrc32c: return combined<Crc32c>(parts);
    case ChecksumAlgorithm::kCrc64Nvme: return combined<Crc64Nvme>(parts);
    default: return {};  // hashes do not combine
  }
}

std::string composite_checksum(ChecksumAlgorithm algorithm,
                               const std::vector<PartChecksum>& parts) {
  Checksum whole{algorithm};
  for (const PartChecksum& part : parts) whole.update(from_base64(part.value).value_or(""));
  return whole.finish() + "-" + std::to_string(parts.size());
}

std::string joined_part_checksums(ChecksumAlgorithm algorithm,
                                  const std::vector<PartChecksum>& parts) {
  if (parts.size() * digest_bytes(algorithm) > kMaxKeptPartSums) return {};
  std::string bytes;
  for (const PartChecksum& part : parts) bytes += from_base64(part.value).value_or("");
  return to_base64(bytes);
}

std::string part_checksum(const meta::EntryRecord& record, ChecksumAlgorithm algorithm,
                          size_t index) {
  const auto kept = record.checksums.find(kPartsKey);
  if (kept == record.checksums.end()) return {};
  const std::string bytes = from_base64(kept->second).value_or("");
  const size_t each = digest_bytes(algorithm);
  if (bytes.size() < (index + 1) * each) return {};
  return to_base64(std::string_view{bytes}.substr(index * each, each));
}

std::optional<StoredChecksum> stored_checksum(const meta::EntryRecord& record) {
  for (const ChecksumAlgorithm algorithm : kAllChecksums) {
    const auto found = record.checksums.find(name_of(algorithm));
    if (found == record.checksums.end()) continue;
    const auto type = record.checksums.find(kTypeKey);
    return StoredChecksum{algorithm, found->second,
                          type == record.checksums.end() ? std::string{kFullObject} : type->second};
  }
  if (!record.crc32c) return std::nullopt;
  return StoredChecksum{ChecksumAlgorithm::kCrc32c, to_base64(Crc32c::to_bytes(*record.crc32c)),
                        std::string{kFullObject}};
}

}  // namespace beringia::protocol::s3
