// The public access block and the ownership controls of a bucket.
#include <utility>

#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {

Result<io::HttpResponse> get_public_access_block(Call& call) {
  BR_TRY(info, read_bucket(call));
  const std::string& text = attribute_of(info, access::kPublicAttribute);
  if (text.empty()) return std::unexpected(not_set(call));
  BR_TRY(block, access::parse_public_access_block(text));
  return xml_response(
      200, wire::s3::render(wire::s3::PublicAccessBlockDocument{
               block.block_acls, block.ignore_acls, block.block_policy, block.restrict_buckets}));
}

Result<io::HttpResponse> put_public_access_block(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(parsed, wire::s3::parse_public_access_block(document));
  BR_TRY(bucket, open_bucket(call));
  const access::PublicAccessBlock block{parsed.block_acls, parsed.ignore_acls, parsed.block_policy,
                                        parsed.restrict_buckets};
  BR_TRY(set_attribute(call, bucket, access::kPublicAttribute, access::encode(block)));
  return empty_response(200);
}

Result<io::HttpResponse> delete_public_access_block(Call& call) {
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(set_attribute(call, bucket, access::kPublicAttribute, ""));
  return empty_response(204);
}

Result<io::HttpResponse> get_ownership_controls(Call& call) {
  BR_TRY(info, read_bucket(call));
  const std::string& ownership = attribute_of(info, access::kOwnershipAttribute);
  if (ownership == access::kNoOwnership) {
    return std::unexpected(not_found("The bucket ownership controls were not found")
                               .with_tag("OwnershipControlsNotFoundError"));
  }
  return xml_response(200, wire::s3::render_ownership_controls(
                               ownership.empty() ? to_string(access::Ownership::kBucketOwner)
                                                 : std::string_view{ownership}));
}

Result<io::HttpResponse> put_ownership_controls(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(text, wire::s3::parse_ownership_controls(document));
  const auto ownership = access::parse_ownership(text);
  if (!ownership) {
    return std::unexpected(s3_error("MalformedXML",
                                    "The XML you provided was not well-formed or did not validate "
                                    "against our published schema"));
  }
  BR_TRY(bucket, open_bucket(call));
  const access::BucketAccess& access = *bucket.view.access;
  if (*ownership == access::Ownership::kBucketOwner && access.has_acls() &&
      access.acl != access::private_acl(bucket.view.owner)) {
    return std::unexpected(
        s3_error("InvalidBucketAclWithObjectOwnership",
                 "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"));
  }
  BR_TRY(set_attribute(call, bucket, access::kOwnershipAttribute, text));
  return empty_response(200);
}

Result<io::HttpResponse> delete_ownership_controls(Call& call) {
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(
      set_attribute(call, bucket, access::kOwnershipAttribute, std::string{access::kNoOwnership}));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3
