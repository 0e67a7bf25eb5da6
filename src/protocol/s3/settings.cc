#include "protocol/s3/settings.h"

#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

using access::Right;

#define BR_S3_NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

// S3 API reference: the code that GET of each subresource answers when it was never set.
constexpr Setting kSettings[] = {
    {"acl", false, "GetBucketAcl", "PutBucketAcl", "DeleteBucketAcl", "", "", "",
     Right::kReadBucketAcl, Right::kWriteBucketAcl, Right::kWriteBucketAcl, get_bucket_acl,
     put_bucket_acl, nullptr},
    {"acl", true, "GetObjectAcl", "PutObjectAcl", "DeleteObjectAcl", "", "", "",
     Right::kReadObjectAcl, Right::kWriteObjectAcl, Right::kWriteObjectAcl, get_object_acl,
     put_object_acl, nullptr},
    {"versioning", false, "GetBucketVersioning", "PutBucketVersioning", "DeleteBucketVersioning",
     "", "", "", Right::kReadVersioning, Right::kWriteVersioning, Right::kWriteVersioning,
     get_bucket_versioning, put_bucket_versioning, nullptr},
    {"policy", false, "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy",
     "NoSuchBucketPolicy", "The bucket policy does not exist", "", Right::kReadPolicy,
     Right::kWritePolicy, Right::kDeletePolicy, get_bucket_policy, put_bucket_policy,
     delete_bucket_policy},
    {"policyStatus", false, "GetBucketPolicyStatus", "PutBucketPolicyStatus",
     "DeleteBucketPolicyStatus", "NoSuchBucketPolicy", "The bucket policy does not exist", "",
     Right::kReadPolicyStatus, Right::kAdminister, Right::kAdminister, get_bucket_policy_status,
     nullptr, nullptr},
    {"cors", false, "GetBucketCors", "PutBucketCors", "DeleteBucketCors", "NoSuchCORSConfiguration",
     "The CORS configuration does not exist", "", Right::kReadCors, Right::kWriteCors,
     Right::kWriteCors, get_bucket_cors, put_bucket_cors, delete_bucket_cors},
    {"lifecycle", false, "GetBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration",
     "DeleteBucketLifecycle", "NoSuchLifecycleConfiguration",
     "The lifecycle configuration does not exist", "", Right::kReadLifecycle,
     Right::kWriteLifecycle, Right::kWriteLifecycle, get_bucket_lifecycle, put_bucket_lifecycle,
     delete_bucket_lifecycle},
    {"encryption", false, "GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption",
     "ServerSideEncryptionConfigurationNotFoundError",
     "The server side encryption configuration was not found", "", Right::kReadEncryption,
     Right::kWriteEncryption, Right::kWriteEncryption, get_bucket_encryption, put_bucket_encryption,
     delete_bucket_encryption},
    {"tagging", false, "GetBucketTagging", "PutBucketTagging", "DeleteBucketTagging",
     "NoSuchTagSet", "The TagSet does not exist", "", Right::kReadBucketTags,
     Right::kWriteBucketTags, Right::kWriteBucketTags, get_bucket_tagging, put_bucket_tagging,
     delete_bucket_tagging},
    {"website", false, "GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite",
     "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration", "",
     Right::kReadWebsite, Right::kWriteWebsite, Right::kDeleteWebsite, get_bucket_website,
     put_bucket_website, delete_bucket_website},
    {"replication", false, "GetBucketReplication", "PutBucketReplication",
     "DeleteBucketReplication", "ReplicationConfigurationNotFoundError",
     "The replication configuration was not found", "", Right::kReadReplication,
     Right::kWriteReplication, Right::kWriteReplication},
    {"object-lock", false, "GetObjectLockConfiguration", "PutObjectLockConfiguration",
     "DeleteObjectLockConfiguration", "ObjectLockConfigurationNotFoundError",
     "Object Lock configuration does not exist for this bucket", "", Right::kReadLockConfiguration,
     Right::kWriteLockConfiguration, Right::kWriteLockConfiguration, get_object_lock,
     put_object_lock, nullptr},
    {"publicAccessBlock", false, "GetPublicAccessBlock", "PutPublicAccessBlock",
     "DeletePublicAccessBlock", "NoSuchPublicAccessBlockConfiguration",
     "The public access block configuration was not found", "", Right::kReadPublicAccessBlock,
     Right::kWritePublicAccessBlock, Right::kWritePublicAccessBlock, get_public_access_block,
     put_public_access_block, delete_public_access_block},
    {"ownershipControls", false, "GetBucketOwnershipControls", "PutBucketOwnershipControls",
     "DeleteBucketOwnershipControls", "", "",
     "<OwnershipControls" BR_S3_NAMESPACE
     "><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
     Right::kReadOwnership, Right::kWriteOwnership, Right::kWriteOwnership, get_ownership_controls,
     put_ownership_controls, delete_ownership_controls},
    {"logging", false, "GetBucketLogging", "PutBucketLogging", "DeleteBucketLogging", "", "",
     "<BucketLoggingStatus" BR_S3_NAMESPACE "/>", Right::kReadLogging, Right::kWriteLogging,
     Right::kWriteLogging, get_bucket_logging, put_bucket_logging, nullptr},
    {"notification", false, "GetBucketNotificationConfiguration",
     "PutBucketNotificationConfiguration", "DeleteBucketNotificationConfiguration", "", "",
     "<NotificationConfiguration" BR_S3_NAMESPACE "/>", Right::kReadNotification,
     Right::kWriteNotification, Right::kWriteNotification, get_bucket_notification,
     put_bucket_notification, nullptr},
    {"accelerate", false, "GetBucketAccelerateConfiguration", "PutBucketAccelerateConfiguration",
     "DeleteBucketAccelerateConfiguration", "", "", "<AccelerateConfiguration" BR_S3_NAMESPACE "/>",
     Right::kReadAcceleration, Right::kWriteAcceleration, Right::kWriteAcceleration},
    {"requestPayment", false, "GetBucketRequestPayment", "PutBucketRequestPayment",
     "DeleteBucketRequestPayment", "", "",
     "<RequestPaymentConfiguration" BR_S3_NAMESPACE
     "><Payer>BucketOwner</Payer></RequestPaymentConfiguration>",
     Right::kReadRequestPayment, Right::kWriteRequestPayment, Right::kWriteRequestPayment,
     get_request_payment, put_request_payment, nullptr},
    {"inventory", false, "ListBucketInventoryConfigurations", "PutBucketInventoryConfiguration",
     "DeleteBucketInventoryConfiguration", "", "",
     "<ListInventoryConfigurationsResult" BR_S3_NAMESPACE
     "><IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>",
     Right::kReadInventory, Right::kWriteInventory, Right::kWriteInventory, get_bucket_inventory,
     put_bucket_inventory, delete_bucket_inventory},
    {"metrics", false, "ListBucketMetricsConfigurations", "PutBucketMetricsConfiguration",
     "DeleteBucketMetricsConfiguration", "", "",
     "<ListMetricsConfigurationsResult" BR_S3_NAMESPACE
     "><IsTruncated>false</IsTruncated></ListMetricsConfigurationsResult>",
     Right::kReadMetrics, Right::kWriteMetrics, Right::kWriteMetrics},
    {"analytics", false, "ListBucketAnalyticsConfigurations", "PutBucketAnalyticsConfiguration",
     "DeleteBucketAnalyticsConfiguration", "", "",
     "<ListBucketAnalyticsConfigurationResult" BR_S3_NAMESPACE
     "><IsTruncated>false</IsTruncated></ListBucketAnalyticsConfigurationResult>",
     Right::kReadAnalytics, Right::kWriteAnalytics, Right::kWriteAnalytics},
    {"intelligent-tiering", false, "ListBucketIntelligentTieringConfigurations",
     "PutBucketIntelligentTieringConfiguration", "DeleteBucketIntelligentTieringConfiguration", "",
     "",
     "<ListBucketIntelligentTieringConfigurationsOutput" BR_S3_NAMESPACE
     "><IsTruncated>false</IsTruncated></ListBucketIntelligentTieringConfigurationsOutput>",
     Right::kReadTiering, Right::kWriteTiering, Right::kWriteTiering},
    {"torrent", true, "GetObjectTorrent", "PutObjectTorrent", "DeleteObjectTorrent", "NoSuchKey",
     "The specified key does not exist.", "", Right::kReadObject, Right::kAdminister,
     Right::kAdminister},
    {"retention", true, "GetObjectRetention", "PutObjectRetention", "DeleteObjectRetention",
     "NoSuchObjectLockConfiguration",
     "The specified object does not have a ObjectLock configuration", "", Right::kReadRetention,
     Right::kWriteRetention, Right::kWriteRetention, get_object_retention, put_object_retention,
     nullptr},
    {"legal-hold", true, "GetObjectLegalHold", "PutObjectLegalHold", "DeleteObjectLegalHold",
     "NoSuchObjectLockConfiguration",
     "The specified object does not have a ObjectLock configuration", "", Right::kReadLegalHold,
     Right::kWriteLegalHold, Right::kWriteLegalHold, get_object_legal_hold, put_object_legal_hold,
     nullptr},
};

#undef BR_S3_NAMESPACE

}  // namespace

const Setting* find_setting(const Query& query, bool of_object) {
  for (const auto& [name, value] : query.items()) {
    for (const Setting& setting : kSettings) {
      if (setting.of_object == of_object && setting.parameter == name) return &setting;
    }
  }
  return nullptr;
}

Result<io::HttpResponse> get_setting(Call& call) {
  const Setting& setting = *call.route.setting;
  if (setting.get != nullptr) return setting.get(call);
  if (setting.of_object) {
    BR_TRY(path, call.object_path());
    BR_TRY(grant, call.admit(core::Action::kRead, path));
    BR_TRY(call.rooms.names.stat(call.context, *grant));
  } else {
    BR_TRY(read_bucket(call));
  }
  if (!setting.missing_code.empty()) return std::unexpected(not_set(call));
  if (call.query.has("id")) {
    return std::unexpected(
        not_found("The specified configuration does not exist.").with_tag("NoSuchConfiguration"));
  }
  return xml_response(
      200, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + std::string{setting.document});
}

Result<io::HttpResponse> put_setting(Call& call) {
  const Setting& setting = *call.route.setting;
  if (setting.put != nullptr) return setting.put(call);
  BR_TRY(path, setting.of_object ? call.object_path() : call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  if (setting.of_object) {
    BR_TRY(call.rooms.names.stat(call.context, *grant));
  } else {
    BR_TRY(call.rooms.names.stat_directory(call.context, *grant));
  }
  return std::unexpected(
      unsupported("A header you provided implies functionality that is not "
                  "implemented",
                  std::string{setting.put_name} + " is not offered"));
}

/// What was never set is gone already.
Result<io::HttpResponse> delete_setting(Call& call) {
  const Setting& setting = *call.route.setting;
  if (setting.remove != nullptr) return setting.remove(call);
  BR_TRY(path, setting.of_object ? call.object_path() : call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  if (setting.of_object || setting.parameter == "acl" || setting.missing_code.empty()) {
    return std::unexpected(unsupported("The specified method is not allowed against this resource.")
                               .with_tag("MethodNotAllowed"));
  }
  BR_TRY(call.rooms.names.stat_directory(call.context, *grant));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3
