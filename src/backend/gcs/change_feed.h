#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/gcs/make_gcs.h"
#include "base/time.h"

namespace beringia::backend::gcs {

/// One message of a bucket's Pub/Sub notifications (Cloud Storage, "Pub/Sub notifications").
struct ObjectChange {
  std::string name;         ///< below the backend's root; "" = not of this backend
  uint64_t generation = 0;  ///< 0 = not told
  bool removed = false;     ///< OBJECT_DELETE and OBJECT_ARCHIVE: this generation is live no more
  Timestamp time;           ///< when it happened, as the service has it; 0 = not told
  std::string ack;          ///< for acknowledge()
};

/// What others change in a bucket, pulled from a subscription that gets its notifications: each
/// message at least once, in any order. Thread-safe.
class ChangeFeed {
 public:
  virtual ~ChangeFeed() = default;
  /// Parks until there are some, or the service has none for a while.
  /// @return at most 1,000. @error kDenied, kNotFound (no such subscription), kUnavailable, kBusy
  [[nodiscard]] virtual Result<std::vector<ObjectChange>> pull(const io::Context& context) = 0;
  /// These need not be sent again.
  [[nodiscard]] virtual Result<void> acknowledge(const io::Context& context,
                                                 const std::vector<ObjectChange>& changes) = 0;
};

/// @param subscription "projects/P/subscriptions/S"
/// @param endpoint "" = Google's; for emulators
/// @error as make()
[[nodiscard]] Result<std::unique_ptr<ChangeFeed>> make_change_feed(const GcsSpec& spec,
                                                                   const std::string& subscription,
                                                                   const std::string& endpoint,
                                                                   Rng& rng);

/// An answer of subscriptions.pull. Messages that are no notifications of the bucket and prefix
/// have no name.
/// @error kInvalid: it is no such answer
[[nodiscard]] Result<std::vector<ObjectChange>> parse_pulled(std::string_view json,
                                                             const std::string& bucket,
                                                             const std::string& prefix);

}  // namespace beringia::backend::gcs
