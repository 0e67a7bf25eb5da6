#pragma once

#include "base/error.h"
#include "io/http.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

// One function per verb, each in the file of its name (small families share one). All are given a
// call whose route is set and whose principal is verified.

[[nodiscard]] Result<io::HttpResponse> list_buckets(Call& call);
[[nodiscard]] Result<io::HttpResponse> create_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> head_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_location(Call& call);

[[nodiscard]] Result<io::HttpResponse> list_objects(Call& call);  // V1 and V2
[[nodiscard]] Result<io::HttpResponse> list_object_versions(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_multipart_uploads(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_objects(Call& call);

[[nodiscard]] Result<io::HttpResponse> get_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> head_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> copy_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_object_attributes(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_object_tagging(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_object_tagging(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_object_tagging(Call& call);

[[nodiscard]] Result<io::HttpResponse> create_multipart_upload(Call& call);
[[nodiscard]] Result<io::HttpResponse> upload_part(Call& call);
[[nodiscard]] Result<io::HttpResponse> upload_part_copy(Call& call);
[[nodiscard]] Result<io::HttpResponse> complete_multipart_upload(Call& call);
[[nodiscard]] Result<io::HttpResponse> abort_multipart_upload(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_parts(Call& call);

[[nodiscard]] Result<io::HttpResponse> preflight(Call& call);
[[nodiscard]] Result<io::HttpResponse> post_object(Call& call);
/// Temporary credentials (STS API 2011-06-15). Authenticates by itself: signatures are for service
/// "sts". Errors are told by sts_error_response().
[[nodiscard]] Result<io::HttpResponse> sts(Call& call);
io::HttpResponse sts_error_response(const Call& call, const Error& error);

// subresources, by their setting
[[nodiscard]] Result<io::HttpResponse> get_setting(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_setting(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_setting(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_versioning(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_versioning(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_object_lock(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_object_lock(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_object_retention(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_object_retention(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_object_legal_hold(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_object_legal_hold(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_policy(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_policy(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_bucket_policy(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_policy_status(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_acl(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_acl(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_object_acl(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_object_acl(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_public_access_block(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_public_access_block(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_public_access_block(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_ownership_controls(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_ownership_controls(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_ownership_controls(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_logging(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_logging(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_notification(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_notification(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_website(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_website(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_bucket_website(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_inventory(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_inventory(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_bucket_inventory(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_request_payment(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_request_payment(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_lifecycle(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_lifecycle(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_bucket_lifecycle(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_cors(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_cors(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_bucket_cors(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_encryption(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_encryption(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_bucket_encryption(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket_tagging(Call& call);
[[nodiscard]] Result<io::HttpResponse> put_bucket_tagging(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_bucket_tagging(Call& call);

}  // namespace beringia::protocol::s3
