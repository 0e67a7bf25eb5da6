#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "io/work.h"

namespace beringia::io {

/// Tells waiting code to give up. cancel() may come from any thread, once or often. Callbacks run
/// on the cancelling thread, must not block. Shared by the canceller and all waiters.
class CancelToken {
 public:
  /// A registration without allocation, in the frame of a waiting call. Same rules as callbacks.
  struct Hook {
    void (*fire)(Hook& hook) = nullptr;
    Hook* previous = nullptr;
    Hook* next = nullptr;
    bool attached = false;
  };

  void cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  /// Registers `callback`; runs at once if already cancelled. @return id for remove()
  uint64_t on_cancel(std::function<void()> callback);
  /// After return the callback is not running and will not run.
  void remove(uint64_t id);
  /// As on_cancel() and remove(), in constant time however many wait.
  void attach(Hook& hook);
  void detach(Hook& hook);

 private:
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, std::function<void()>> callbacks_;
  Hook* hooks_ = nullptr;
};

/// What every waiting call is given: until when, whether still wanted, and for which request.
/// Cheap to copy. Thread-safe to read.
class Context {
 public:
  Context() = default;  // no deadline, no cancellation
  explicit Context(std::string trace_id) : trace_id_{std::move(trace_id)} {}

  Context with_deadline(MonotonicTime deadline) const;  // the earlier of both holds
  Context with_cancel(std::shared_ptr<CancelToken> cancel) const;
  Context with_work(std::shared_ptr<Work> work) const;
  Context with_account(std::shared_ptr<CallTally> account) const;
  /// Of the same request and on the same accounts, without deadline and cancellation.
  Context unbounded() const;
  /// Null: a user waits for it.
  const std::shared_ptr<Work>& work() const { return work_; }
  /// Where calls are counted besides; may be null.
  const std::shared_ptr<CallTally>& account() const { return account_; }
  const std::optional<MonotonicTime>& deadline() const { return deadline_; }
  const std::shared_ptr<CancelToken>& cancel() const { return cancel_; }
  const std::string& trace_id() const { return trace_id_; }
  /// kCancelled if cancelled or past the deadline (`now` from the runtime's clock).
  [[nodiscard]] Result<void> check(MonotonicTime now) const;

 private:
  std::string trace_id_;
  std::optional<MonotonicTime> deadline_;
  std::shared_ptr<CancelToken> cancel_;  // owners: the canceller (connection, scope) and contexts
  std::shared_ptr<Work> work_;           // owners: who does it, and contexts
  std::shared_ptr<CallTally> account_;   // owners: who keeps it, and contexts
};

}  // namespace beringia::io
