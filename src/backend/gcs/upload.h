#pragma once

#include <string>

#include "backend/gcs/object_calls.h"
#include "backend/gcs/resumable.h"
#include "base/checksum.h"
#include "io/sync.h"

namespace beringia::backend::gcs {

struct UploadOptions {
  /// A body up to this is sent in one request; a longer one in chunks of this size. A multiple of
  /// kChunkQuantum.
  size_t chunk_bytes = 8 << 20;
  /// Bound of the memory of all uploads together; further ones wait.
  uint64_t buffer_bytes = 96 << 20;
};

/// Writes one object. Small bodies go out in one multipart request with attributes and checksums,
/// which the service verifies before the object exists. Longer ones are uploaded resumably under
/// kStagingPrefix, compared with the CRC32C and MD5 of the service, sealed, and then put in place
/// by a rewrite within the bucket: so attributes that are known only after the body, and the
/// precondition, hold at the instant the object appears. Used by one fiber.
class Upload {
 public:
  Upload(const ObjectCalls& calls, const UploadOptions& options, io::Semaphore& budget,
         const WriteRequest& request)
      : calls_{calls}, options_{options}, budget_{budget}, request_{request} {}

  [[nodiscard]] Result<CopyInfo> run(const io::Context& context);

 private:
  /// Fills buffer_ to at most `size` bytes; true when the body has ended.
  [[nodiscard]] Result<bool> fill(const io::Context& context, size_t size);
  /// Runs the caller's seal (or makes one) and compares it with what was read.
  [[nodiscard]] Result<Seal> sealed();
  Expectation expectation(const Seal& seal) const;
  [[nodiscard]] Result<wire::gcs::ObjectResource> write_whole(const io::Context& context);
  [[nodiscard]] Result<wire::gcs::ObjectResource> write_staged(const io::Context& context);
  [[nodiscard]] Result<wire::gcs::ObjectResource> write_in_place(const io::Context& context);
  /// Sends the whole body through a session; gives the session up when that fails.
  [[nodiscard]] Result<wire::gcs::ObjectResource> send_chunks(const io::Context& context,
                                                              ResumableUpload& session);
  [[nodiscard]] Result<wire::gcs::ObjectResource> publish(const io::Context& context,
                                                          const std::string& staged_name,
                                                          const wire::gcs::ObjectResource& staged);
  [[nodiscard]] Result<void> check(const wire::gcs::ObjectResource& object) const;
  std::string what() const { return "write " + calls_.at().display(request_.name); }

  const ObjectCalls& calls_;
  const UploadOptions& options_;
  io::Semaphore& budget_;
  const WriteRequest& request_;
  std::string buffer_;
  uint64_t size_ = 0;
  Crc32c crc32c_;
  std::optional<std::string> md5_;  // from the seal; the caller has worked it out already
};

}  // namespace beringia::backend::gcs
