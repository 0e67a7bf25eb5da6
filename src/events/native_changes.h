#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "events/change_follower.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::events {

using MakeFeed = std::function<Result<std::unique_ptr<backend::gcs::ChangeFeed>>(
    const meta::BackendDeclaration& backend)>;

/// A ChangeFollower for each backend of the running estate that has a subscription; they come and
/// go with it. Thread-safe.
class NativeChanges {
 public:
  /// Works in the background until stop(). Both outlive it.
  NativeChanges(io::Runtime& runtime, core::Namespace::Parts& parts, MakeFeed make_feed);
  ~NativeChanges();  // stop()
  /// Ends what is under way; what is not acknowledged comes again. Joins.
  void stop();

 private:
  struct Running {
    meta::BackendDeclaration backend;
    std::shared_ptr<io::CancelToken> cancel;  // owners: this and its fiber's context
    std::shared_ptr<io::Event> ended;         // owners: this and its fiber
  };
  void supervise(const io::Context& context);
  void follow(const meta::Estate& estate);
  void begin(const meta::BackendDeclaration& backend);
  static void end(Running& running);

  io::Runtime& runtime_;
  core::Namespace::Parts& parts_;
  const MakeFeed make_feed_;
  std::shared_ptr<io::CancelToken> cancel_;  // owners: this and its fiber's context
  io::Event ended_;
  std::map<std::string, Running> followers_;  // of the supervising fiber
};

}  // namespace beringia::events
