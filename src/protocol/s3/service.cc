#include "protocol/s3/service.h"

#include <memory>
#include <utility>

#include "access/bucket_access.h"
#include "protocol/s3/access_line.h"
#include "protocol/s3/authenticate.h"
#include "protocol/s3/cors.h"
#include "protocol/s3/error_map.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/website.h"

namespace beringia::protocol::s3 {
namespace {

/// What a body that streams keeps until its last byte is out.
struct OpenExchange {
  Grants grants;
  io::Context context;
};

/// Tells the audit records how the request ended; a body that streams ends them later.
void close_grants(Call& call, io::HttpResponse& response, const std::optional<Error>& error) {
  for (const auto& grant : call.grants) {
    if (!grant) continue;
    grant->note_status(response.status);
    if (error) grant->note_error(*error);
    if (!response.body) grant->finish(call.context);
  }
  if (!response.body || !call.grants[0]) return;
  // Owner: the exchange, until its last byte is out.
  auto open = std::make_shared<OpenExchange>(std::move(call.grants), call.context);
  response.on_finished = [open = std::move(open)](uint64_t bytes, bool complete) {
    for (const auto& grant : open->grants) {
      if (!grant) continue;
      grant->note_bytes(bytes);
      if (!complete) grant->note_error(cancelled("the answer was cut off"));
      grant->finish(open->context);
    }
  };
}

Error not_offered(const Call& call) {
  return not_implemented(call.request.method + " of this kind is not offered");
}

/// A client that says whose bucket it means is not served from another's.
Result<void> check_expected_owner(Call& call) {
  const std::string_view expected = call.header("x-amz-expected-bucket-owner");
  if (expected.empty() || call.route.bucket.empty() || call.route.verb == Verb::kCreateBucket) {
    return {};
  }
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit_one(call.context, core::Action::kList, path));
  call.is_recorded = true;
  BR_TRY(info, call.rooms.names.stat_directory(call.context, grant));
  if (info.record.owner == expected) return {};
  return std::unexpected(
      denied("Access Denied", "the bucket belongs to someone else").with_tag("AccessDenied"));
}

/// S3 user guide, "Requester Pays buckets": who is not the owner says that it would pay. Nobody is
/// billed here; a client that was not told about the cost is refused all the same.
Result<void> check_requester(const Call& call) {
  if (call.route.bucket.empty() || call.principal->is_root()) return {};
  auto path = call.bucket_path();
  if (!path) return {};  // the verb says what is wrong with it
  BR_TRY(view, call.rooms.gate.look(*path));
  if (!view || !view->access->requester_pays || view->owner == call.principal->name()) return {};
  constexpr const char* kOffer = "x-amz-request-payer";
  const bool offers = call.header(kOffer) == "requester" || call.query.get(kOffer) == "requester";
  if (offers && !call.principal->is_anonymous()) return {};
  return std::unexpected(
      denied("Access Denied", "the requester pays for this bucket").with_tag("AccessDenied"));
}

/// Who has no credential gets no further than where something may be open to everyone: the body is
/// not read, and no verb looks at anything.
Result<void> check_anonymous(const Call& call) {
  if (!call.principal->is_anonymous()) return {};
  auto path = call.bucket_path();
  const auto view =
      path ? call.rooms.gate.look(*path) : Result<std::optional<access::BucketView>>{std::nullopt};
  if (view && *view && ((*view)->access->policy || (*view)->access->has_acls())) return {};
  return std::unexpected(
      denied("Access Denied", "the request is not signed").with_tag("AccessDenied"));
}

}  // namespace

Service::Service(core::Namespace& names, core::Gate& gate, identity::Directory& directory,
                 const Clock& clock, Options options, AccessLogs* logs)
    : options_{std::move(options)},
      rooms_{names, gate, directory, clock, signing_keys_, options_, logs} {}

io::HttpResponse Service::handle(const io::Context& context, io::HttpRequest& request) {
  Call call{context, request, rooms_, {}, {}, {}, {}, {}, {}, false, {}, {}, false, false, false};
  const MonotonicTime started = rooms_.clock.monotonic();
  Result<io::HttpResponse> result = process(call);
  std::optional<Error> error;
  if (!result) error = result.error();
  io::HttpResponse response = result                          ? std::move(*result)
                              : call.is_website               ? website_error_response(call, *error)
                              : call.route.verb == Verb::kSts ? sts_error_response(call, *error)
                                                              : error_response(call, *error);
  if (error && !call.is_recorded) {
    const std::string credential =
        call.principal ? call.principal->credential() : claimed_credential(request);
    rooms_.gate.refuse(context, call.door(), credential, request.path, response.status, *error);
  }
  add_cors_headers(call, response);
  close_grants(call, response, error);
  response.headers.add("x-amz-request-id", context.trace_id());
  if (call.route.verb == Verb::kHeadBucket) {
    // Also with 403 and 404: the C++ SDK asks for a bucket that cannot exist.
    if (!response.headers.has("x-amz-bucket-region")) {
      response.headers.add("x-amz-bucket-region", options_.region);
    }
  }
  log_access(call, response, error, started);
  return response;
}

Result<io::HttpResponse> Service::process(Call& call) {
  BR_TRY(is_website, find_website(call));
  if (is_website) return serve_website(call);
  BR_TRY(query, Query::parse(call.request.query));
  call.query = std::move(query);
  BR_TRY(found, route(call.request, call.query, options_.domains));
  call.route = std::move(found);
  // A browser asks before it sends credentials; a form brings its own in the body.
  if (call.route.verb == Verb::kPreflight) return preflight(call);
  if (call.route.verb == Verb::kPostObject) return post_object(call);
  if (call.route.verb == Verb::kSts) return sts(call);
  BR_TRY(authenticate(call));
  BR_TRY(check_anonymous(call));
  BR_TRY(check_requester(call));
  BR_TRY(check_expected_owner(call));
  return dispatch(call);
}

Result<io::HttpResponse> Service::dispatch(Call& call) {
  switch (call.route.verb) {
    case Verb::kListBuckets: return list_buckets(call);
    case Verb::kCreateBucket: return create_bucket(call);
    case Verb::kHeadBucket: return head_bucket(call);
    case Verb::kDeleteBucket: return delete_bucket(call);
    case Verb::kGetBucketLocation: return get_bucket_location(call);
    case Verb::kListObjects:
    case Verb::kListObjectsV2: return list_objects(call);
    case Verb::kListObjectVersions: return list_object_versions(call);
    case Verb::kListMultipartUploads: return list_multipart_uploads(call);
    case Verb::kDeleteObjects: return delete_objects(call);
    case Verb::kGetObject: return get_object(call);
    case Verb::kHeadObject: return head_object(call);
    case Verb::kPutObject: return put_object(call);
    case Verb::kDeleteObject: return delete_object(call);
    case Verb::kCopyObject: return copy_object(call);
    case Verb::kGetObjectAttributes: return get_object_attributes(call);
    case Verb::kGetObjectTagging: return get_object_tagging(call);
    case Verb::kPutObjectTagging: return put_object_tagging(call);
    case Verb::kDeleteObjectTagging: return delete_object_tagging(call);
    case Verb::kCreateMultipartUpload: return create_multipart_upload(call);
    case Verb::kUploadPart: return upload_part(call);
    case Verb::kUploadPartCopy: return upload_part_copy(call);
    case Verb::kCompleteMultipartUpload: return complete_multipart_upload(call);
    case Verb::kAbortMultipartUpload: return abort_multipart_upload(call);
    case Verb::kListParts: return list_parts(call);
    case Verb::kGetSetting: return get_setting(call);
    case Verb::kPutSetting: return put_setting(call);
    case Verb::kDeleteSetting: return delete_setting(call);
    case Verb::kPreflight:
    case Verb::kSts:
    case Verb::kPostObject: break;  // process() has them
    case Verb::kWrongMethod:
      return std::unexpected(
          unsupported("The specified method is not allowed against this resource.")
              .with_tag("MethodNotAllowed"));
    case Verb::kUnsupported: break;
  }
  return std::unexpected(not_offered(call));
}

}  // namespace beringia::protocol::s3
