#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/parts.h"
#include "events/message.h"
#include "events/sender.h"
#include "meta/journal.h"

namespace beringia::events {

/// How long and how often a delivery is tried.
struct Patience {
  Duration first_backoff = std::chrono::milliseconds{250};
  Duration max_backoff = std::chrono::seconds{60};
  /// An event that is older is given up when its delivery fails (again).
  Duration max_age = std::chrono::hours{24};
  /// A target that answers, but takes this message for nonsense, is not asked more often.
  int max_refusals = 5;
};

/// Delivers the events of one target in the order of their commits, each at least once. What it has
/// delivered is remembered every so often, so that a crash repeats a bounded number of them. Memory
/// holds one page of the feed. Used by one fiber.
class Worker {
 public:
  Worker(core::Namespace::Parts& parts, meta::NotificationTargetDeclaration target,
         std::unique_ptr<Sender> sender, const MessageOptions& message, Patience patience);
  /// Until `context` is cancelled.
  void run(const io::Context& context);

 private:
  /// @error kCancelled; kUnavailable (store)
  Result<void> step(const io::Context& context);
  Result<void> deliver_row(const io::Context& context, const meta::NumberedFeed& row);
  Result<void> deliver(const io::Context& context, const meta::NumberedFeed& row, size_t index);
  enum class Answer { kTaken, kRefused, kFailed };
  Result<Answer> attempt(const io::Context& context, const std::string& body, std::string& why);
  void give_up(const meta::NumberedFeed& row, const char* reason, const std::string& why);
  void note_gap(uint64_t next);
  void note_failure(const std::string& why);
  void note_success();
  Result<void> load(const io::Context& context);
  Result<void> save(const io::Context& context);

  core::Namespace::Parts& parts_;
  const meta::NotificationTargetDeclaration target_;
  std::unique_ptr<Sender> sender_;
  const MessageOptions& message_;
  const Patience patience_;
  bool loaded_ = false;
  bool is_new_ = false;  // nothing was ever remembered
  uint64_t cursor_ = 0;  // the last row that is done
  uint64_t saved_ = 0;
  int unsaved_deliveries_ = 0;
  MonotonicTime saved_at_;
  bool failing_ = false;
};

}  // namespace beringia::events
