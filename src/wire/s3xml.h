#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "wire/lifecycle.h"

namespace beringia::wire::s3 {

// XML of the S3 API. Requests are parsed with bounds on size, depth and nodes and without a DTD;
// answers are rendered into one string each (at most 1,000 rows).

// Bounds of request documents.
inline constexpr size_t kMaxXmlBytes = 4 << 20;  // 10,000 parts with checksums; 1,000 long keys
inline constexpr size_t kMaxXmlDepth = 16;
inline constexpr size_t kMaxDeleteKeys = 1000;  // S3 API, DeleteObjects
inline constexpr size_t kMaxListedParts = 10'000;
inline constexpr size_t kMaxTags = 10;
inline constexpr size_t kMaxBucketTags = 50;

using Tags = std::vector<std::pair<std::string, std::string>>;

struct CompletedPart {
  uint32_t number = 0;
  std::string etag;                                            // without quotes
  std::vector<std::pair<std::string, std::string>> checksums;  // "crc32" -> base64
};
struct DeleteRequest {
  struct Key {
    std::string key;
    std::string version_id;
    std::string etag;                   // "" = any
    std::optional<Timestamp> modified;  // LastModifiedTime
    std::optional<uint64_t> size;
  };
  std::vector<Key> keys;
  bool quiet = false;
};

// @error kInvalid, tag MalformedXML
[[nodiscard]] Result<std::vector<CompletedPart>> parse_complete_upload(const std::string& xml);
[[nodiscard]] Result<DeleteRequest> parse_delete(const std::string& xml);
/// The LocationConstraint; "" if there is none (also for an empty body).
[[nodiscard]] Result<std::string> parse_create_bucket(const std::string& xml);
/// ObjectLockConfiguration. Without a mode: no default retention.
struct LockConfiguration {
  std::string mode;  // "", "GOVERNANCE", "COMPLIANCE"
  uint64_t count = 0;
  bool in_years = false;
};
/// @error also tag InvalidRetentionPeriod
[[nodiscard]] Result<LockConfiguration> parse_lock_configuration(const std::string& xml);
std::string render(const LockConfiguration& lock);
struct Retention {
  std::string mode;  // as LockConfiguration::mode; "" takes it off
  Timestamp until;
};
[[nodiscard]] Result<Retention> parse_retention(const std::string& xml);
/// ON or OFF
[[nodiscard]] Result<bool> parse_legal_hold(const std::string& xml);
struct VersioningRequest {
  bool enabled = false;  // else suspended
  bool mfa_delete = false;
};
/// @error also tag IllegalVersioningConfigurationException: it does not say which
[[nodiscard]] Result<VersioningRequest> parse_versioning(const std::string& xml);
[[nodiscard]] Result<Tags> parse_tagging(const std::string& xml);

/// ServerSideEncryptionConfiguration: its one rule.
struct DefaultEncryption {
  std::string algorithm;  // "AES256", "aws:kms", "aws:kms:dsse"
  std::string key_id;     // "" = none named
  bool bucket_key = false;
};
[[nodiscard]] Result<DefaultEncryption> parse_default_encryption(const std::string& xml);
std::string render(const DefaultEncryption& encryption);
/// S3's rules for a tag set: objects have up to kMaxTags, buckets up to kMaxBucketTags.
/// @error kInvalid, tag InvalidTag or BadRequest
[[nodiscard]] Result<void> check_tags(const Tags& tags, size_t most = kMaxTags);

/// Streams elements; text is escaped so that the document is always well-formed XML 1.0: control
/// characters that XML 1.0 cannot hold in any form become U+FFFD (clients that need such keys ask
/// for encoding-type=url).
class XmlWriter {
 public:
  static constexpr std::string_view kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

  /// Starts the document with `root`.
  explicit XmlWriter(std::string_view root, bool with_namespace = true);
  XmlWriter& open(std::string_view name);
  XmlWriter& open_with(std::string_view name, std::string_view attributes);  // already escaped
  XmlWriter& close();
  XmlWriter& text(std::string_view name, std::string_view value);
  XmlWriter& number(std::string_view name, uint64_t value);
  XmlWriter& flag(std::string_view name, bool value);
  XmlWriter& time(std::string_view name, Timestamp value);
  /// Closes what is open. The writer is empty afterwards.
  std::string take();

 private:
  std::string out_;
  std::vector<std::string> open_;
};
void append_xml_escaped(std::string& out, std::string_view text);

struct Owner {
  std::string id;
  std::string name;
};

struct ListedObject {
  std::string key;
  Timestamp modified;
  std::string etag;  // without quotes
  uint64_t size = 0;
  std::string storage_class;
  std::string checksum_algorithm;  // "" = none
  std::string checksum_type;
  Owner owner;
  // ListObjectVersions
  std::string version_id;
  bool is_latest = false;
  bool is_marker = false;
};

/// ListObjects, ListObjectsV2 and ListObjectVersions.
struct ObjectList {
  enum class Form { kV1, kV2, kVersions } form = Form::kV2;
  std::string bucket, prefix, delimiter, start_after, marker, continuation_token;
  std::string version_id_marker;
  std::optional<std::string> next;  // marker, token or key marker
  std::string next_version_id;      // "" = all versions of that key were shown
  bool has_start_after = false, has_token = false;
  bool url_encoded = false, with_owner = false, truncated = false;
  uint64_t max_keys = 1000;
  std::vector<ListedObject> objects;
  std::vector<std::string> prefixes;
};
std::string render(const ObjectList& list);

struct ListedBucket {
  std::string name;
  Timestamp created;
  std::string region;
};
std::string render_buckets(const Owner& owner, const std::vector<ListedBucket>& buckets,
                           std::string_view prefix, std::string_view next_token);

struct ListedPart {
  uint32_t number = 0;
  Timestamp modified;
  std::string etag;
  uint64_t size = 0;
  std::vector<std::pair<std::string, std::string>> checksums;
};
struct PartList {
  std::string bucket, key, upload_id, storage_class, checksum_algorithm, checksum_type;
  Owner owner, initiator;
  uint64_t marker = 0, max_parts = 1000;
  bool truncated = false;
  std::vector<ListedPart> parts;
};
std::string render(const PartList& list);

struct ListedUpload {
  std::string key, upload_id, storage_class, checksum_algorithm, checksum_type;
  Owner owner;
  Timestamp started;
};
struct UploadList {
  std::string bucket, prefix, delimiter, key_marker, upload_id_marker;
  std::string next_key_marker, next_upload_id_marker;
  uint64_t max_uploads = 1000;
  bool truncated = false, url_encoded = false;
  std::vector<ListedUpload> uploads;
  std::vector<std::string> prefixes;
};
std::string render(const UploadList& list);

struct DeleteOutcome {
  std::string key, version_id;
  std::string marker_version_id;  // of the delete marker that was set or removed
  std::string code, message;      // code "" = deleted
};
std::string render_delete_result(const std::vector<DeleteOutcome>& outcomes, bool quiet);

struct ErrorBody {
  std::string code, message, resource, request_id, host_id;
  std::vector<std::pair<std::string, std::string>> details;  // further elements
};
std::string render(const ErrorBody& error);

std::string render_tagging(const Tags& tags);

/// An access control list as it stands in XML and in x-amz-grant-* headers.
struct AclDocument {
  struct Grant {
    std::string type;  // "CanonicalUser", "Group", "AmazonCustomerByEmail"
    std::string id;    // the user's id, the group's URI, the address
    std::string permission;
  };
  Owner owner;
  std::vector<Grant> grants;
};
inline constexpr size_t kMaxAclGrants = 100;
std::string render(const AclDocument& acl);
/// @error kInvalid, tags MalformedXML, MalformedACLError
[[nodiscard]] Result<AclDocument> parse_acl(const std::string& xml);

/// PublicAccessBlockConfiguration: switches in the order in which S3 documents them.
struct PublicAccessBlockDocument {
  bool block_acls = false, ignore_acls = false, block_policy = false, restrict_buckets = false;
};
std::string render(const PublicAccessBlockDocument& block);
[[nodiscard]] Result<PublicAccessBlockDocument> parse_public_access_block(const std::string& xml);

/// The ObjectOwnership of OwnershipControls. @error kInvalid, tag MalformedXML
[[nodiscard]] Result<std::string> parse_ownership_controls(const std::string& xml);
std::string render_ownership_controls(std::string_view ownership);

/// One rule of a CORSConfiguration.
struct CorsRule {
  std::string id;
  std::vector<std::string> origins, methods, headers, exposed;
  std::optional<uint64_t> max_age_s;
};
inline constexpr size_t kMaxCorsRules = 100;  // S3 API, PutBucketCors
/// @error kInvalid, tags MalformedXML, InvalidRequest
[[nodiscard]] Result<std::vector<CorsRule>> parse_cors(const std::string& xml);
std::string render_cors(const std::vector<CorsRule>& rules);

/// The Payer of RequestPaymentConfiguration: Requester or BucketOwner.
/// @error kInvalid, tag MalformedXML
[[nodiscard]] Result<std::string> parse_request_payment(const std::string& xml);

/// LifecycleConfiguration. A rule without an ID has got one.
/// @error kInvalid, tags MalformedXML, InvalidArgument, InvalidRequest, InvalidTag
[[nodiscard]] Result<Lifecycle> parse_lifecycle(const std::string& xml);
/// Whether S3 has a form for what the rule says. It may have come through another door.
bool is_told_by_s3(const LifecycleRule& rule);
/// Without the rules that S3 cannot tell.
std::string render_lifecycle(const Lifecycle& lifecycle);

/// Element names of checksums: "crc32" -> "ChecksumCRC32".
std::string_view checksum_element(std::string_view algorithm);

}  // namespace beringia::wire::s3
