#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.h"
#include "io/sync.h"

namespace beringia::io {

/// Lets callers that want the same thing made durable share the work: each gets the result of a
/// run that began after its call. At most one run per key at a time. Thread-safe.
class GroupSync {
 public:
  explicit GroupSync(std::function<Result<void>(const std::string& key)> run)
      : run_{std::move(run)} {}
  [[nodiscard]] Result<void> sync(const std::string& key);

 private:
  struct Flight {
    Event done;
    Result<void> result;
  };
  struct Key {
    std::shared_ptr<Flight> running;  // owners: this table and those who wait
    std::shared_ptr<Flight> next;
  };

  const std::function<Result<void>(const std::string& key)> run_;
  std::mutex mutex_;
  std::map<std::string, Key> keys_;  // only those with a run
};

}  // namespace beringia::io
