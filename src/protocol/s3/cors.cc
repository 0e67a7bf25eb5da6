// The CORS configuration of a bucket, and what follows from it.
#include "protocol/s3/cors.h"

#include <optional>
#include <utility>

#include "access/cors.h"
#include "base/encoding.h"
#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

constexpr size_t kMaxCorsBytes = 64 << 10;  // S3 API, PutBucketCors

/// The headers of the first rule that allows it, as S3 takes them in order.
std::optional<access::CorsHeaders> headers_for(const Call& call, std::string_view method,
                                               std::string_view wanted_headers) {
  auto path = call.bucket_path();
  if (!path) return std::nullopt;
  const auto view = call.rooms.gate.look(*path);
  if (!view || !*view) return std::nullopt;
  return access::cors_headers((*view)->access->cors, call.header("origin"), method, wanted_headers);
}

void add(io::HttpResponse& response, access::CorsHeaders headers) {
  for (auto& [name, value] : headers) response.headers.add(std::move(name), std::move(value));
}

}  // namespace

void add_cors_headers(const Call& call, io::HttpResponse& response) {
  if (call.route.bucket.empty() || call.route.verb == Verb::kPreflight ||
      call.header("origin").empty()) {
    return;
  }
  std::string_view method = call.header("access-control-request-method");
  if (method.empty()) method = call.request.method;
  if (auto headers = headers_for(call, method, "")) add(response, std::move(*headers));
}

Result<io::HttpResponse> preflight(Call& call) {
  const std::string_view method = call.header("access-control-request-method");
  if (call.header("origin").empty() || method.empty()) {
    return std::unexpected(
        s3_error("BadRequest", "Insufficient information. Origin request header needed."));
  }
  const std::string_view headers = call.header("access-control-request-headers");
  auto allowed = headers_for(call, method, headers);
  if (!allowed) {
    return std::unexpected(denied("CORSResponse: This CORS request is not allowed. This is usually "
                                  "because the evalution of Origin, request method / "
                                  "Access-Control-Request-Method or Access-Control-Request-Headers "
                                  "are not whitelisted by the resource's CORS spec.")
                               .with_tag("AccessForbidden"));
  }
  io::HttpResponse response = empty_response(200);
  add(response, std::move(*allowed));
  if (!headers.empty()) {
    response.headers.add("Access-Control-Allow-Headers", ascii_lower(headers));
  }
  call.is_recorded = true;
  call.rooms.gate.answer(call.context, call.door(), call.request.path, 200, "cors");
  return response;
}

Result<io::HttpResponse> get_bucket_cors(Call& call) {
  BR_TRY(info, read_bucket(call));
  const std::string& cors = attribute_of(info, access::kCorsAttribute);
  if (cors.empty()) return std::unexpected(not_set(call));
  return xml_response(200, cors);
}

Result<io::HttpResponse> put_bucket_cors(Call& call) {
  BR_TRY(document, read_document(call, kMaxCorsBytes));
  BR_TRY(rules, wire::s3::parse_cors(document));
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(set_attribute(call, bucket, access::kCorsAttribute, wire::s3::render_cors(rules)));
  return empty_response(200);
}

Result<io::HttpResponse> delete_bucket_cors(Call& call) {
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(set_attribute(call, bucket, access::kCorsAttribute, ""));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3
