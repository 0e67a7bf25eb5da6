#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backend/backend.h"
#include "backend/gcs/api_client.h"
#include "backend/gcs/location.h"

namespace beringia::backend::gcs {

/// What a bucket has been set to do, as far as it changes what our calls do or cost (Cloud Storage
/// JSON API, "Buckets").
struct BucketProperties {
  bool complete = false;  ///< false: the bucket may not be read, and only its layout is known
  std::string location;
  std::string location_type;
  std::string storage_class;  ///< of what is written without one
  std::string default_kms_key;
  uint64_t soft_delete_seconds = 0;  ///< 0 = off
  uint64_t retention_seconds = 0;    ///< 0 = none
  bool retention_locked = false;
  bool object_retention = false;  ///< single objects may have a retention
  bool event_hold = false;        ///< on every new object
  bool versioning = false;
  bool requester_pays = false;
  bool uniform_access = false;
  bool hierarchical = false;
  bool autoclass = false;
  bool deletes_by_itself = false;  ///< a lifecycle rule deletes live objects

  /// What is written can not be removed again at once.
  bool keeps_objects() const { return retention_seconds > 0 || event_hold; }
  bool operator==(const BucketProperties&) const = default;
};

/// A bucket resource, or (`complete` false) a storage layout. @error kInvalid: it is neither
[[nodiscard]] Result<BucketProperties> parse_bucket_properties(std::string_view json,
                                                               bool complete);

/// Asks for the bucket, and where that is not allowed for its layout (which needs no more than
/// storage.objects.list). At most two calls of class B.
/// @return nullopt: neither may be read, or the service has neither
/// @error kUnavailable, kBusy, kCancelled; kUnavailable "no_bucket"
[[nodiscard]] Result<std::optional<BucketProperties>> read_bucket_properties(
    const io::Context& context, const ApiClient& api, const Location& at);

/// The same in words, with what follows for who uses the bucket through us.
/// @param pays the project that the backend names to pay for its calls; "" = none
/// @param kms_key the backend's own; "" = none
StoreReport report_of(const std::optional<BucketProperties>& properties, const std::string& pays,
                      const std::string& kms_key);

}  // namespace beringia::backend::gcs
