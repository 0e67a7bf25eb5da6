#include "io/context.h"

#include <algorithm>

namespace beringia::io {

void CancelToken::cancel() {
  // Callbacks run under the lock: remove() then guarantees that none is running.
  std::lock_guard lock{mutex_};
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  for (auto& [id, callback] : callbacks_) callback();
}

uint64_t CancelToken::on_cancel(std::function<void()> callback) {
  std::lock_guard lock{mutex_};
  const uint64_t id = next_id_++;
  if (cancelled_.load(std::memory_order_acquire)) {
    callback();
  } else {
    callbacks_.emplace_back(id, std::move(callback));
  }
  return id;
}

void CancelToken::remove(uint64_t id) {
  std::lock_guard lock{mutex_};
  std::erase_if(callbacks_, [&](const auto& entry) { return entry.first == id; });
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

Result<void> Context::check(MonotonicTime now) const {
  if (cancel_ && cancel_->cancelled()) return std::unexpected(cancelled("the call was cancelled"));
  if (deadline_ && now >= *deadline_) {
    return std::unexpected(cancelled("the deadline has passed"));
  }
  return {};
}

}  // namespace beringia::io
