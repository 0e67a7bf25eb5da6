#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "backend/backend.h"

namespace beringia::backend::memory {

/// Objects in memory, for tests and simulation: versions are a counter, compare-and-swap is exact,
/// nothing depends on time or chance. Each call parks once before it takes effect (io::yield), so
/// that callers are interleaved. Thread-safe.
class MemoryBackend final : public Backend {
 public:
  MemoryBackend();

  const Capabilities& capabilities() const override { return capabilities_; }
  Result<CopyInfo> stat(const io::Context& context, const StatRequest& request) override;
  [[nodiscard]] Result<std::unique_ptr<io::ByteSource>> read(const io::Context& context,
                                                             const ReadRequest& request) override;
  Result<CopyInfo> write(const io::Context& context, const WriteRequest& request) override;
  Result<CopyPage> list(const io::Context& context, const ListRequest& request) override;
  Result<void> remove(const io::Context& context, const RemoveRequest& request) override;
  Result<CopyInfo> compose(const io::Context& context, const ComposeRequest& request) override;
  Result<CopyInfo> rename(const io::Context& context, const RenameRequest& request) override;
  Result<CopyInfo> update(const io::Context& context, const UpdateRequest& request) override;
  Result<void> make_directory(const io::Context& context, const std::string& name) override;
  Result<void> remove_directory(const io::Context& context, const std::string& name) override;
  Result<uint64_t> sweep(const io::Context& context, Duration age) override;
  Result<StoreReport> probe(const io::Context& context) override;

  /// For tests: what a foreign writer does.
  void put_foreign(const std::string& name, std::string bytes);
  /// For tests: objects whose names begin so, our own ones included, which list() does not show.
  size_t count_names(const std::string& prefix) const;

 private:
  struct Object {
    std::shared_ptr<const std::string> bytes;  // owners: this object and readers of it
    CopyInfo info;
  };
  using Objects = std::map<std::string, Object>;

  Result<Objects::iterator> find(const std::string& name, const std::optional<Version>& version);
  Result<void> check(const std::string& name, const Expectation& expectation) const;
  Result<CopyInfo> put(const std::string& name, std::string bytes, const Seal& seal,
                       const std::string& storage_class);

  const Capabilities capabilities_;
  mutable std::mutex mutex_;
  Objects objects_;
  uint64_t next_version_ = 1;
};

}  // namespace beringia::backend::memory
