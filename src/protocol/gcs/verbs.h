#pragma once

#include "base/error.h"
#include "io/http.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

// One function per verb, each in the file of its name (small families share one). All are given a
// call whose route is set and, but for the endpoints of tokens, whose principal is verified.

[[nodiscard]] Result<io::HttpResponse> issue_token(Call& call);
[[nodiscard]] Result<io::HttpResponse> exchange_token(Call& call);
[[nodiscard]] Result<io::HttpResponse> token_info(Call& call);
[[nodiscard]] Result<io::HttpResponse> user_info(Call& call);
[[nodiscard]] Result<io::HttpResponse> revoke_token(Call& call);
[[nodiscard]] Result<io::HttpResponse> generate_access_token(Call& call);
[[nodiscard]] Result<io::HttpResponse> generate_id_token(Call& call);
[[nodiscard]] Result<io::HttpResponse> sign_blob(Call& call);
[[nodiscard]] Result<io::HttpResponse> sign_jwt(Call& call);
[[nodiscard]] Result<io::HttpResponse> key_set(Call& call);  // of this instance, or of an account
[[nodiscard]] Result<io::HttpResponse> open_id(Call& call);

[[nodiscard]] Result<io::HttpResponse> insert_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_buckets(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> patch_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> restore_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> storage_layout(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_iam_policy(Call& call);
[[nodiscard]] Result<io::HttpResponse> set_iam_policy(Call& call);
[[nodiscard]] Result<io::HttpResponse> test_iam_permissions(Call& call);
[[nodiscard]] Result<io::HttpResponse> lock_retention(Call& call);
[[nodiscard]] Result<io::HttpResponse> bucket_acl(Call& call);          // the list, or one entity
[[nodiscard]] Result<io::HttpResponse> default_object_acl(Call& call);  // likewise
[[nodiscard]] Result<io::HttpResponse> object_acl(Call& call);          // likewise
[[nodiscard]] Result<io::HttpResponse> managed_folders(Call& call);     // list, create
[[nodiscard]] Result<io::HttpResponse> managed_folder(Call& call);      // get, update, delete
[[nodiscard]] Result<io::HttpResponse> managed_folder_iam(Call& call);  // get, set
[[nodiscard]] Result<io::HttpResponse> test_folder_permissions(Call& call);
[[nodiscard]] Result<io::HttpResponse> folders(Call& call);  // list, create
[[nodiscard]] Result<io::HttpResponse> folder(Call& call);   // get, delete
[[nodiscard]] Result<io::HttpResponse> rename_folder(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_folder_recursive(Call& call);
[[nodiscard]] Result<io::HttpResponse> bulk_restore(Call& call);
[[nodiscard]] Result<io::HttpResponse> list_operations(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_operation(Call& call);  // and cancel
[[nodiscard]] Result<io::HttpResponse> service_account(Call& call);
[[nodiscard]] Result<io::HttpResponse> hmac_keys(Call& call);  // list, create
[[nodiscard]] Result<io::HttpResponse> hmac_key(Call& call);   // get, update, delete
[[nodiscard]] Result<io::HttpResponse> list_notifications(Call& call);
[[nodiscard]] Result<io::HttpResponse> insert_notification(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_notification(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_notification(Call& call);

[[nodiscard]] Result<io::HttpResponse> list_objects(Call& call);
[[nodiscard]] Result<io::HttpResponse> insert_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> get_soft_deleted(Call& call);  // get, softDeleted=true
[[nodiscard]] Result<io::HttpResponse> restore_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> full_context(Call& call);
[[nodiscard]] Result<io::HttpResponse> download_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> patch_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> update_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> delete_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> copy_object(Call& call);  // copyTo and rewriteTo
[[nodiscard]] Result<io::HttpResponse> compose_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> move_object(Call& call);

[[nodiscard]] Result<io::HttpResponse> begin_session(Call& call);
[[nodiscard]] Result<io::HttpResponse> upload_chunk(Call& call);
[[nodiscard]] Result<io::HttpResponse> cancel_session(Call& call);
/// Whether an upload without uploadType begins a session by X-Goog-Upload-Protocol and -Command.
bool begins_google_upload(const Call& call);
/// What that dialect adds to the answer that begins a session.
void add_google_upload(io::HttpResponse& response);
/// On the address of a session: upload_chunk, or what X-Goog-Upload-Command says.
[[nodiscard]] Result<io::HttpResponse> upload(Call& call);

[[nodiscard]] Result<io::HttpResponse> xml_list_buckets(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_list_objects(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_head_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_bucket_setting(Call& call);  // get, put
[[nodiscard]] Result<io::HttpResponse> xml_insert_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_delete_bucket(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_get_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_put_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_delete_object(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_begin_multipart(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_upload_part(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_complete_multipart(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_abort_multipart(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_list_uploads(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_list_parts(Call& call);
[[nodiscard]] Result<io::HttpResponse> xml_begin_session(Call& call);
/// Authenticates itself: its fields hold the proof.
[[nodiscard]] Result<io::HttpResponse> xml_post_form(Call& call);

}  // namespace beringia::protocol::gcs
