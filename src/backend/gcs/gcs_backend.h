#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/gcs/api_client.h"
#include "backend/gcs/location.h"
#include "backend/gcs/object_calls.h"
#include "backend/gcs/read_ahead.h"
#include "backend/gcs/upload.h"
#include "io/http.h"
#include "io/sync.h"

namespace beringia::backend::gcs {

struct GcsOptions {
  std::string name = "gcs";  ///< label of its metrics
  Location location;
  PaceLimits pace;
  std::string user_project;
  RetryPolicy retry;
  UploadOptions upload;
  ReadAheadOptions read_ahead;
};

/// A bucket of Google Cloud Storage, or a prefix in it, over the JSON API. Every write, delete,
/// compose, patch and copy carries a generation precondition; retries happen in here, so no retry
/// wrapper is needed around it. docs/formats/native-objects.md says what objects look like.
class GcsBackend final : public Backend {
 public:
  GcsBackend(GcsOptions options, std::unique_ptr<io::HttpClient> http,
             std::unique_ptr<Credentials> credentials, Rng& rng);

  /// What probe() has found: a hierarchical namespace, a flat one, or not yet anything.
  const Capabilities& capabilities() const override { return *capabilities_.load(); }
  Result<CopyInfo> stat(const io::Context& context, const StatRequest& request) override;
  [[nodiscard]] Result<std::unique_ptr<io::ByteSource>> read(const io::Context& context,
                                                             const ReadRequest& request) override;
  Result<CopyInfo> write(const io::Context& context, const WriteRequest& request) override;
  Result<CopyPage> list(const io::Context& context, const ListRequest& request) override;
  Result<void> remove(const io::Context& context, const RemoveRequest& request) override;
  Result<CopyInfo> compose(const io::Context& context, const ComposeRequest& request) override;
  /// Objects: copy within the service, then delete of the source: not atomic (native_rename is
  /// false). Directories, in buckets with hierarchical namespace: the service's own rename.
  Result<CopyInfo> rename(const io::Context& context, const RenameRequest& request) override;
  Result<CopyInfo> update(const io::Context& context, const UpdateRequest& request) override;
  Result<void> make_directory(const io::Context& context, const std::string& name) override;
  Result<void> remove_directory(const io::Context& context, const std::string& name) override;
  Result<uint64_t> sweep(const io::Context& context, Duration age) override;
  Result<StoreReport> probe(const io::Context& context) override;

 private:
  [[nodiscard]] Result<CopyInfo> rename_folder(const io::Context& context, const std::string& from,
                                               const std::string& to);
  /// It belongs to an upload that is under way.
  bool is_alive(const std::string& staged_name) const;
  [[nodiscard]] Result<bool> has_names_after(const io::Context& context,
                                             const std::string& directory,
                                             const std::string& start_after) const;

  const GcsOptions options_;
  const Capabilities unsure_;
  const Capabilities flat_;
  const Capabilities hierarchical_;
  std::atomic<const Capabilities*> capabilities_{&unsure_};  // one of these
  std::atomic<bool> keeps_objects_{false};  // temporary objects could not be removed again
  const std::unique_ptr<io::HttpClient> http_;
  const std::unique_ptr<Credentials> credentials_;
  Pace pace_;
  const ApiClient api_;
  const ObjectCalls calls_;
  UploadPool uploads_;
  io::Semaphore read_ahead_budget_;
};

}  // namespace beringia::backend::gcs
