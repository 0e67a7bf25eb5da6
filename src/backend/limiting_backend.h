#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "io/sync.h"
#include "observe/metrics.h"

namespace beringia::backend {

struct ConcurrencyLimits {
  size_t max_reads = 64;     ///< stat, read (until it is open), list, probe under way at once
  size_t max_writes = 64;    ///< all other calls
  size_t max_waiting = 256;  ///< of either kind; more are refused
  Duration max_wait = std::chrono::seconds{10};  ///< then refused
};

/// Bounds how many calls of another backend are under way; further ones wait in line, for a bounded
/// time, and are then refused with kBusy (Retry::kSafe: nothing was done). Reads and writes have
/// their own limits, and a read holds its place only until it is open: so a write whose body is a
/// read of the same backend always finds a place for it. Thread-safe.
class LimitingBackend final : public Backend {
 public:
  /// `name` appears in errors and as the label of its metrics.
  LimitingBackend(std::string name, std::unique_ptr<Backend> inner, ConcurrencyLimits limits);

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
  struct Line {
    explicit Line(size_t places) : places_left{static_cast<int64_t>(places)} {}
    io::Semaphore places_left;
    std::atomic<int64_t> waiting{0};
  };
  class Place;
  [[nodiscard]] Result<void> enter(const io::Context& context, Line& line);
  Error refused(std::string why) const;

  const std::string name_;
  const std::unique_ptr<Backend> inner_;
  const ConcurrencyLimits limits_;
  Line reads_;
  Line writes_;
  const observe::Counter::Series waits_;
  const observe::Counter::Series refusals_;
};

}  // namespace beringia::backend
