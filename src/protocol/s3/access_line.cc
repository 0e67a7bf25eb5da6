#include "protocol/s3/access_line.h"

#include <utility>

#include "access/bucket_access.h"
#include "base/encoding.h"
#include "protocol/s3/access_logs.h"
#include "protocol/s3/error_map.h"
#include "protocol/s3/settings.h"

namespace beringia::protocol::s3 {
namespace {

/// S3 user guide, "Server access log format": REST.HTTP_method.resource_type.
std::string_view resource_of(const Route& route) {
  switch (route.verb) {
    case Verb::kListObjectVersions: return "BUCKETVERSIONS";
    case Verb::kListMultipartUploads:
    case Verb::kCreateMultipartUpload: return "UPLOADS";
    case Verb::kUploadPart:
    case Verb::kUploadPartCopy: return "PART";
    case Verb::kCompleteMultipartUpload:
    case Verb::kAbortMultipartUpload:
    case Verb::kListParts: return "UPLOAD";
    case Verb::kDeleteObjects: return "MULTI_OBJECT_DELETE";
    case Verb::kGetBucketLocation: return "LOCATION";
    case Verb::kGetObjectAttributes: return "OBJECT_ATTRIBUTES";
    case Verb::kGetObjectTagging:
    case Verb::kPutObjectTagging:
    case Verb::kDeleteObjectTagging: return "OBJECT_TAGGING";
    case Verb::kPreflight: return "PREFLIGHT";
    default: return route.key.empty() && route.verb != Verb::kPostObject ? "BUCKET" : "OBJECT";
  }
}

std::string setting_resource(std::string_view parameter) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"policy", "BUCKETPOLICY"},
      {"logging", "LOGGING_STATUS"},
      {"requestPayment", "REQUEST_PAYMENT"},
      {"object-lock", "OBJECT_LOCK_CONFIGURATION"},
      {"publicAccessBlock", "PUBLIC_ACCESS_BLOCK"},
      {"ownershipControls", "OWNERSHIP_CONTROLS"},
      {"retention", "OBJECT_LOCK_RETENTION"},
      {"legal-hold", "OBJECT_LOCK_LEGALHOLD"}};
  for (const auto& [name, resource] : kNames) {
    if (name == parameter) return std::string{resource};
  }
  std::string resource;
  for (const char c : parameter) {
    resource += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '-' ? '_' : c;
  }
  return resource;
}

std::string operation_of(const Call& call) {
  const Route& route = call.route;
  std::string method = call.request.method;
  if (route.verb == Verb::kCopyObject || route.verb == Verb::kUploadPartCopy) method = "COPY";
  return (call.is_website ? "WEBSITE." : "REST.") + method + "." +
         (route.setting != nullptr ? setting_resource(route.setting->parameter)
                                   : std::string{resource_of(route)});
}

/// Whoever reads a log shall not be able to send the request again.
std::string without_proofs(std::string_view target) {
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return std::string{target};
  std::string out{target.substr(0, mark + 1)};
  std::string_view query = target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::string_view name = pair.substr(0, pair.find('='));
    const std::string word = ascii_lower(name);
    const bool is_proof =
        word == "x-amz-signature" || word == "signature" || word == "x-amz-security-token";
    out += is_proof ? std::string{name} + "=REDACTED" : std::string{pair};
    if (!query.empty()) out += '&';
  }
  return out;
}

std::optional<uint64_t> object_size(const Call& call, const io::HttpResponse& response) {
  const bool writes = call.route.verb == Verb::kPutObject || call.route.verb == Verb::kUploadPart;
  if (writes) {
    const auto decoded = parse_u64(call.header("x-amz-decoded-content-length"));
    return decoded ? decoded : call.request.content_length;
  }
  if (call.route.verb != Verb::kGetObject && call.route.verb != Verb::kHeadObject) return {};
  const std::string_view range = response.headers.get_or("Content-Range", "");
  const size_t slash = range.rfind('/');
  if (slash != std::string_view::npos) return parse_u64(range.substr(slash + 1));
  return response.status < 300 ? response.content_length : std::nullopt;
}

/// "192.0.2.1" of "192.0.2.1:4711", "::1" of "[::1]:4711".
std::string address_only(std::string_view peer) {
  if (peer.starts_with('[')) return std::string{peer.substr(1, peer.find(']') - 1)};
  return std::string{peer.substr(0, peer.rfind(':'))};
}

/// How the request was signed, also if it was refused.
void add_proof(const Call& call, wire::AccessLogLine& line) {
  const std::string_view header = call.header("authorization");
  const bool in_query = call.query.has("X-Amz-Signature") || call.query.has("Signature");
  if (header.empty() && !in_query) return;
  const bool is_v2 = header.empty() ? call.query.has("Signature") : header.starts_with("AWS ");
  line.signature_version = is_v2 ? "SigV2" : "SigV4";
  line.auth_type = header.empty() ? "QueryString" : "AuthHeader";
}

wire::AccessLogLine line_of(const Call& call, const io::HttpResponse& response,
                            const std::optional<Error>& error) {
  wire::AccessLogLine line;
  line.time = call.rooms.clock.wall();
  line.remote_ip = address_only(call.request.peer_address);
  if (call.principal && !call.principal->is_anonymous()) line.requester = call.principal->name();
  line.request_id = line.host_id = call.context.trace_id();
  line.operation = operation_of(call);
  line.key = call.route.key;
  line.request_uri = call.request.method + " " + without_proofs(call.request.target) + " HTTP/1.1";
  line.status = response.status;
  if (error) line.error_code = wire_error_of(*error).code;
  line.object_size = object_size(call, response);
  line.referer = call.header("referer");
  line.user_agent = call.header("user-agent");
  line.version_id = response.headers.get_or("x-amz-version-id", call.query.get("versionId"));
  line.host = call.header("host");
  add_proof(call, line);
  return line;
}

}  // namespace

void log_access(const Call& call, io::HttpResponse& response, const std::optional<Error>& error,
                MonotonicTime started) {
  AccessLogs* logs = call.rooms.logs;
  if (logs == nullptr || call.route.bucket.empty()) return;
  const auto path = call.bucket_path();
  if (!path) return;
  const auto view = call.rooms.gate.look(*path);
  if (!view || !*view || !(*view)->access->logging) return;
  LoggedBucket bucket{std::string{path->bucket()}, (*view)->owner, *(*view)->access->logging};
  wire::AccessLogLine line = line_of(call, response, error);
  line.bucket_owner = bucket.owner;
  line.bucket = bucket.name;
  const Clock& clock = call.rooms.clock;
  line.turn_around = clock.monotonic() - started;
  response.on_finished = [logs, &clock, started, bucket = std::move(bucket), line = std::move(line),
                          before = std::move(response.on_finished)](uint64_t bytes, bool complete) {
    if (before) before(bytes, complete);
    wire::AccessLogLine ended = line;
    if (bytes != 0) ended.bytes_sent = bytes;
    ended.total_time = clock.monotonic() - started;
    logs->add(bucket, ended.time, wire::render(ended));
  };
}

}  // namespace beringia::protocol::s3
