#include "protocol/s3/error_map.h"

#include <algorithm>

#include "wire/s3xml.h"

namespace beringia::protocol::s3 {
namespace {

constexpr int kRetryAfterSeconds = 1;
// As nginx and others answer when the caller went away; nobody reads it.
constexpr WireError kGone{400, "RequestTimeout",
                          "Your socket connection to the server was not read from or written to "
                          "within the timeout period."};

/// Tags of the rooms below, and S3's own codes (as wire and this room use them for tags). Codes
/// that are not named here answer 400.
struct Row {
  std::string_view tag;
  WireError wire;
};
constexpr Row kRows[] = {
    // tags of core, io and backend
    {"no_bucket", {404, "NoSuchBucket", "The specified bucket does not exist"}},
    {"no_upload",
     {404, "NoSuchUpload",
      "The specified multipart upload does not exist. The upload ID might be invalid, or the "
      "multipart upload might have been aborted or completed."}},
    {"not_modified", {304, "NotModified", ""}},
    {"precondition",
     {412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"}},
    {"race",
     {409, "ConditionalRequestConflict",
      "The conditional request cannot succeed due to a conflicting operation against this "
      "resource."}},
    {"owned",
     {409, "BucketAlreadyOwnedByYou",
      "Your previous request to create the named bucket succeeded and you already own it."}},
    {"foreign",
     {409, "BucketAlreadyExists",
      "The requested bucket name is not available. The bucket namespace is shared by all users of "
      "the system. Please select a different name and try again."}},
    {"not_empty", {409, "BucketNotEmpty", "The bucket you tried to delete is not empty"}},
    {"checksum_mismatch",
     {400, "BadDigest",
      "The Content-MD5 or checksum you specified did not match what we received"}},
    {"size_mismatch",
     {400, "IncompleteBody",
      "You did not provide the number of bytes specified by the Content-Length HTTP header"}},
    {"incomplete_body",
     {400, "IncompleteBody",
      "You did not provide the number of bytes specified by the Content-Length HTTP header"}},
    {"too_slow", kGone},
    {"too_large", {400, "MaxMessageLengthExceeded", "Your request was too large."}},
    {"bad_part",
     {400, "InvalidPart",
      "One or more of the specified parts could not be found. The part may not have been uploaded, "
      "or the specified entity tag may not match the part's entity tag."}},
    {"bad_part_number", {400, "InvalidArgument", ""}},
    // S3 User Guide, "Using server-side encryption with customer-provided keys".
    {"customer_key_needed",
     {400, "InvalidRequest",
      "The object was stored using a form of Server Side Encryption. The correct parameters must "
      "be provided to retrieve the object."}},
    {"customer_key_unneeded",
     {400, "InvalidRequest", "The encryption parameters are not applicable to this object."}},
    {"customer_key_wrong",
     {400, "InvalidRequest",
      "The provided encryption parameters did not match the ones used originally."}},
    {"no_key", {400, "KMS.NotFoundException", ""}},
    {"no_space", {507, "InsufficientStorage", "The storage behind this bucket is full"}},
    // S3's own codes
    {"AccessDenied", {403, "AccessDenied", ""}},
    {"InvalidAccessKeyId",
     {403, "InvalidAccessKeyId",
      "The AWS Access Key Id you provided does not exist in our records."}},
    {"SignatureDoesNotMatch",
     {403, "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your "
      "key and signing method."}},
    {"InvalidToken",
     {400, "InvalidToken", "The provided token is malformed or otherwise invalid."}},
    {"ExpiredToken", {400, "ExpiredToken", "The provided token has expired."}},
    {"RequestTimeTooSkewed", {403, "RequestTimeTooSkewed", ""}},
    {"InvalidRange", {416, "InvalidRange", "The requested range is not satisfiable"}},
    {"InvalidPartNumber",
     {416, "InvalidPartNumber", "The requested partnumber is not satisfiable"}},
    {"MissingContentLength",
     {411, "MissingContentLength", "You must provide the Content-Length HTTP header."}},
    {"MethodNotAllowed",
     {405, "MethodNotAllowed", "The specified method is not allowed against this resource."}},
    {"NotImplemented", {501, "NotImplemented", ""}},
    {"locked", {403, "AccessDenied", "Access Denied because object protected by object lock."}},
    {"no_lock", {400, "InvalidRequest", "Bucket is missing Object Lock Configuration"}},
    {"locked_bucket",
     {409, "InvalidBucketState",
      "An Object Lock configuration needs versioning, and versioning cannot be suspended where one "
      "is present."}},
    {"no_version", {404, "NoSuchVersion", "The specified version does not exist."}},
    {"NoSuchVersion", {404, "NoSuchVersion", "The specified version does not exist."}},
    {"AccessForbidden", {403, "AccessForbidden", ""}},
    {"InvalidBucketAclWithObjectOwnership", {400, "InvalidBucketAclWithObjectOwnership", ""}},
};

WireError by_code(const Error& error) {
  switch (error.code()) {
    case Code::kNotFound: return {404, "NoSuchKey", "The specified key does not exist."};
    case Code::kAlreadyExists: return {409, "OperationAborted", ""};
    case Code::kDenied: return {403, "AccessDenied", ""};
    case Code::kInvalid: return {400, "InvalidArgument", ""};
    // A lost race changed nothing: the client may repeat the request.
    case Code::kConflict:
    case Code::kBusy: return {503, "SlowDown", "Please reduce your request rate."};
    case Code::kUnavailable: return {503, "ServiceUnavailable", ""};
    case Code::kUnsupported: return {501, "NotImplemented", ""};
    case Code::kCancelled: return kGone;
    case Code::kCorrupt:
    case Code::kInternal:
      return {500, "InternalError", "We encountered an internal error. Please try again."};
  }
  return {500, "InternalError", ""};
}

}  // namespace

WireError wire_error_of(const Error& error) {
  const std::string& tag = error.tag();
  if (tag.empty()) return by_code(error);
  for (const Row& row : kRows) {
    if (row.tag == tag) return row.wire;
  }
  WireError wire = by_code(error);
  // S3's codes are words in capitals; other rooms' tags are not, and say no more than the code.
  if (tag[0] >= 'A' && tag[0] <= 'Z') {
    wire.code = tag;
    wire.message = {};
  }
  return wire;
}

std::string message_of(const Error& error, const WireError& wire) {
  if (!wire.message.empty()) return std::string{wire.message};
  return error.why().empty() ? error.what() : error.what() + ": " + error.why();
}

io::HttpResponse error_response(const Call& call, const Error& error) {
  const WireError wire = wire_error_of(error);
  io::HttpResponse response;
  response.status = wire.status;
  if (wire.status == 304) return response;
  for (const auto& [name, value] : call.error_headers) response.headers.add(name, value);
  if (wire.status == 503) response.headers.add("Retry-After", std::to_string(kRetryAfterSeconds));
  const bool is_range = wire.code == "InvalidRange" && call.object_size;
  if (is_range) {
    response.headers.add("Content-Range", "bytes */" + std::to_string(*call.object_size));
  }
  response.headers.add("Content-Type", "application/xml");
  if (call.request.method == "HEAD") return response;
  wire::s3::ErrorBody body;
  body.code = wire.code;
  body.message = message_of(error, wire);
  body.resource = call.request.path;
  body.request_id = call.context.trace_id();
  body.host_id = call.context.trace_id();
  if (!call.route.bucket.empty()) body.details.emplace_back("BucketName", call.route.bucket);
  if (!call.route.key.empty()) body.details.emplace_back("Key", call.route.key);
  if (is_range) {
    body.details.emplace_back("RangeRequested", call.header("range"));
    body.details.emplace_back("ActualObjectSize", std::to_string(*call.object_size));
  }
  // For whoever has to find out what a client signs differently; it holds no secret.
  if (wire.code == "SignatureDoesNotMatch") {
    body.details.emplace_back("CanonicalRequest", error.why());
  }
  response.text = wire::s3::render(body);
  return response;
}

}  // namespace beringia::protocol::s3
