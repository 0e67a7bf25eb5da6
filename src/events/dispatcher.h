#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/parts.h"
#include "events/message.h"
#include "events/sender.h"
#include "events/worker.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::events {

/// Tells the notification targets of the running estate what happened: a worker for each of them,
/// which follows when the estate is replaced. A target that is away makes nobody wait, and costs no
/// memory: the feed waits for it, within a bound. Thread-safe.
class Dispatcher {
 public:
  struct Options {
    MessageOptions message;
    MakeSender make_sender = make_http_sender;
    Patience patience = {};
  };
  /// Works in the background until stop(). Both outlive it.
  Dispatcher(io::Runtime& runtime, core::Namespace::Parts& parts, Options options);
  ~Dispatcher();  // stop()
  /// Ends after what is under way, remembers how far each target is, joins.
  void stop();

 private:
  struct Running {
    meta::NotificationTargetDeclaration target;
    std::shared_ptr<io::CancelToken> cancel;  // owners: this and its fiber's context
    std::shared_ptr<io::Event> ended;         // owners: this and its fiber
  };
  void supervise(const io::Context& context);
  void follow(const meta::Estate& estate);
  void begin(const meta::NotificationTargetDeclaration& target);
  static void end(Running& running);

  io::Runtime& runtime_;
  core::Namespace::Parts& parts_;
  const Options options_;
  std::shared_ptr<io::CancelToken> cancel_;  // owners: this and its fiber's context
  io::Event ended_;
  std::map<std::string, Running> workers_;  // of the supervising fiber
};

}  // namespace beringia::events
