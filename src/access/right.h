#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

namespace beringia::access {

enum class Action;

/// A finer thing that a request does. Grants give roles, and so actions; policies of buckets name
/// rights. Each right belongs to one action, so that both speak about the same requests.
enum class Right : uint8_t {
  // of objects
  kReadObject,
  kReadVersion,
  kReadObjectTags,
  kReadVersionTags,
  kReadObjectAcl,
  kReadVersionAcl,
  kReadObjectAttributes,
  kReadVersionAttributes,
  kReadRetention,
  kReadLegalHold,
  kWriteObject,
  kWriteObjectTags,
  kWriteVersionTags,
  kWriteObjectAcl,
  kWriteVersionAcl,
  kWriteRetention,
  kWriteLegalHold,
  kBypassGovernance,
  kRestoreObject,
  kDeleteObject,
  kDeleteVersion,
  kDeleteObjectTags,
  kDeleteVersionTags,
  kAbortUpload,
  kListParts,
  // of buckets
  kListBucket,
  kListVersions,
  kListUploads,
  kReadLocation,
  kCreateBucket,
  kDeleteBucket,
  kReadPolicy,
  kWritePolicy,
  kDeletePolicy,
  kReadPolicyStatus,
  kReadBucketAcl,
  kWriteBucketAcl,
  kReadCors,
  kWriteCors,
  kReadBucketTags,
  kWriteBucketTags,
  kReadPublicAccessBlock,
  kWritePublicAccessBlock,
  kReadOwnership,
  kWriteOwnership,
  kReadVersioning,
  kWriteVersioning,
  kReadLifecycle,
  kWriteLifecycle,
  kReadEncryption,
  kWriteEncryption,
  kReadLockConfiguration,
  kWriteLockConfiguration,
  kReadLogging,
  kWriteLogging,
  kReadNotification,
  kWriteNotification,
  kReadWebsite,
  kWriteWebsite,
  kDeleteWebsite,
  kReadReplication,
  kWriteReplication,
  kReadRequestPayment,
  kWriteRequestPayment,
  kReadAcceleration,
  kWriteAcceleration,
  kReadInventory,
  kWriteInventory,
  kReadMetrics,
  kWriteMetrics,
  kReadAnalytics,
  kWriteAnalytics,
  kReadTiering,
  kWriteTiering,
  /// Administration that has no finer right: a policy covers it only with all rights.
  kAdminister,
};
inline constexpr size_t kRightCount = static_cast<size_t>(Right::kAdminister) + 1;
using Rights = std::bitset<kRightCount>;

/// Whether it is about an object (else about its bucket).
inline bool is_of_object(Right right) { return right <= Right::kListParts; }

/// What a request of which only the action is known does.
Right right_of(Action action);

/// The name in S3's policy language, without "s3:"; "" if it has none.
std::string_view s3_name(Right right);
/// The rights that a pattern without "s3:" ("Get*", "PutObject") stands for; none: no such action.
/// Names compare without case, as Amazon's do.
Rights rights_matching(std::string_view s3_pattern);

/// '*' and '?' as in policies. Linear in the product of the lengths at worst.
bool matches_pattern(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace beringia::access
