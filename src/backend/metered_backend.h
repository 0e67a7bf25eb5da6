#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/call_ledger.h"
#include "observe/metrics.h"

namespace beringia::backend {

/// Counts what is asked of another backend: time and errors of each operation, bytes read and
/// written. The time of a read is that until it is open; of a write, all of it, the client's share
/// included. Files that are handed on as regions count when they are opened. Thread-safe.
class MeteredBackend final : public Backend {
 public:
  /// `name` is the label of its metrics. With a ledger, calls go on the account of the mount whose
  /// names they are about. Owners of the ledger: who shows it, and backends.
  MeteredBackend(std::string name, std::unique_ptr<Backend> inner,
                 std::shared_ptr<CallLedger> ledger = nullptr);

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
  enum Operation : size_t {
    kStat,
    kRead,
    kWrite,
    kList,
    kRemove,
    kCompose,
    kRename,
    kUpdate,
    kMakeDirectory,
    kRemoveDirectory,
    kSweep,
    kProbe,
    kOperations,
  };
  class Source;
  template <class Call>
  auto measure(Operation operation, Call&& call) -> decltype(call());
  /// The context of a call about a native name.
  io::Context about(const io::Context& context, std::string_view native_name) const;
  void note_error(Operation operation, const Error& error) const;

  const std::string name_;
  const std::unique_ptr<Backend> inner_;
  const std::shared_ptr<CallLedger> ledger_;
  const observe::Counter::Series bytes_read_;
  const observe::Counter::Series bytes_written_;
  std::vector<observe::Histogram::Series> seconds_;  // by Operation
};

}  // namespace beringia::backend
