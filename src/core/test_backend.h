#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "backend/backend.h"
#include "io/runtime.h"

namespace beringia::core::test {

enum class Call {
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
};
inline constexpr size_t kCalls = 12;

inline bool changes_something(Call call) {
  return call != Call::kStat && call != Call::kRead && call != Call::kList && call != Call::kProbe;
}

/// A backend whose calls can be watched, delayed, failed before or after their effect, and whose
/// reads can lie. For tests. Thread-safe while the hooks are not being changed.
///
///     world.faults("cloud").fail_before(Call::kWrite, unavailable("cut off"));
class FaultyBackend final : public backend::Backend {
 public:
  /// An error stops the call (before) or replaces its answer (after the effect).
  using Hook = std::function<Result<void>(Call call, const std::string& name)>;
  using ReadHook =
      std::function<std::unique_ptr<io::ByteSource>(std::unique_ptr<io::ByteSource> source)>;

  explicit FaultyBackend(std::shared_ptr<backend::Backend> inner) : inner_{std::move(inner)} {
    capabilities_ = inner_->capabilities();
  }

  backend::Backend& inner() { return *inner_; }
  /// A new process connects anew; nobody may be calling.
  void reconnect(std::shared_ptr<backend::Backend> inner) { inner_ = std::move(inner); }
  /// What callers are told it can do; changed before use.
  backend::Capabilities& shown_capabilities() { return capabilities_; }
  void set_before(Hook hook) { before_ = std::move(hook); }
  void set_after(Hook hook) { after_ = std::move(hook); }
  void set_on_read(ReadHook hook) { on_read_ = std::move(hook); }
  /// The next `times` calls of this kind fail; after: once the effect has happened.
  void fail_before(Call call, Error error, int times = 1) {
    plan(call) = {times, 0, std::move(error)};
  }
  void fail_after(Call call, int times = 1) {
    plan(call) = {
        0, times,
        Error{Code::kUnavailable, Retry::kMaybeApplied, "the connection broke", "no answer came"}};
  }
  /// Every call fails as if the network were cut.
  void set_down(bool down) { down_ = down; }
  uint64_t calls(Call call) const { return counts_[static_cast<size_t>(call)]; }
  uint64_t calls() const {
    uint64_t all = 0;
    for (const auto& count : counts_) all += count;
    return all;
  }

  const backend::Capabilities& capabilities() const override { return capabilities_; }
  [[nodiscard]] Result<backend::CopyInfo> stat(const io::Context& context,
                                               const backend::StatRequest& request) override {
    return run(Call::kStat, request.name, [&] { return inner_->stat(context, request); });
  }
  [[nodiscard]] Result<std::unique_ptr<io::ByteSource>> read(
      const io::Context& context, const backend::ReadRequest& request) override {
    auto source = run(Call::kRead, request.name, [&] { return inner_->read(context, request); });
    if (source && on_read_) return on_read_(std::move(*source));
    return source;
  }
  [[nodiscard]] Result<backend::CopyInfo> write(const io::Context& context,
                                                const backend::WriteRequest& request) override {
    return run(Call::kWrite, request.name, [&] { return inner_->write(context, request); });
  }
  [[nodiscard]] Result<backend::CopyPage> list(const io::Context& context,
                                               const backend::ListRequest& request) override {
    return run(Call::kList, request.prefix, [&] { return inner_->list(context, request); });
  }
  Result<void> remove(const io::Context& context, const backend::RemoveRequest& request) override {
    return run(Call::kRemove, request.name, [&] { return inner_->remove(context, request); });
  }
  [[nodiscard]] Result<backend::CopyInfo> compose(const io::Context& context,
                                                  const backend::ComposeRequest& request) override {
    return run(Call::kCompose, request.name, [&] { return inner_->compose(context, request); });
  }
  [[nodiscard]] Result<backend::CopyInfo> rename(const io::Context& context,
                                                 const backend::RenameRequest& request) override {
    return run(Call::kRename, request.from, [&] { return inner_->rename(context, request); });
  }
  [[nodiscard]] Result<backend::CopyInfo> update(const io::Context& context,
                                                 const backend::UpdateRequest& request) override {
    return run(Call::kUpdate, request.name, [&] { return inner_->update(context, request); });
  }
  Result<void> make_directory(const io::Context& context, const std::string& name) override {
    return run(Call::kMakeDirectory, name, [&] { return inner_->make_directory(context, name); });
  }
  Result<void> remove_directory(const io::Context& context, const std::string& name) override {
    return run(Call::kRemoveDirectory, name,
               [&] { return inner_->remove_directory(context, name); });
  }
  Result<uint64_t> sweep(const io::Context& context, Duration age) override {
    return run(Call::kSweep, {}, [&] { return inner_->sweep(context, age); });
  }
  Result<backend::StoreReport> probe(const io::Context& context) override {
    return run(Call::kProbe, {}, [&] { return inner_->probe(context); });
  }

 private:
  struct Plan {
    int before = 0;
    int after = 0;
    std::optional<Error> error;
  };
  Plan& plan(Call call) { return plans_[static_cast<size_t>(call)]; }

  Result<void> check_power() const {
    if (!io::crashed()) return {};
    return std::unexpected(cancelled("the process is gone", "simulated crash"));
  }
  Result<void> planned(Call call, int Plan::* left) {
    std::lock_guard lock{mutex_};
    Plan& mine = plan(call);
    if (mine.*left == 0) return {};
    --(mine.*left);
    return std::unexpected(*mine.error);
  }

  template <class Act>
  auto run(Call call, const std::string& name, Act&& act) -> decltype(act()) {
    ++counts_[static_cast<size_t>(call)];
    BR_TRY(check_power());
    if (down_) return std::unexpected(unavailable("the backend does not answer", "cut off"));
    BR_TRY(planned(call, &Plan::before));
    if (before_) BR_TRY(before_(call, name));
    BR_TRY(check_power());
    auto result = act();
    if (!result) return result;
    BR_TRY(planned(call, &Plan::after));
    if (after_) BR_TRY(after_(call, name));
    return result;
  }

  std::shared_ptr<backend::Backend> inner_;  // owners: this and the test
  backend::Capabilities capabilities_;
  Hook before_;
  Hook after_;
  ReadHook on_read_;
  std::atomic<bool> down_{false};
  std::mutex mutex_;  // guards plans_
  std::array<Plan, kCalls> plans_;
  std::array<std::atomic<uint64_t>, kCalls> counts_{};
};

}  // namespace beringia::core::test
