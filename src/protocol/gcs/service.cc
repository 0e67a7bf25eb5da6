#include "protocol/gcs/service.h"

#include <utility>

#include "protocol/gcs/error_map.h"
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

/// Batches are of the JSON API, and hold no media.
bool allowed_in_batch(const Route& route) {
  if (route.is_xml) return false;
  switch (route.verb) {
    case Verb::kToken:
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
                 const Clock& clock, Options options)
    : rooms_{names,
             gate,
             directory,
             clock,
             turns_,
             std::move(options.public_url),
             options.customer_keys_over_http} {
  while (rooms_.public_url.ends_with('/')) rooms_.public_url.pop_back();
}

io::HttpResponse Service::handle(const io::Context& context, io::HttpRequest& request) {
  return handle_one(context, request, false);
}

io::HttpResponse Service::handle_one(const io::Context& context, io::HttpRequest& request,
                                     bool in_batch) {
  Call call{context, request, rooms_, request.method, {}, {}, {}, {}, {}};
  call.base_url = base_url_of(request, rooms_.public_url);
  Result<io::HttpResponse> result = process(call, in_batch);
  if (result) {
    if (auto selected = select_fields(call, *result); !selected) {
      result = std::unexpected(std::move(selected).error());
    }
  }
  std::optional<Error> error;
  if (!result) error = result.error();
  io::HttpResponse response = result ? std::move(*result) : error_response(call, *error);
  if (error && !call.principal) {
    rooms_.gate.refuse(context, call.door(), "", request.path, response.status, *error);
  }
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
  BR_TRY(found, route(call.method, call.request.path, call.query));
  call.route = std::move(found);
  if (in_batch && !allowed_in_batch(call.route)) {
    return std::unexpected(
        invalid("Only calls of the JSON API without media can be part of a batch"));
  }
  const std::string_view coding = call.header("Content-Encoding");
  if (!call.route.is_xml && !coding.empty() && coding != "identity") {
    // GCS unpacks such bodies on arrival; to store them packed would be another object.
    return std::unexpected(unsupported("Compressed request bodies are not offered",
                                       "Content-Encoding: " + std::string{coding},
                                       "send the body as it is; for objects that are stored "
                                       "compressed set contentEncoding"));
  }
  if (call.route.verb == Verb::kToken) return issue_token(call);
  if (call.route.verb == Verb::kBatch) return run_batch(call);  // each part authenticates
  BR_TRY(principal, authenticate(call));
  call.principal = std::move(principal);
  return dispatch(call);
}

Result<io::HttpResponse> Service::dispatch(Call& call) {
  switch (call.route.verb) {
    case Verb::kInsertBucket: return insert_bucket(call);
    case Verb::kListBuckets: return list_buckets(call);
    case Verb::kGetBucket: return get_bucket(call);
    case Verb::kPatchBucket: return patch_bucket(call);
    case Verb::kDeleteBucket: return delete_bucket(call);
    case Verb::kStorageLayout: return storage_layout(call);
    case Verb::kGetIamPolicy: return get_iam_policy(call);
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
    case Verb::kBeginSession: return begin_session(call);
    case Verb::kUploadChunk: return upload_chunk(call);
    case Verb::kCancelSession: return cancel_session(call);
    case Verb::kXmlListBuckets: return xml_list_buckets(call);
    case Verb::kXmlListObjects: return xml_list_objects(call);
    case Verb::kXmlHeadBucket: return xml_head_bucket(call);
    case Verb::kXmlGetObject: return xml_get_object(call);
    case Verb::kXmlPutObject: return xml_put_object(call);
    case Verb::kXmlDeleteObject: return xml_delete_object(call);
    case Verb::kXmlBeginMultipart: return xml_begin_multipart(call);
    case Verb::kXmlUploadPart: return xml_upload_part(call);
    case Verb::kXmlCompleteMultipart: return xml_complete_multipart(call);
    case Verb::kXmlAbortMultipart: return xml_abort_multipart(call);
    case Verb::kAccessControl:
      return std::unexpected(
          invalid("Cannot use ACL API when uniform bucket-level access is enabled.", "",
                  "grant path prefixes to principals in the estate file"));
    case Verb::kToken:
    case Verb::kBatch:
    case Verb::kUnsupported: break;
  }
  return std::unexpected(unsupported("This method is not offered"));
}

}  // namespace beringia::protocol::gcs
