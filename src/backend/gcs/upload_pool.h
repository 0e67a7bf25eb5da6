#pragma once

#include <mutex>
#include <set>
#include <string>

#include "io/sync.h"

namespace beringia::backend::gcs {

/// What the uploads of one backend share: the memory that they may take together, and which of them
/// are alive, so that a sweep leaves the parts of a long one alone. Thread-safe.
class UploadPool {
 public:
  explicit UploadPool(uint64_t buffer_bytes) : budget_{static_cast<int64_t>(buffer_bytes)} {}

  io::Semaphore& budget() { return budget_; }
  void begin(const std::string& id) {
    std::lock_guard lock{mutex_};
    alive_.insert(id);
  }
  void end(const std::string& id) {
    std::lock_guard lock{mutex_};
    alive_.erase(id);
  }
  bool is_alive(const std::string& id) const {
    std::lock_guard lock{mutex_};
    return alive_.contains(id);
  }

 private:
  io::Semaphore budget_;
  mutable std::mutex mutex_;
  std::set<std::string> alive_;
};

}  // namespace beringia::backend::gcs
