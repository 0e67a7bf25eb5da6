// GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy, GetBucketPolicyStatus.
#include <utility>

#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {

Result<io::HttpResponse> get_bucket_policy(Call& call) {
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  const std::string& policy = attribute_of(info, access::kPolicyAttribute);
  if (policy.empty()) return std::unexpected(not_set(call));
  io::HttpResponse response = empty_response(200);
  response.headers.add("Content-Type", "application/json");
  response.text = policy;
  return response;
}

Result<io::HttpResponse> put_bucket_policy(Call& call) {
  BR_TRY(document, read_document(call, access::kMaxBucketPolicyBytes + 1));
  if (document.size() > access::kMaxBucketPolicyBytes) {
    return std::unexpected(s3_error("PolicyTooLarge", "Policy exceeds the maximum allowed size"));
  }
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(policy, access::BucketPolicy::parse(document, call.route.bucket));
  if (bucket.view.access->block.block_policy && policy.is_public()) {
    return std::unexpected(
        denied("Access Denied", "the public access block refuses public policies")
            .with_tag("AccessDenied"));
  }
  const meta::StringMap changed{{std::string{access::kPolicyAttribute}, document},
                                {std::string{access::kPolicyBucketAttribute}, call.route.bucket}};
  BR_TRY(call.rooms.names.set_directory_attributes(call.context, *bucket.grant, changed));
  return empty_response(204);
}

Result<io::HttpResponse> delete_bucket_policy(Call& call) {
  BR_TRY(bucket, open_bucket(call));
  const meta::StringMap removed{{std::string{access::kPolicyAttribute}, ""},
                                {std::string{access::kPolicyBucketAttribute}, ""}};
  BR_TRY(call.rooms.names.set_directory_attributes(call.context, *bucket.grant, removed));
  return empty_response(204);
}

Result<io::HttpResponse> get_bucket_policy_status(Call& call) {
  BR_TRY(info, read_bucket(call));
  BR_TRY(view, call.rooms.gate.look(info.path));
  const bool is_public =
      view && ((view->access->policy && view->access->policy->is_public()) ||
               (view->access->acl.is_public() && !view->access->block.ignore_acls));
  wire::s3::XmlWriter xml{"PolicyStatus"};
  xml.flag("IsPublic", is_public);
  return xml_response(200, xml.take());
}

}  // namespace beringia::protocol::s3
