#include "protocol/gcs/service.h"

#include <utility>

#include "access/cors.h"
#include "protocol/gcs/authenticate.h"
#include "protocol/gcs/error_map.h"
#include "protocol/gcs/fault_injection.h"
#include "protocol/gcs/oauth.h"
#include "protocol/gcs/query_terms.h"
#include "protocol/gcs/verbs.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

/// Tells the audit records how the request ended; a body that streams ends them later.
void close_grants(Call& call, io::HttpResponse& response, const std::optional<Error>& error) {
  for (const core::Grant& grant : call.grants) {
    grant.note_status(response.status);
    if (error && response.status != 304) grant.note_error(*error);
  }
  if (!response.body) {
    for (const core::Grant& grant : call.grants) grant.finish(call.context);
    return;
  }
  // Owner: the exchange, until its last byte is out.
  auto grants = std::make_shared<std::deque<core::Grant>>(std::move(call.grants));
  response.on_finished = [grants, context = call.context](uint64_t bytes, bool complete) {
    for (const core::Grant& grant : *grants) {
      grant.note_bytes(bytes);
      if (!complete) grant.note_error(cancelled("the answer was cut off"));
      grant.finish(context);
    }
  };
}

/// GCS documentation, "Requester pays": who is not the owner names a project to bill. Nobody is
/// billed here; a client that was not told about the cost is refused all the same.
Result<void> check_requester(const Call& call) {
  if (call.route.bucket.empty() || call.principal->is_root()) return {};
  const access::BucketView* view = call.view_of(call.route.bucket);
  if (view == nullptr || !view->access->requester_pays || view->owner == call.principal->name()) {
    return {};
  }
  const bool offers =
      !call.query.get("userProject").empty() || !call.header("x-goog-user-project").empty();
  if (offers && !call.principal->is_anonymous()) return {};
  return std::unexpected(invalid("Bucket is a requester pays bucket but no user project provided.")
                             .with_tag("required"));
}

/// What a browser asks before it sends the request itself, with its credentials.
Result<io::HttpResponse> preflight(Call& call) {
  const std::string_view method = call.header("Access-Control-Request-Method");
  BR_TRY(found, route(method, call.request.path, call.query));
  call.route = std::move(found);
  const access::BucketView* view =
      call.route.bucket.empty() ? nullptr : call.view_of(call.route.bucket);
  const std::string_view wanted = call.header("Access-Control-Request-Headers");
  auto headers = view == nullptr ? std::nullopt
                                 : access::cors_headers(view->access->cors, call.header("Origin"),
                                                        method, wanted);
  io::HttpResponse response = empty_response(200);  // Google answers so whatever the rules say
  if (headers) {
    for (auto& [name, value] : *headers) response.headers.add(std::move(name), std::move(value));
    if (!wanted.empty()) response.headers.add("Access-Control-Allow-Headers", std::string{wanted});
  }
  call.rooms.gate.answer(call.context, call.door(), call.request.path, 200, "cors");
  return response;
}

/// Lets the web page that asked read the answer, if the bucket's CORS configuration says so.
void add_cors_headers(const Call& call, io::HttpResponse& response) {
  const std::string_view origin = call.header("Origin");
  if (origin.empty() || call.method == "OPTIONS" || call.route.bucket.empty()) return;
  const access::BucketView* view = call.view_of(call.route.bucket);
  if (view == nullptr) return;
  auto headers = access::cors_headers(view->access->cors, origin, call.request.method, "");
  if (!headers) return;
  for (auto& [name, value] : *headers) response.headers.add(std::move(name), std::move(value));
}

/// Batches are of the JSON API, and hold no media.
bool allowed_in_batch(const Route& route) {
  if (route.is_xml) return false;
  switch (route.verb) {
    case Verb::kToken:
    case Verb::kExchangeToken:
    case Verb::kTokenInfo:
    case Verb::kUserInfo:
    case Verb::kRevokeToken:
    case Verb::kGenerateAccessToken:
    case Verb::kGenerateIdToken:
    case Verb::kSignBlob:
    case Verb::kSignJwt:
    case Verb::kKeySet:
    case Verb::kOpenId:
    case Verb::kBatch:
    case Verb::kInsertObject:
    case Verb::kDownloadObject:
    case Verb::kBeginSession:
    case Verb::kUploadChunk:
    case Verb::kCancelSession: return false;
    default: return true;
  }
}

Result<void> select_fields(const Call& call, io::HttpResponse& response) {
  const std::string& fields = call.query.get("fields");
  if (fields.empty() || call.route.is_xml || response.status != 200 || response.text.empty()) {
    return {};
  }
  BR_TRY(selected, wire::gcs::select_fields(response.text, fields));
  response.text = std::move(selected);
  return {};
}

}  // namespace

Service::Service(core::Namespace& names, core::Gate& gate, identity::Directory& directory,
                 core::Operations& operations, const Clock& clock, Options options)
    : faults_{options.fault_injection ? std::make_unique<FaultTests>() : nullptr},
      rooms_{names,
             gate,
             directory,
             clock,
             turns_,
             operations,
             std::move(options.public_url),
             options.customer_keys_over_http,
             options.uniform_access} {
  while (rooms_.public_url.ends_with('/')) rooms_.public_url.pop_back();
  rooms_.token_rate = &token_rate_;
}

io::HttpResponse Service::handle(const io::Context& context, io::HttpRequest& request,
                                 std::string_view door) {
  // gRPC meets its faults before it comes here.
  if (faults_ == nullptr || door != "gcs") return handle_one(context, request, false, door);
  return inject_faults(*faults_, rooms_, context, request,
                       [&] { return handle_one(context, request, false, door); });
}

io::HttpResponse Service::handle_one(const io::Context& context, io::HttpRequest& request,
                                     bool in_batch, std::string_view door) {
  Call call{context, request, rooms_, request.method, {}, {}, {}, {}, {}};
  call.door_name = door;
  call.base_url = base_url_of(request, rooms_.public_url);
  Result<io::HttpResponse> result = process(call, in_batch);
  if (result) {
    if (auto selected = select_fields(call, *result); !selected) {
      result = std::unexpected(std::move(selected).error());
    } else {
      print_pretty(call, *result);
    }
  }
  std::optional<Error> error;
  if (!result) error = result.error();
  io::HttpResponse response = result ? std::move(*result) : error_response(call, *error);
  if (error && !call.principal) {
    rooms_.gate.refuse(context, call.door(), "", request.path, response.status, *error);
  }
  add_cors_headers(call, response);
  close_grants(call, response, error);
  if (!context.trace_id().empty()) {
    response.headers.add("X-GUploader-UploadID", context.trace_id());
  }
  return response;
}

Result<io::HttpResponse> Service::process(Call& call, bool in_batch) {
  const std::string_view override_method = call.header("X-HTTP-Method-Override");
  if (call.method == "POST" && !override_method.empty()) call.method = override_method;
  // Until the route is known, errors are told in the JSON API's form.
  BR_TRY(query, Parameters::parse(call.request.query));
  call.query = std::move(query);
  if (call.method == "OPTIONS" && !call.header("Access-Control-Request-Method").empty()) {
    return preflight(call);
  }
  BR_TRY(found, route(call.method, call.request.path, call.query));
  call.route = std::move(found);
  if (begins_google_upload(call)) call.route.verb = Verb::kBeginSession;
  if (in_batch && !allowed_in_batch(call.route)) {
    return std::unexpected(
        invalid("Only calls of the JSON API without media can be part of a batch"));
  }
  const bool authenticates_itself =
      is_identity(call.route.verb) || call.route.verb == Verb::kBatch;  // each part of a batch
  if (authenticates_itself) BR_TRY(unpack_body(call));
  if (is_identity(call.route.verb)) return handle_identity(call);
  if (call.route.verb == Verb::kBatch) return run_batch(call);
  if (call.route.verb == Verb::kXmlPostForm) return xml_post_form(call);
  BR_TRY(principal, authenticate(call));
  call.principal = std::move(principal);
  BR_TRY(unpack_body(call));
  BR_TRY(check_query(call));
  BR_TRY(check_requester(call));
  return dispatch(call);
}

namespace {

/// The verbs of the XML API, and the refusal of what no API here has.
Result<io::HttpResponse> dispatch_xml(Call& call) {
  switch (call.route.verb) {
    case Verb::kXmlListBuckets: return xml_list_buckets(call);
    case Verb::kXmlListObjects: return xml_list_objects(call);
    case Verb::kXmlHeadBucket: return xml_head_bucket(call);
    case Verb::kXmlBucketSetting: return xml_bucket_setting(call);
    case Verb::kXmlInsertBucket: return xml_insert_bucket(call);
    case Verb::kXmlDeleteBucket: return xml_delete_bucket(call);
    case Verb::kXmlGetObject: return xml_get_object(call);
    case Verb::kXmlPutObject: return xml_put_object(call);
    case Verb::kXmlDeleteObject: return xml_delete_object(call);
    case Verb::kXmlBeginMultipart: return xml_begin_multipart(call);
    case Verb::kXmlUploadPart: return xml_upload_part(call);
    case Verb::kXmlCompleteMultipart: return xml_complete_multipart(call);
    case Verb::kXmlAbortMultipart: return xml_abort_multipart(call);
    case Verb::kXmlListUploads: return xml_list_uploads(call);
    case Verb::kXmlListParts: return xml_list_parts(call);
    case Verb::kXmlBeginSession: return xml_begin_session(call);
    case Verb::kXmlPostForm: return xml_post_form(call);
    default: break;  // of identities, and batches, which authenticate for themselves
  }
  if (call.route.refused.empty()) return std::unexpected(unsupported("This method is not offered"));
  return std::unexpected(unsupported((call.route.is_xml ? "?" : "") +
                                     std::string{call.route.refused} + " is not offered"));
}

}  // namespace

Result<io::HttpResponse> Service::dispatch(Call& call) {
  switch (call.route.verb) {
    case Verb::kInsertBucket: return insert_bucket(call);
    case Verb::kListBuckets: return list_buckets(call);
    case Verb::kGetBucket: return get_bucket(call);
    case Verb::kPatchBucket: return patch_bucket(call);
    case Verb::kDeleteBucket: return delete_bucket(call);
    case Verb::kStorageLayout: return storage_layout(call);
    case Verb::kGetIamPolicy: return get_iam_policy(call);
    case Verb::kSetIamPolicy: return set_iam_policy(call);
    case Verb::kLockRetention: return lock_retention(call);
    case Verb::kBucketAcl: return bucket_acl(call);
    case Verb::kDefaultObjectAcl: return default_object_acl(call);
    case Verb::kObjectAcl: return object_acl(call);
    case Verb::kManagedFolders: return managed_folders(call);
    case Verb::kManagedFolder: return managed_folder(call);
    case Verb::kManagedFolderIam: return managed_folder_iam(call);
    case Verb::kTestFolderPermissions: return test_folder_permissions(call);
    case Verb::kServiceAccount: return service_account(call);
    case Verb::kHmacKeys: return hmac_keys(call);
    case Verb::kHmacKey: return hmac_key(call);
    case Verb::kTestIamPermissions: return test_iam_permissions(call);
    case Verb::kListNotifications: return list_notifications(call);
    case Verb::kInsertNotification: return insert_notification(call);
    case Verb::kGetNotification: return get_notification(call);
    case Verb::kDeleteNotification: return delete_notification(call);
    case Verb::kListObjects: return list_objects(call);
    case Verb::kInsertObject: return insert_object(call);
    case Verb::kGetObject: return get_object(call);
    case Verb::kDownloadObject: return download_object(call);
    case Verb::kPatchObject: return patch_object(call);
    case Verb::kUpdateObject: return update_object(call);
    case Verb::kDeleteObject: return delete_object(call);
    case Verb::kCopyObject:
    case Verb::kRewriteObject: return copy_object(call);
    case Verb::kComposeObject: return compose_object(call);
    case Verb::kMoveObject: return move_object(call);
    case Verb::kFolders: return folders(call);
    case Verb::kFolder: return folder(call);
    case Verb::kRenameFolder: return rename_folder(call);
    case Verb::kDeleteFolderRecursive: return delete_folder_recursive(call);
    case Verb::kBulkRestore: return bulk_restore(call);
    case Verb::kOperations: return list_operations(call);
    case Verb::kOperation: return get_operation(call);
    case Verb::kRestoreObject: return restore_object(call);
    case Verb::kFullContext: return full_context(call);
    case Verb::kRestoreBucket: return restore_bucket(call);
    case Verb::kBeginSession: return begin_session(call);
    case Verb::kUploadChunk: return upload(call);
    case Verb::kCancelSession: return cancel_session(call);
    default: return dispatch_xml(call);
  }
}

}  // namespace beringia::protocol::gcs
