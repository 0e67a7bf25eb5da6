#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/checksum.h"
#include "base/error.h"
#include "core/namespace.h"

namespace beringia::protocol::s3 {

/// The checksums that S3 knows (kMd5: as one of these, not Content-MD5).
enum class ChecksumAlgorithm {
  kCrc32,
  kCrc32c,
  kCrc64Nvme,
  kSha1,
  kSha256,
  kSha512,
  kMd5,
  kXxHash64,
  kXxHash3,
  kXxHash128
};
inline constexpr std::array kAllChecksums = {
    ChecksumAlgorithm::kCrc32,    ChecksumAlgorithm::kCrc32c,   ChecksumAlgorithm::kCrc64Nvme,
    ChecksumAlgorithm::kSha1,     ChecksumAlgorithm::kSha256,   ChecksumAlgorithm::kSha512,
    ChecksumAlgorithm::kMd5,      ChecksumAlgorithm::kXxHash64, ChecksumAlgorithm::kXxHash3,
    ChecksumAlgorithm::kXxHash128};

/// "crc32": in record maps, header names (x-amz-checksum-crc32) and XML codecs.
const std::string& name_of(ChecksumAlgorithm algorithm);
/// "CRC32", as clients ask for it.
std::string_view wire_name(ChecksumAlgorithm algorithm);
const std::string& header_name(ChecksumAlgorithm algorithm);
/// Either spelling, any case. @error kInvalid (tag InvalidRequest)
[[nodiscard]] Result<ChecksumAlgorithm> parse_algorithm(std::string_view text);
size_t digest_bytes(ChecksumAlgorithm algorithm);
/// CRCs of parts combine to the CRC of the whole; hashes do not.
bool is_combinable(ChecksumAlgorithm algorithm);

/// Incremental. finish() once.
class Checksum {
 public:
  explicit Checksum(ChecksumAlgorithm algorithm);
  void update(std::string_view bytes);
  /// As S3 shows it: base64 of the big-endian bytes.
  std::string finish();

 private:
  std::variant<Crc32, Crc32c, Crc64Nvme, Digest, XxHash> state_;
};

/// Base64 of the right number of bytes? @error kInvalid (tag InvalidRequest)
[[nodiscard]] Result<void> check_form(ChecksumAlgorithm algorithm, std::string_view value);

// How the checksum of a multipart object is made.
inline constexpr std::string_view kFullObject = "FULL_OBJECT";
inline constexpr std::string_view kComposite = "COMPOSITE";
inline constexpr const char* kTypeKey = "type";  // in EntryRecord::checksums

struct PartChecksum {
  std::string value;  // base64
  uint64_t size = 0;
};
/// The checksum of the whole from those of its parts, in order. Needs is_combinable().
std::string combine_checksums(ChecksumAlgorithm algorithm, const std::vector<PartChecksum>& parts);
/// Checksum of the parts' checksums, "-N".
std::string composite_checksum(ChecksumAlgorithm algorithm, const std::vector<PartChecksum>& parts);

// The parts' own checksums, for reads by part number and GetObjectAttributes: base64 of their bytes
// one after the other, in EntryRecord::checksums. Kept up to this many bytes.
inline constexpr const char* kPartsKey = "parts";
inline constexpr size_t kMaxKeptPartSums = 8 << 10;
/// "" when there would be too many.
std::string joined_part_checksums(ChecksumAlgorithm algorithm,
                                  const std::vector<PartChecksum>& parts);
/// Base64 of the checksum of part `index` (from 0); "" if it was not kept.
std::string part_checksum(const meta::EntryRecord& record, ChecksumAlgorithm algorithm,
                          size_t index);

/// What an entry's record tells: its algorithm, value and type. Entries that came another way have
/// the CRC32C that every entry has. nullopt: none at all.
struct StoredChecksum {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::kCrc32c;
  std::string value;
  std::string type;
};
std::optional<StoredChecksum> stored_checksum(const meta::EntryRecord& record);

}  // namespace beringia::protocol::s3
