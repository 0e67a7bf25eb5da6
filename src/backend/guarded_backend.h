#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "observe/metrics.h"

namespace beringia::backend {

struct OutageLimits {
  /// One question (stat, list, opening a read) with all its repetitions; then kUnavailable.
  Duration max_question = std::chrono::seconds{2};
  /// The same of a page of a listing that is worth waiting for: some stores look through all they
  /// have for each page.
  Duration max_listing = std::chrono::seconds{20};
  /// One short change (remove, update): long enough for the repetitions that Google publishes for
  /// Cloud Storage. Writes, composes and renames last as long as their bytes do; how long they are
  /// repeated without progress is bounded where that is done.
  Duration max_change = std::chrono::seconds{60};
  Duration first_pause =
      std::chrono::milliseconds{250};            ///< between a failed question and the next probe
  Duration max_pause = std::chrono::seconds{1};  ///< pauses double up to this while probes fail
  Duration max_probe = std::chrono::seconds{1};  ///< the question that tries whether it is back
};

/// Bounds the time of calls of another backend, and remembers its outages: once a question was not
/// answered, further ones are refused at once with kUnavailable (tag kAway, Retry::kSafe) until a
/// pause is over. Then one question is let through as a probe; any answer, an error of the service
/// included, ends the outage. Changes and probe() are always tried. A question whose time is over
/// while other calls are being answered is slow, not a sign of an outage. Thread-safe.
class GuardedBackend final : public Backend {
 public:
  /// `name` appears in errors and as the label of its metrics.
  GuardedBackend(std::string name, std::unique_ptr<Backend> inner, OutageLimits limits);

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
  /// A question's leave to be asked. Whoever holds the one of a probe gives it back.
  struct Leave {
    bool is_probe = false;
    MonotonicTime begun;
  };
  /// `patience`: instead of max_question.
  template <class Call>
  auto ask(const io::Context& context, Call&& call, std::optional<Duration> patience = std::nullopt)
      -> decltype(call(context));
  template <class Call>
  auto change(const io::Context& context, Duration limit, Call&& call) -> decltype(call(context));
  [[nodiscard]] Result<Leave> enter();
  void answered(const Leave& leave);
  void not_answered(const Leave& leave, const Error& error, bool late);
  void give_back(const Leave& leave);
  void set_away(bool away, const Error* why);
  Error timed_out(const Error& error, Retry retry) const;

  const std::string name_;
  const std::unique_ptr<Backend> inner_;
  const OutageLimits limits_;
  std::mutex mutex_;  // guards what follows
  bool away_ = false;
  bool probing_ = false;
  Duration pause_{};
  MonotonicTime next_probe_;
  MonotonicTime last_answer_;
};

}  // namespace beringia::backend
