#include "access/bucket_access.h"

#include <utility>

namespace beringia::access {
namespace {

const std::string& attribute(const std::map<std::string, std::string>& attributes,
                             std::string_view name) {
  static const std::string kNone;
  const auto found = attributes.find(std::string{name});
  return found == attributes.end() ? kNone : found->second;
}

Error damaged(std::string_view name) {
  return corrupt("reading the access settings of a bucket",
                 "its " + std::string{name} + " is damaged", "set it again as root");
}

}  // namespace

std::string_view to_string(Ownership ownership) {
  switch (ownership) {
    case Ownership::kBucketOwner: return "BucketOwnerEnforced";
    case Ownership::kBucketOwnerPreferred: return "BucketOwnerPreferred";
    case Ownership::kWriter: return "ObjectWriter";
  }
  return "BucketOwnerEnforced";
}

std::optional<Ownership> parse_ownership(std::string_view text) {
  for (const Ownership one :
       {Ownership::kBucketOwner, Ownership::kBucketOwnerPreferred, Ownership::kWriter}) {
    if (text == to_string(one)) return one;
  }
  return std::nullopt;
}

std::string encode(const PublicAccessBlock& block) {
  std::string text;
  for (const bool one :
       {block.block_acls, block.ignore_acls, block.block_policy, block.restrict_buckets}) {
    text += one ? '1' : '0';
  }
  return text;
}

Result<PublicAccessBlock> parse_public_access_block(std::string_view text) {
  if (text.empty()) return PublicAccessBlock{};
  if (text.size() != 4 || text.find_first_not_of("01") != std::string_view::npos) {
    return std::unexpected(damaged(kPublicAttribute));
  }
  return PublicAccessBlock{text[0] == '1', text[1] == '1', text[2] == '1', text[3] == '1'};
}

Result<BucketAccess> compile_bucket_access(const std::map<std::string, std::string>& attributes,
                                           const std::string& owner) {
  BucketAccess access;
  BR_TRY(block, parse_public_access_block(attribute(attributes, kPublicAttribute)));
  access.block = block;
  if (const std::string& text = attribute(attributes, kOwnershipAttribute); !text.empty()) {
    // The controls were deleted: as at S3, lists hold then.
    const auto ownership =
        text == kNoOwnership ? std::optional{Ownership::kWriter} : parse_ownership(text);
    if (!ownership) return std::unexpected(damaged(kOwnershipAttribute));
    access.ownership = *ownership;
  }
  if (const std::string& text = attribute(attributes, kPolicyAttribute); !text.empty()) {
    auto policy = BucketPolicy::parse(text, attribute(attributes, kPolicyBucketAttribute));
    if (!policy) return std::unexpected(damaged(kPolicyAttribute));
    access.policy = std::move(*policy);
  }
  if (const std::string& text = attribute(attributes, kIamAttribute); !text.empty()) {
    auto iam = IamPolicy::parse(text, attribute(attributes, kIamBucketAttribute));
    if (!iam) return std::unexpected(damaged(kIamAttribute));
    access.iam = std::move(*iam);
  }
  for (const auto& [name, text] : attributes) {
    if (!name.starts_with(kFolderAttribute)) continue;
    auto iam = IamPolicy::parse(text, attribute(attributes, kIamBucketAttribute));
    if (!iam) return std::unexpected(damaged(kFolderAttribute));
    access.folders.emplace(name.substr(kFolderAttribute.size()), std::move(*iam));
  }
  access.retention = attribute(attributes, kRetentionAttribute);
  access.cors = attribute(attributes, kCorsAttribute);
  if (const std::string& text = attribute(attributes, kLifecycleAttribute); !text.empty()) {
    if (auto lifecycle = wire::decode_lifecycle(text)) {
      access.lifecycle = std::make_shared<const wire::Lifecycle>(std::move(*lifecycle));
    }
  }
  if (const std::string& text = attribute(attributes, kLoggingAttribute); !text.empty()) {
    if (auto logging = wire::decode_bucket_logging(text)) access.logging = std::move(*logging);
  }
  if (const std::string& text = attribute(attributes, kWebsiteAttribute); !text.empty()) {
    if (auto website = wire::decode_website(text)) {
      access.website = std::make_shared<const wire::Website>(std::move(*website));
    }
  }
  access.requester_pays = !attribute(attributes, kRequesterPaysAttribute).empty();
  access.acl = private_acl(owner);
  if (const std::string& text = attribute(attributes, kAclAttribute);
      !text.empty() && access.has_acls()) {
    BR_TRY(acl, parse_acl(text));
    access.acl = std::move(acl);
  }
  if (const std::string& text = attribute(attributes, kDefaultAclAttribute);
      !text.empty() && access.has_acls()) {
    BR_TRY(acl, parse_acl(text));
    access.default_acl = std::move(acl);
  }
  return access;
}

}  // namespace beringia::access
