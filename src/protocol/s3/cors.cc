// The CORS configuration of a bucket, and what follows from it.
#include "protocol/s3/cors.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "access/right.h"
#include "base/encoding.h"
#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

constexpr size_t kMaxCorsBytes = 64 << 10;  // S3 API, PutBucketCors

bool matches_any(const std::vector<std::string>& patterns, std::string_view text,
                 bool ignore_case) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return access::matches_pattern(pattern, text, ignore_case);
  });
}

/// Each of the comma-separated names is allowed.
bool allows_headers(const wire::s3::CorsRule& rule, std::string_view names) {
  while (!names.empty()) {
    std::string_view name = next_list_item(names);
    if (!name.empty() && !matches_any(rule.headers, name, true)) return false;
  }
  return true;
}

/// The first rule that allows it, as S3 takes them in order.
std::optional<wire::s3::CorsRule> rule_for(const Call& call, std::string_view method,
                                           std::string_view wanted_headers) {
  auto path = call.bucket_path();
  if (!path) return std::nullopt;
  const auto view = call.rooms.gate.look(*path);
  if (!view || !*view || (*view)->access->cors.empty()) return std::nullopt;
  auto rules = wire::s3::parse_cors((*view)->access->cors);
  if (!rules) return std::nullopt;
  for (wire::s3::CorsRule& rule : *rules) {
    if (matches_any(rule.origins, call.header("origin"), false) &&
        std::ranges::find(rule.methods, method) != rule.methods.end() &&
        allows_headers(rule, wanted_headers)) {
      return std::move(rule);
    }
  }
  return std::nullopt;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string text;
  for (const std::string& one : texts) {
    if (!text.empty()) text += ", ";
    text += one;
  }
  return text;
}

void add_headers(const Call& call, const wire::s3::CorsRule& rule, io::HttpResponse& response) {
  const bool everyone = std::ranges::find(rule.origins, "*") != rule.origins.end();
  response.headers.add("Access-Control-Allow-Origin",
                       everyone ? "*" : std::string{call.header("origin")});
  response.headers.add("Access-Control-Allow-Methods", joined(rule.methods));
  if (!rule.exposed.empty()) {
    response.headers.add("Access-Control-Expose-Headers", joined(rule.exposed));
  }
  if (rule.max_age_s) {
    response.headers.add("Access-Control-Max-Age", std::to_string(*rule.max_age_s));
  }
  if (!everyone) response.headers.add("Access-Control-Allow-Credentials", "true");
  response.headers.add("Vary",
                       "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
}

}  // namespace

void add_cors_headers(const Call& call, io::HttpResponse& response) {
  if (call.route.bucket.empty() || call.route.verb == Verb::kPreflight ||
      call.header("origin").empty()) {
    return;
  }
  std::string_view method = call.header("access-control-request-method");
  if (method.empty()) method = call.request.method;
  if (const auto rule = rule_for(call, method, "")) add_headers(call, *rule, response);
}

Result<io::HttpResponse> preflight(Call& call) {
  const std::string_view method = call.header("access-control-request-method");
  if (call.header("origin").empty() || method.empty()) {
    return std::unexpected(
        s3_error("BadRequest", "Insufficient information. Origin request header needed."));
  }
  const std::string_view headers = call.header("access-control-request-headers");
  const auto rule = rule_for(call, method, headers);
  if (!rule) {
    return std::unexpected(denied("CORSResponse: This CORS request is not allowed. This is usually "
                                  "because the evalution of Origin, request method / "
                                  "Access-Control-Request-Method or Access-Control-Request-Headers "
                                  "are not whitelisted by the resource's CORS spec.")
                               .with_tag("AccessForbidden"));
  }
  io::HttpResponse response = empty_response(200);
  add_headers(call, *rule, response);
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
