#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/mounts.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::app {

/// Asks each remote backend of the running estate how its store has been set, when it is mounted
/// and from time to time after, tells the log what an operator should know, and keeps the answer
/// for those who list mounts. One probe at a time. Thread-safe.
class StoreWatch {
 public:
  /// Works in the background until stop(). Both outlive it.
  StoreWatch(io::Runtime& runtime, const core::MountTable& mounts);
  ~StoreWatch();  // stop()
  void stop();    // Joins.

 private:
  struct Looked {
    std::weak_ptr<const core::LiveBackend> at;
    MonotonicTime next;
  };
  void run(const io::Context& context);
  void look(const io::Context& context, const std::shared_ptr<const core::LiveBackend>& live);

  io::Runtime& runtime_;
  const core::MountTable& mounts_;
  std::shared_ptr<io::CancelToken> cancel_;  // owners: this and its fiber's context
  io::Event ended_;
  std::map<std::string, Looked> looked_;  // of the fiber
};

}  // namespace beringia::app
