#include "protocol/s3/settings.h"

#include "protocol/s3/call.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

#define BR_S3_NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

// S3 API reference: the code that GET of each subresource answers when it was never set.
constexpr Setting kSettings[] = {
    {"acl", false, "GetBucketAcl", "PutBucketAcl", "DeleteBucketAcl", "", "", ""},
    {"acl", true, "GetObjectAcl", "PutObjectAcl", "DeleteObjectAcl", "", "", ""},
    {"versioning", false, "GetBucketVersioning", "PutBucketVersioning", "DeleteBucketVersioning",
     "", "", "<VersioningConfiguration" BR_S3_NAMESPACE "/>"},
    {"policy", false, "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy",
     "NoSuchBucketPolicy", "The bucket policy does not exist", ""},
    {"policyStatus", false, "GetBucketPolicyStatus", "PutBucketPolicyStatus",
     "DeleteBucketPolicyStatus", "NoSuchBucketPolicy", "The bucket policy does not exist", ""},
    {"cors", false, "GetBucketCors", "PutBucketCors", "DeleteBucketCors", "NoSuchCORSConfiguration",
     "The CORS configuration does not exist", ""},
    {"lifecycle", false, "GetBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration",
     "DeleteBucketLifecycle", "NoSuchLifecycleConfiguration",
     "The lifecycle configuration does not exist", ""},
    {"encryption", false, "GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption",
     "ServerSideEncryptionConfigurationNotFoundError",
     "The server side encryption configuration was not found", ""},
    {"tagging", false, "GetBucketTagging", "PutBucketTagging", "DeleteBucketTagging",
     "NoSuchTagSet", "The TagSet does not exist", ""},
    {"website", false, "GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite",
     "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration",
     ""},
    {"replication", false, "GetBucketReplication", "PutBucketReplication",
     "DeleteBucketReplication", "ReplicationConfigurationNotFoundError",
     "The replication configuration was not found", ""},
    {"object-lock", false, "GetObjectLockConfiguration", "PutObjectLockConfiguration",
     "DeleteObjectLockConfiguration", "ObjectLockConfigurationNotFoundError",
     "Object Lock configuration does not exist for this bucket", ""},
    {"publicAccessBlock", false, "GetPublicAccessBlock", "PutPublicAccessBlock",
     "DeletePublicAccessBlock", "NoSuchPublicAccessBlockConfiguration",
     "The public access block configuration was not found", ""},
    {"ownershipControls", false, "GetBucketOwnershipControls", "PutBucketOwnershipControls",
     "DeleteBucketOwnershipControls", "", "",
     "<OwnershipControls" BR_S3_NAMESPACE
     "><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>"},
    {"logging", false, "GetBucketLogging", "PutBucketLogging", "DeleteBucketLogging", "", "",
     "<BucketLoggingStatus" BR_S3_NAMESPACE "/>"},
    {"notification", false, "GetBucketNotificationConfiguration",
     "PutBucketNotificationConfiguration", "DeleteBucketNotificationConfiguration", "", "",
     "<NotificationConfiguration" BR_S3_NAMESPACE "/>"},
    {"accelerate", false, "GetBucketAccelerateConfiguration", "PutBucketAccelerateConfiguration",
     "DeleteBucketAccelerateConfiguration", "", "",
     "<AccelerateConfiguration" BR_S3_NAMESPACE "/>"},
    {"requestPayment", false, "GetBucketRequestPayment", "PutBucketRequestPayment",
     "DeleteBucketRequestPayment", "", "",
     "<RequestPaymentConfiguration" BR_S3_NAMESPACE
     "><Payer>BucketOwner</Payer></RequestPaymentConfiguration>"},
    {"inventory", false, "ListBucketInventoryConfigurations", "PutBucketInventoryConfiguration",
     "DeleteBucketInventoryConfiguration", "", "",
     "<ListInventoryConfigurationsResult" BR_S3_NAMESPACE
     "><IsTruncated>false</IsTruncated></ListInventoryConfigurationsResult>"},
    {"metrics", false, "ListBucketMetricsConfigurations", "PutBucketMetricsConfiguration",
     "DeleteBucketMetricsConfiguration", "", "",
     "<ListMetricsConfigurationsResult" BR_S3_NAMESPACE
     "><IsTruncated>false</IsTruncated></ListMetricsConfigurationsResult>"},
    {"analytics", false, "ListBucketAnalyticsConfigurations", "PutBucketAnalyticsConfiguration",
     "DeleteBucketAnalyticsConfiguration", "", "",
     "<ListBucketAnalyticsConfigurationResult" BR_S3_NAMESPACE
     "><IsTruncated>false</IsTruncated></ListBucketAnalyticsConfigurationResult>"},
    {"intelligent-tiering", false, "ListBucketIntelligentTieringConfigurations",
     "PutBucketIntelligentTieringConfiguration", "DeleteBucketIntelligentTieringConfiguration", "",
     "",
     "<ListBucketIntelligentTieringConfigurationsOutput" BR_S3_NAMESPACE
     "><IsTruncated>false</IsTruncated></ListBucketIntelligentTieringConfigurationsOutput>"},
    {"torrent", true, "GetObjectTorrent", "PutObjectTorrent", "DeleteObjectTorrent", "NoSuchKey",
     "The specified key does not exist.", ""},
    {"retention", true, "GetObjectRetention", "PutObjectRetention", "DeleteObjectRetention",
     "NoSuchObjectLockConfiguration",
     "The specified object does not have a ObjectLock configuration", ""},
    {"legal-hold", true, "GetObjectLegalHold", "PutObjectLegalHold", "DeleteObjectLegalHold",
     "NoSuchObjectLockConfiguration",
     "The specified object does not have a ObjectLock configuration", ""},
};

#undef BR_S3_NAMESPACE

/// ACLs are off, as in a bucket with the ownership "BucketOwnerEnforced".
Result<io::HttpResponse> put_acl(Call& call) {
  const std::string_view canned = call.header("x-amz-acl");
  if (canned == "private" || canned == "bucket-owner-full-control") return empty_response(200);
  return std::unexpected(s3_error("AccessControlListNotSupported", "The bucket does not allow ACLs",
                                  "access is granted on path prefixes in the estate file"));
}

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
  wire::s3::Owner owner;
  if (setting.of_object) {
    BR_TRY(path, call.object_path());
    BR_TRY(grant, call.admit(core::Action::kRead, path));
    BR_TRY(entry, call.rooms.names.stat(call.context, *grant));
    owner = {entry.record.owner, entry.record.owner};
  } else {
    BR_TRY(path, call.bucket_path());
    BR_TRY(grant, call.admit(core::Action::kList, path));
    BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
    owner = {info.record.owner, info.record.owner};
  }
  if (!setting.missing_code.empty()) {
    return std::unexpected(not_found(std::string{setting.missing_message})
                               .with_tag(std::string{setting.missing_code}));
  }
  if (setting.parameter == "acl") return xml_response(200, wire::s3::render_acl(owner));
  if (call.query.has("id")) {
    return std::unexpected(
        not_found("The specified configuration does not exist.").with_tag("NoSuchConfiguration"));
  }
  return xml_response(
      200, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + std::string{setting.document});
}

Result<io::HttpResponse> put_setting(Call& call) {
  const Setting& setting = *call.route.setting;
  BR_TRY(path, setting.of_object ? call.object_path() : call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  if (setting.of_object) {
    BR_TRY(call.rooms.names.stat(call.context, *grant));
  } else {
    BR_TRY(call.rooms.names.stat_directory(call.context, *grant));
  }
  if (setting.parameter == "acl") return put_acl(call);
  return std::unexpected(
      unsupported("A header you provided implies functionality that is not "
                  "implemented",
                  std::string{setting.put_name} + " is not offered"));
}

/// What was never set is gone already.
Result<io::HttpResponse> delete_setting(Call& call) {
  const Setting& setting = *call.route.setting;
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
