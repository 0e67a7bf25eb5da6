#pragma once

#include <memory>
#include <string>

#include "backend/backend.h"
#include "observe/metrics.h"

namespace beringia::backend {

/// Believes another backend nothing that can be checked: bytes read must have the CRC32C that the
/// caller knows (ReadRequest::crc32c), the backend's answer to a write must be about the bytes that
/// were written, and a read must be as long as asked. Without a known sum reads pass through
/// untouched; so do file regions. Thread-safe.
class VerifyingBackend final : public Backend {
 public:
  /// `name` appears in errors and as the label of its metric.
  VerifyingBackend(std::string name, std::unique_ptr<Backend> inner);

  const Capabilities& capabilities() const override { return inner_->capabilities(); }
  [[nodiscard]] Result<CopyInfo> stat(const io::Context& context,
                                      const StatRequest& request) override;
  [[nodiscard]] Result<std::unique_ptr<io::ByteSource>> read(const io::Context& context,
                                                             const ReadRequest& request) override;
  [[nodiscard]] Result<CopyInfo> write(const io::Context& context,
                                       const WriteRequest& request) override;
  [[nodiscard]] Result<CopyPage> list(const io::Context& context,
                                      const ListRequest& request) override;
  [[nodiscard]] Result<void> remove(const io::Context& context,
                                    const RemoveRequest& request) override;
  [[nodiscard]] Result<CopyInfo> compose(const io::Context& context,
                                         const ComposeRequest& request) override;
  [[nodiscard]] Result<CopyInfo> rename(const io::Context& context,
                                        const RenameRequest& request) override;
  [[nodiscard]] Result<CopyInfo> update(const io::Context& context,
                                        const UpdateRequest& request) override;
  [[nodiscard]] Result<void> make_directory(const io::Context& context,
                                            const std::string& name) override;
  [[nodiscard]] Result<void> remove_directory(const io::Context& context,
                                              const std::string& name) override;
  [[nodiscard]] Result<uint64_t> sweep(const io::Context& context, Duration age) override;
  [[nodiscard]] Result<StoreReport> probe(const io::Context& context) override;

 private:
  class Source;
  /// What was to be written against what the backend says it has.
  [[nodiscard]] Result<CopyInfo> compare(CopyInfo answer, uint64_t size,
                                         std::optional<uint32_t> crc32c) const;
  Error lie(const std::string& what, std::string why) const;

  const std::string name_;
  const std::unique_ptr<Backend> inner_;
  const observe::Counter::Series mismatches_;
};

}  // namespace beringia::backend
