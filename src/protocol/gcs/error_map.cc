#include "protocol/gcs/error_map.h"

#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/xml_text.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

constexpr int kRetryAfterSeconds = 1;

WireError denied_error(const std::string& tag) {
  if (tag == "anonymous") return {401, "required", "AuthenticationRequired"};
  if (tag == "invalid_token") return {401, "authError", "AuthenticationRequired"};
  if (tag == "bad_signature") return {403, "forbidden", "SignatureDoesNotMatch"};
  if (tag == "expired_url") return {400, "invalid", "ExpiredToken"};
  if (tag == "locked") return {403, "forbidden", "AccessDenied"};
  if (tag == "encryption_refused") return {412, "conditionNotMet", "PreconditionFailed"};
  return {403, "forbidden", "AccessDenied"};
}

WireError conflict_error(const std::string& tag) {
  if (tag == "not_modified") return {304, "notModified", "NotModified"};
  if (tag == "precondition" || tag == "not_allowed_now") {
    return {412, "conditionNotMet", "PreconditionFailed"};
  }
  if (tag == "locked_bucket") return {400, "invalid", "InvalidArgument"};
  // A lost race changed nothing: the client may repeat the request.
  return {503, "backendError", "ServiceUnavailable"};
}

WireError invalid_error(const std::string& tag) {
  if (tag == "range") return {416, "requestedRangeNotSatisfiable", "InvalidRange"};
  if (tag == "too_large") return {413, "uploadTooLarge", "EntityTooLarge"};
  if (tag == "above_range") return {400, "invalid", "EntityTooLarge"};
  if (tag == "below_range") return {400, "invalid", "EntityTooSmall"};
  if (tag == "checksum_mismatch") return {400, "invalid", "BadDigest"};
  if (tag == "required") return {400, "required", "InvalidArgument"};
  if (tag == "bad_part") return {400, "invalid", "InvalidPart"};
  return {400, "invalid", "InvalidArgument"};
}

WireError not_found_error(const std::string& tag) {
  if (tag == "no_bucket") return {404, "notFound", "NoSuchBucket"};
  if (tag == "no_upload" || tag == "foreign_upload") return {404, "notFound", "NoSuchUpload"};
  return {404, "notFound", "NoSuchKey"};
}

std::string message_of(const Call& call, const Error& error, const WireError& wire) {
  const Route& route = call.route;
  if (error.tag() == "not_allowed_now") return error.what();
  if (error.tag() == "encryption_refused") return error.what() + ": " + error.why();
  if (wire.status == 412) return "At least one of the pre-conditions you specified did not hold.";
  if (error.code() == Code::kNotFound && error.tag() == "no_bucket") {
    return "The specified bucket does not exist.";
  }
  if (error.code() == Code::kNotFound && error.tag().empty() && !route.object.empty()) {
    return "No such object: " + route.bucket + "/" + route.object;
  }
  if (wire.status == 403 && call.principal && error.tag() != "locked") {
    return call.principal->name() + " does not have " + std::string{operation_name(route.verb)} +
           " access to the Google Cloud Storage resource. Permission denied on resource (or it "
           "may not exist).";
  }
  std::string message = error.why().empty() ? error.what() : error.what() + ": " + error.why();
  // What clients look for in answers to bad tokens.
  constexpr std::string_view kBadToken = "Invalid Credentials";
  if (wire.status == 401 && error.tag() == "invalid_token" && !message.starts_with(kBadToken)) {
    message.insert(0, std::string{kBadToken} + ": ");
  }
  return message;
}

std::string json_of(const WireError& wire, std::string message) {
  wire::gcs::ErrorBody body;
  body.code = wire.status;
  body.message = std::move(message);
  body.reason = wire.reason;
  if (wire.status == 412) {
    body.location = "If-Match";
    body.location_type = "header";
  } else if (wire.status == 401) {
    body.location = "Authorization";
    body.location_type = "header";
  }
  return wire::gcs::render(body);
}

/// Google's reasons around customer-supplied keys, by tag. JSON API, "Error codes": all are 400.
struct KeyRow {
  std::string_view tag;
  WireError wire;
};
const KeyRow kKeyRows[] = {
    {"customer_key_needed",
     {400, "resourceIsEncryptedWithCustomerEncryptionKey",
      "ResourceIsEncryptedWithCustomerEncryptionKey"}},
    {"customer_key_unneeded",
     {400, "resourceNotEncryptedWithCustomerEncryptionKey",
      "ResourceNotEncryptedWithCustomerEncryptionKey"}},
    {"customer_key_wrong",
     {400, "customerEncryptionKeyIsIncorrect", "CustomerEncryptionKeyIsIncorrect"}},
    {kBadAlgorithm, {400, kBadAlgorithm, "CustomerEncryptionAlgorithmIsInvalid"}},
    {kBadKey, {400, kBadKey, "CustomerEncryptionKeyFormatIsInvalid"}},
    {kBadDigest, {400, kBadDigest, "CustomerEncryptionKeySha256IsInvalid"}},
};

}  // namespace

WireError wire_error_of(const Error& error) {
  const std::string& tag = error.tag();
  for (const KeyRow& row : kKeyRows) {
    if (row.tag == tag) return row.wire;
  }
  switch (error.code()) {
    case Code::kNotFound: return not_found_error(tag);
    case Code::kAlreadyExists:
      return {409, "conflict", tag == "not_empty" ? "BucketNotEmpty" : "BucketAlreadyExists"};
    case Code::kDenied: return denied_error(tag);
    case Code::kInvalid: return invalid_error(tag);
    case Code::kConflict: return conflict_error(tag);
    case Code::kBusy: return {503, "backendError", "ServiceUnavailable"};
    case Code::kUnavailable:
      if (tag == "no_space") return {507, "insufficientStorage", "InsufficientStorage"};
      return {503, "backendError", "ServiceUnavailable"};
    case Code::kUnsupported:
      if (tag == "method") return {405, "methodNotAllowed", "MethodNotAllowed"};
      return {501, "notImplemented", "NotImplemented"};
    case Code::kCancelled: return {503, "backendError", "ServiceUnavailable"};
    case Code::kCorrupt:
    case Code::kInternal: return {500, "backendError", "InternalError"};
  }
  return {500, "backendError", "InternalError"};
}

io::HttpResponse error_response(const Call& call, const Error& error) {
  WireError wire = wire_error_of(error);
  if (wire.status == 403 && call.principal && call.principal->is_anonymous()) {
    wire = denied_error("anonymous");
  }
  io::HttpResponse response;
  if (wire.status == 304) {
    response.status = 304;
    return response;
  }
  std::string message = message_of(call, error, wire);
  if (call.route.is_xml) {
    response = xml_response(wire.status, render_xml_error(wire.xml_code, message));
  } else {
    response = json_response(wire.status, json_of(wire, std::move(message)));
  }
  if (wire.status == 401) {
    response.headers.add("WWW-Authenticate", "Bearer realm=\"https://accounts.google.com/\"");
  }
  if (wire.status == 503) response.headers.add("Retry-After", std::to_string(kRetryAfterSeconds));
  return response;
}

}  // namespace beringia::protocol::gcs
