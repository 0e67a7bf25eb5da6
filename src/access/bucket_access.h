#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/acl.h"
#include "access/bucket_policy.h"
#include "access/iam_policy.h"
#include "base/error.h"
#include "wire/bucket_logging.h"
#include "wire/lifecycle.h"
#include "wire/website.h"

namespace beringia::access {

// Attributes of a bucket's directory that decide about access. They move and vanish with it.
inline constexpr std::string_view kAccessAttributes = "access-";  // what all of them begin with
inline constexpr std::string_view kPolicyAttribute = "access-policy";
/// The name of the bucket when the policy was set: its resources are of that name.
inline constexpr std::string_view kPolicyBucketAttribute = "access-policy-bucket";
inline constexpr std::string_view kAclAttribute = "access-acl";
inline constexpr std::string_view kOwnershipAttribute = "access-ownership";
inline constexpr std::string_view kNoOwnership = "none";           // its value when it was deleted
inline constexpr std::string_view kCorsAttribute = "access-cors";  // S3's XML
/// As wire::encode(Lifecycle). Decides nothing, but stands at hand where it is looked at.
inline constexpr std::string_view kLifecycleAttribute = "access-lifecycle";
/// As wire::encode(BucketLogging).
inline constexpr std::string_view kLoggingAttribute = "access-logging";
/// "1": who is not the owner must offer to pay, see S3's GetBucketRequestPayment.
inline constexpr std::string_view kRequesterPaysAttribute = "access-requester-pays";
/// As wire::encode(Website).
inline constexpr std::string_view kWebsiteAttribute = "access-website";
/// As encode(Acl): what objects get whose writer names no list (GCS: default object ACL).
inline constexpr std::string_view kDefaultAclAttribute = "access-default-acl";
inline constexpr std::string_view kIamAttribute = "access-iam";  // as IamPolicy::text()
/// The bucket's name when it was set: conditions speak of resources of that name.
inline constexpr std::string_view kIamBucketAttribute = "access-iam-bucket";
/// What attributes of managed folders begin with (GCS): the name of the folder follows, with its
/// '/', and the value is as IamPolicy::text().
inline constexpr std::string_view kFolderAttribute = "access-folder:";
inline constexpr size_t kMaxManagedFolders = 200;  // of one bucket: they stand in its row
/// As core::encode(BucketRetention).
inline constexpr std::string_view kRetentionAttribute = "access-retention";
inline constexpr std::string_view kPublicAttribute = "access-public-block";  // of four '0' or '1'

/// Who owns what others write into a bucket, and whether access control lists hold.
enum class Ownership : uint8_t {
  kBucketOwner,           ///< lists are off; also of buckets that never said
  kBucketOwnerPreferred,  ///< the bucket's owner, if the writer gives it full control
  kWriter,                ///< who wrote it
};
std::string_view to_string(Ownership ownership);  // S3's words
std::optional<Ownership> parse_ownership(std::string_view text);

/// Public access block: the four switches.
struct PublicAccessBlock {
  bool block_acls = false;
  bool ignore_acls = false;
  bool block_policy = false;
  bool restrict_buckets = false;
  bool operator==(const PublicAccessBlock&) const = default;
};
std::string encode(const PublicAccessBlock& block);
/// Of the attribute; "" = nothing blocked. @error kCorrupt
[[nodiscard]] Result<PublicAccessBlock> parse_public_access_block(std::string_view text);

/// The access settings of one bucket, compiled. Immutable.
struct BucketAccess {
  std::optional<BucketPolicy> policy;
  Ownership ownership = Ownership::kBucketOwner;
  Acl acl;                         // only where lists hold
  std::optional<Acl> default_acl;  // likewise
  std::optional<IamPolicy> iam;
  std::map<std::string, IamPolicy> folders;  // managed folders and what they give below them
  std::string retention;                     // "" = none
  PublicAccessBlock block;
  std::string cors;  // which web pages may ask; "" = none
  // Null = none, or damaged: policy, which executes it, says so. Owners: copies of these settings.
  std::shared_ptr<const wire::Lifecycle> lifecycle;
  std::optional<wire::BucketLogging> logging;  // absent too if it is damaged
  bool requester_pays = false;
  // Null = none, or damaged. Owners: copies of these settings and requests that look at them.
  std::shared_ptr<const wire::Website> website;

  bool has_acls() const { return ownership != Ownership::kBucketOwner; }
};

/// @param owner  of the bucket: who has everything in a list that was never set
/// @error kCorrupt: an attribute is damaged
[[nodiscard]] Result<BucketAccess> compile_bucket_access(
    const std::map<std::string, std::string>& attributes, const std::string& owner);

}  // namespace beringia::access
