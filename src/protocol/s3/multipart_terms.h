#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/namespace.h"
#include "protocol/s3/call.h"
#include "protocol/s3/checksums.h"

namespace beringia::protocol::s3 {

inline constexpr const char* kUploadProtocol = "s3";   // UploadRecord::protocol
inline constexpr uint64_t kMaxPartNumber = 10'000;     // S3 API, UploadPart
inline constexpr uint64_t kMinPartBytes = 5ull << 20;  // of all parts but the last
inline constexpr uint64_t kMaxPartBytes = 5ull << 30;

/// What CreateMultipartUpload agreed about checksums; kept in UploadRecord::options.
struct UploadTerms {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::kCrc64Nvme;
  std::string type{kFullObject};
  bool is_asked = false;  // the client named the algorithm; answers then show it
};
/// @error kInvalid (tag InvalidRequest): an algorithm that is none, or has not that type
[[nodiscard]] Result<UploadTerms> terms_of_request(const Call& call);
meta::StringMap options_of(const UploadTerms& terms);
UploadTerms terms_of(const meta::UploadRecord& upload);

/// ?partNumber of UploadPart and UploadPartCopy. @error kInvalid (tag InvalidArgument)
[[nodiscard]] Result<uint32_t> part_number_of(const Call& call);

}  // namespace beringia::protocol::s3
