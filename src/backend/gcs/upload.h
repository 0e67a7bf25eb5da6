#pragma once

#include <functional>
#include <string>

#include "backend/gcs/object_calls.h"
#include "backend/gcs/parts_upload.h"
#include "backend/gcs/resumable.h"
#include "backend/gcs/upload_pool.h"
#include "base/checksum.h"
#include "io/sync.h"

namespace beringia::backend::gcs {

struct UploadOptions {
  /// A body up to this is sent in one request; a longer one in chunks of this size. A multiple of
  /// kChunkQuantum.
  size_t chunk_bytes = 8 << 20;
  /// A body of this size or more, or of a size that is not known, is sent in parts of a chunk each,
  /// several at once.
  uint64_t parts_from_bytes = 32 << 20;
  size_t parallel_parts = 6;  ///< of one upload
  /// Bound of the memory of all uploads together; further ones wait.
  uint64_t buffer_bytes = 96 << 20;
  /// Long bodies go to their name at once, as in buckets whose retention would keep temporary
  /// objects.
  bool without_temporaries = false;
};

/// Writes one object. Small bodies go out in one multipart request with attributes and checksums,
/// which the service verifies before the object exists. Longer ones are uploaded resumably under
/// kStagingPrefix, compared with the CRC32C and MD5 of the service, sealed, and then put in place
/// by a rewrite within the bucket: so attributes that are known only after the body, and the
/// precondition, hold at the instant the object appears. Long ones go in parts at once, and a
/// compose puts them in place. Without temporaries the precondition holds from the start of the
/// body, and attributes that are known only after it are added once the object is there. Used by
/// one fiber.
class Upload {
 public:
  Upload(const ObjectCalls& calls, const UploadOptions& options, UploadPool& pool,
         const WriteRequest& request)
      : calls_{calls}, options_{options}, pool_{pool}, request_{request} {}

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
  /// The attributes of the seal, which came too late for the session.
  [[nodiscard]] Result<wire::gcs::ObjectResource> add_attributes(
      const io::Context& context, const wire::gcs::ObjectResource& object, const Seal& seal);
  [[nodiscard]] Result<wire::gcs::ObjectResource> write_parts(const io::Context& context);
  /// Cuts the body into parts and sends them.
  [[nodiscard]] Result<std::vector<ComposePiece>> send_parts(const io::Context& context,
                                                             PartsUpload& parts);
  size_t part_bytes(size_t number) const;
  std::string staging_class() const;
  /// Sends the whole body through a session; gives the session up when that fails. `at_end` is
  /// asked between the body's end and the last chunk; may be empty.
  [[nodiscard]] Result<wire::gcs::ObjectResource> send_chunks(
      const io::Context& context, ResumableUpload& session,
      const std::function<Result<void>()>& at_end = {});
  [[nodiscard]] Result<wire::gcs::ObjectResource> publish(const io::Context& context,
                                                          const std::string& staged_name,
                                                          const wire::gcs::ObjectResource& staged);
  [[nodiscard]] Result<void> check(const wire::gcs::ObjectResource& object) const;
  std::string what() const { return "write " + calls_.at().display(request_.name); }

  const ObjectCalls& calls_;
  const UploadOptions& options_;
  UploadPool& pool_;
  const WriteRequest& request_;
  std::string buffer_;
  uint64_t size_ = 0;
  Crc32c crc32c_;
  std::optional<std::string> md5_;  // from the seal; the caller has worked it out already
};

}  // namespace beringia::backend::gcs
