#pragma once

#include <memory>
#include <string>

#include "backend/backend.h"
#include "base/random.h"
#include "observe/metrics.h"

namespace beringia::backend {

/// How often and how late a call is repeated.
struct RetryLimits {
  int max_attempts = 4;  ///< of one call, the first included
  /// The n-th wait is drawn evenly from 0 to initial_delay * 2^(n-1), at most max_delay ("full
  /// jitter": callers that failed together do not come back together).
  Duration initial_delay = std::chrono::milliseconds{100};
  Duration max_delay = std::chrono::seconds{5};
};

/// Repeats calls of another backend whose error says Retry::kSafe, within the caller's deadline. A
/// write is repeated only if nothing was taken from its body. A read that breaks off goes on from
/// the next byte if it is pinned to a version (never of files, which are handed on as they are).
/// For backends without retries of their own. Thread-safe.
class RetryingBackend final : public Backend {
 public:
  /// `name` is the label of its metric. `rng` outlives it.
  RetryingBackend(std::string name, std::unique_ptr<Backend> inner, RetryLimits limits, Rng& rng);

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
  template <class Call>
  auto repeat(const io::Context& context, Call&& call) -> decltype(call());
  /// Waits before attempt `next`; false: there is none, or none before the deadline.
  [[nodiscard]] Result<bool> wait(const io::Context& context, const Error& error, int next);

  const std::unique_ptr<Backend> inner_;
  const RetryLimits limits_;
  Rng& rng_;
  const observe::Counter::Series retries_;
};

}  // namespace beringia::backend
