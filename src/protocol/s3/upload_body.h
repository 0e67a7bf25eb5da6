#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/namespace.h"
#include "io/byte_source.h"
#include "protocol/s3/call.h"
#include "protocol/s3/checksums.h"
#include "wire/aws_chunked.h"

namespace beringia::protocol::s3 {

/// Hands bytes on and computes a checksum of them.
class ChecksumSource final : public io::ByteSource {
 public:
  ChecksumSource(io::ByteSource& inner, ChecksumAlgorithm algorithm)
      : inner_{inner}, checksum_{algorithm} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override { return inner_.remaining(); }
  std::string finish() { return checksum_.finish(); }

 private:
  io::ByteSource& inner_;
  Checksum checksum_;
};

/// The body of PutObject or UploadPart as it is to be stored: without its framing, its signed hash
/// or chunk signatures checked before the end is told, its checksum computed and compared with what
/// the header or the trailer says. Lives as long as the write.
class UploadBody {
 public:
  /// @param preferred  what to compute when the client sends no checksum
  /// @error kInvalid: tags MissingContentLength, InvalidDigest, InvalidRequest, InvalidArgument
  /// @param with_claims  false: checksum headers are about something else
  static Result<std::unique_ptr<UploadBody>> open(const Call& call, ChecksumAlgorithm preferred,
                                                  bool with_claims = true);

  io::ByteSource& source() { return *source_; }
  const core::ExpectedBody& expected() const { return expected_; }
  ChecksumAlgorithm algorithm() const { return algorithm_; }
  /// The client named a checksum: then answers show it.
  bool is_claimed() const { return claimed_; }
  /// After the end of source(): base64, compared with the client's word.
  /// @error kInvalid (tag checksum_mismatch)
  [[nodiscard]] Result<std::string> finish();

 private:
  UploadBody() = default;
  Result<void> read_length(const Call& call);
  Result<void> read_claims(const Call& call);
  void chain(const Call& call);

  core::ExpectedBody expected_;
  ChecksumAlgorithm algorithm_ = ChecksumAlgorithm::kCrc64Nvme;
  bool claimed_ = false;
  std::string value_;                  // from a header
  std::vector<std::string> trailers_;  // names that the trailer must have
  std::unique_ptr<io::ByteSource> nothing_;
  std::unique_ptr<wire::AwsChunkedSource> chunked_;
  std::unique_ptr<wire::SignedHashSource> signed_;
  std::unique_ptr<ChecksumSource> checksum_;
  io::ByteSource* source_ = nullptr;
};

/// The checksum that the request's headers name; at most one.
struct ClaimedChecksum {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::kCrc32;
  std::string value;
};
/// @error kInvalid (tag InvalidRequest)
[[nodiscard]] Result<std::optional<ClaimedChecksum>> claimed_checksum(const Call& call);

/// What the checksum headers of a document mean.
enum class DocumentDigest {
  kOptional,  ///< the document's own, if any
  kRequired,  ///< the document's own, a must (DeleteObjects)
  kOfObject,  ///< that of the object the document is about (CompleteMultipartUpload)
};
/// A whole small document (XML) as body, with the checks of UploadBody.
/// @error as UploadBody; kInvalid (tag too_large)
[[nodiscard]] Result<std::string> read_document(const Call& call, size_t max_bytes,
                                                DocumentDigest digest = DocumentDigest::kOptional);

}  // namespace beringia::protocol::s3
