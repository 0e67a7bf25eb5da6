#pragma once

#include <memory>
#include <vector>

#include "backend/gcs/change_feed.h"
#include "core/parts.h"
#include "meta/estate.h"

namespace beringia::events {

/// Makes the namespace follow what others change in one backend: pulls its notifications, applies
/// them, and acknowledges what is applied and durable. What cannot be applied now comes again. Used
/// by one fiber; memory holds one pull.
class ChangeFollower {
 public:
  ChangeFollower(core::Namespace::Parts& parts, meta::BackendDeclaration backend,
                 std::unique_ptr<backend::gcs::ChangeFeed> feed);
  /// Until `context` is cancelled.
  void run(const io::Context& context);

 private:
  using Changes = std::vector<backend::gcs::ObjectChange>;
  /// @error kCancelled; kUnavailable and others of the feed
  Result<void> step(const io::Context& context);
  /// @return what need not be sent again
  Result<Changes> apply(const io::Context& context, Changes changes);
  /// @return whether it is done with, followed or not
  bool apply_one(const io::Context& context, const backend::gcs::ObjectChange& change);
  Result<void> remember(const io::Context& context, const Changes& done);
  void note_trouble(const Error& error);

  core::Namespace::Parts& parts_;
  const meta::BackendDeclaration backend_;
  std::unique_ptr<backend::gcs::ChangeFeed> feed_;
  bool failing_ = false;
  bool postponed_ = false;  // something of this pull could not be applied now
  int64_t newest_micros_ = 0;
};

}  // namespace beringia::events
