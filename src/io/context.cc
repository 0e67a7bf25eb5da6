#include "io/context.h"

#include <algorithm>

namespace beringia::io {

void CancelToken::cancel() {
  // Callbacks run under the lock: remove() and detach() then guarantee that none is running.
  std::lock_guard lock{mutex_};
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  while (Hook* hook = hooks_) {
    hooks_ = hook->next;
    if (hooks_ != nullptr) hooks_->previous = nullptr;
    hook->attached = false;
    hook->fire(*hook);
  }
  for (auto& [id, callback] : callbacks_) callback();
}

uint64_t CancelToken::on_cancel(std::function<void()> callback) {
  std::lock_guard lock{mutex_};
  const uint64_t id = next_id_++;
  if (cancelled_.load(std::memory_order_acquire)) {
    callback();
  } else {
    callbacks_.emplace(id, std::move(callback));
  }
  return id;
}

void CancelToken::remove(uint64_t id) {
  std::lock_guard lock{mutex_};
  callbacks_.erase(id);
}

void CancelToken::attach(Hook& hook) {
  std::lock_guard lock{mutex_};
  if (cancelled_.load(std::memory_order_acquire)) {
    hook.fire(hook);
    return;
  }
  hook.previous = nullptr;
  hook.next = hooks_;
  if (hooks_ != nullptr) hooks_->previous = &hook;
  hooks_ = &hook;
  hook.attached = true;
}

void CancelToken::detach(Hook& hook) {
  std::lock_guard lock{mutex_};
  if (!hook.attached) return;
  if (hook.previous != nullptr) {
    hook.previous->next = hook.next;
  } else {
    hooks_ = hook.next;
  }
  if (hook.next != nullptr) hook.next->previous = hook.previous;
  hook.attached = false;
}

Context Context::with_deadline(MonotonicTime deadline) const {
  Context copy = *this;
  copy.deadline_ = deadline_ ? std::min(*deadline_, deadline) : deadline;
  return copy;
}

Context Context::with_cancel(std::shared_ptr<CancelToken> cancel) const {
  Context copy = *this;
  copy.cancel_ = std::move(cancel);
  return copy;
}

Context Context::with_work(std::shared_ptr<Work> work) const {
  Context copy = *this;
  copy.work_ = std::move(work);
  return copy;
}

Context Context::with_account(std::shared_ptr<CallTally> account) const {
  Context copy = *this;
  copy.account_ = std::move(account);
  return copy;
}

Context Context::unbounded() const {
  Context copy = *this;
  copy.deadline_.reset();
  copy.cancel_.reset();
  return copy;
}

Result<void> Context::check(MonotonicTime now) const {
  if (cancel_ && cancel_->cancelled()) return std::unexpected(cancelled("the call was cancelled"));
  if (deadline_ && now >= *deadline_) {
    return std::unexpected(cancelled("the deadline has passed"));
  }
  return {};
}

}  // namespace beringia::io
