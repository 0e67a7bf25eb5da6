#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "backend/gcs/compose.h"
#include "backend/gcs/object_calls.h"
#include "backend/gcs/upload_pool.h"

namespace beringia::backend::gcs {

/// Sends a long body in parts, several at once, to names under kStagingPrefix. Every 32 neighbours
/// are joined within the service and removed as soon as they are there, so that little is left to
/// do at the end. What a crash leaves behind is the sweep's. Used by one fiber.
class PartsUpload {
 public:
  /// @param parallel parts that are sent at once; a few more wait in memory, so that none of the
  /// connections waits for the body
  /// @param storage_class of the parts; "" = the bucket's
  PartsUpload(const io::Context& context, const ObjectCalls& calls, UploadPool& pool,
              size_t parallel, std::string storage_class);
  ~PartsUpload();
  PartsUpload(const PartsUpload&) = delete;
  PartsUpload& operator=(const PartsUpload&) = delete;

  /// Begins to send the next part; parks while as many as may are under way. Parts are whole when
  /// finish() says so. @error of any part
  [[nodiscard]] Result<void> add(std::string bytes);
  /// Waits for all parts; the pieces of the body in order.
  [[nodiscard]] Result<std::vector<ComposePiece>> finish();
  /// Removes all that was sent, as far as that is possible in short time.
  void discard();

 private:
  struct Group {
    std::vector<ComposePiece> parts;
    size_t done = 0;
    std::optional<ComposePiece> joined;
  };
  std::string part_name(size_t number) const;
  /// Takes memory for a part; waits for others of this upload. False: none is there, and none of
  /// this upload's own will come back.
  [[nodiscard]] Result<bool> take_memory(int64_t share);
  [[nodiscard]] Result<void> send(size_t number, const std::string& bytes);
  /// Notes the part; joins its group when that is whole.
  [[nodiscard]] Result<void> note(size_t number, ComposePiece piece);
  Error failure();

  const ObjectCalls& calls_;
  UploadPool& pool_;
  const std::string id_;
  const std::string storage_class_;
  io::Semaphore room_;      // in memory
  io::Semaphore ended_{0};  // one for each part that has left it
  std::atomic<size_t> in_memory_{0};
  io::Semaphore slots_;  // to send
  size_t begun_ = 0;
  std::mutex mutex_;           // guards what follows
  std::vector<Group> groups_;  // of kMaxComposeSources parts each
  io::Scope scope_;            // ends first: its fibers use what is above
};

}  // namespace beringia::backend::gcs
