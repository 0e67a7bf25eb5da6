#include "protocol/s3/router.h"

#include "base/encoding.h"
#include "protocol/s3/settings.h"

namespace beringia::protocol::s3 {
namespace {

constexpr std::string_view kQueryForm = "application/x-www-form-urlencoded";

Error bad_uri(std::string why) {
  return invalid("Couldn't parse the specified URI.", std::move(why)).with_tag("InvalidURI");
}

std::string_view without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  const bool is_port = colon != std::string_view::npos && host.find(']', colon) == host.npos;
  return is_port ? host.substr(0, colon) : host;
}

bool is_plain(std::string_view text) {
  for (const char c : text) {
    if (c == '%' || static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

/// Decodes the path once; %2F is a slash like any other.
Result<void> read_names(std::string_view path, bool has_bucket, Route& found) {
  if (path.starts_with('/')) path.remove_prefix(1);
  std::string decoded;
  if (!is_plain(path)) {
    auto text = percent_decode(path);
    if (!text) return std::unexpected(bad_uri("a percent escape is not of the form %XX"));
    if (!is_utf8(*text)) return std::unexpected(bad_uri("the path is not UTF-8"));
    decoded = std::move(*text);
    path = decoded;
  }
  if (has_bucket) {
    found.key = path;
    return {};
  }
  const size_t slash = path.find('/');
  found.bucket = path.substr(0, slash);
  if (slash != std::string_view::npos) found.key = path.substr(slash + 1);
  return {};
}

Verb setting_verb(std::string_view method) {
  if (method == "GET") return Verb::kGetSetting;
  if (method == "PUT") return Verb::kPutSetting;
  if (method == "DELETE") return Verb::kDeleteSetting;
  return Verb::kWrongMethod;
}

Verb root_verb(std::string_view method, bool is_query_form) {
  if (method == "GET") return Verb::kListBuckets;
  if (method == "OPTIONS") return Verb::kPreflight;
  if (method == "POST" && is_query_form) return Verb::kSts;
  return Verb::kWrongMethod;
}

Verb bucket_verb(std::string_view method, const Query& query, bool is_form, Route& found) {
  if (method == "OPTIONS") return Verb::kPreflight;
  if (method == "POST") {
    if (query.has("delete")) return Verb::kDeleteObjects;
    return is_form ? Verb::kPostObject : Verb::kUnsupported;
  }
  if (!query.empty()) {
    found.setting = find_setting(query, false);
    if (found.setting != nullptr) return setting_verb(method);
    if (method == "GET") {
      if (query.has("location")) return Verb::kGetBucketLocation;
      if (query.has("uploads")) return Verb::kListMultipartUploads;
      if (query.has("versions")) return Verb::kListObjectVersions;
      if (query.get("list-type") == "2") return Verb::kListObjectsV2;
    }
  }
  if (method == "GET") return Verb::kListObjects;
  if (method == "HEAD") return Verb::kHeadBucket;
  if (method == "PUT") return Verb::kCreateBucket;
  if (method == "DELETE") return Verb::kDeleteBucket;
  return Verb::kWrongMethod;
}

Verb object_subresource(std::string_view method, const Query& query, bool is_copy, Route& found) {
  if (method == "POST") {
    if (query.has("uploads")) return Verb::kCreateMultipartUpload;
    if (query.has("uploadId")) return Verb::kCompleteMultipartUpload;
    return Verb::kUnsupported;  // restore, select
  }
  if (query.has("uploadId")) {
    if (method == "GET") return Verb::kListParts;
    if (method == "DELETE") return Verb::kAbortMultipartUpload;
    if (method == "PUT") return is_copy ? Verb::kUploadPartCopy : Verb::kUploadPart;
  }
  if (query.has("tagging")) {
    if (method == "GET") return Verb::kGetObjectTagging;
    if (method == "PUT") return Verb::kPutObjectTagging;
    if (method == "DELETE") return Verb::kDeleteObjectTagging;
  }
  if (query.has("attributes") && method == "GET") return Verb::kGetObjectAttributes;
  found.setting = find_setting(query, true);
  if (found.setting != nullptr) return setting_verb(method);
  if (query.has("append") || query.has("renameObject")) {
    return Verb::kUnsupported;
  }
  return Verb::kWrongMethod;
}

Verb object_verb(std::string_view method, const Query& query, bool is_copy, Route& found) {
  if (method == "OPTIONS") return Verb::kPreflight;
  if (!query.empty()) {
    const Verb verb = object_subresource(method, query, is_copy, found);
    if (verb != Verb::kWrongMethod || found.setting != nullptr) return verb;
  }
  if (method == "GET") return Verb::kGetObject;
  if (method == "HEAD") return Verb::kHeadObject;
  if (method == "PUT") return is_copy ? Verb::kCopyObject : Verb::kPutObject;
  if (method == "DELETE") return Verb::kDeleteObject;
  if (method == "POST") return Verb::kUnsupported;
  return Verb::kWrongMethod;
}

}  // namespace

std::string bucket_of_host(std::string_view host, const std::vector<std::string>& domains) {
  host = without_port(host);
  for (const std::string& domain : domains) {
    if (host.size() < domain.size() + 2) continue;
    const size_t dot = host.size() - domain.size() - 1;
    if (host[dot] != '.' || !equals_ignoring_case(host.substr(dot + 1), domain)) continue;
    if (host.substr(0, dot).find('/') == std::string_view::npos) {
      return ascii_lower(host.substr(0, dot));
    }
  }
  return {};
}

Result<std::string> key_of_path(std::string_view path) {
  Route found;
  BR_TRY(read_names(path, true, found));
  return std::move(found.key);
}

std::string_view operation_name(const Route& route) {
  switch (route.verb) {
    case Verb::kListBuckets: return "ListBuckets";
    case Verb::kCreateBucket: return "CreateBucket";
    case Verb::kHeadBucket: return "HeadBucket";
    case Verb::kDeleteBucket: return "DeleteBucket";
    case Verb::kGetBucketLocation: return "GetBucketLocation";
    case Verb::kListObjects: return "ListObjects";
    case Verb::kListObjectsV2: return "ListObjectsV2";
    case Verb::kListObjectVersions: return "ListObjectVersions";
    case Verb::kListMultipartUploads: return "ListMultipartUploads";
    case Verb::kDeleteObjects: return "DeleteObjects";
    case Verb::kGetObject: return "GetObject";
    case Verb::kHeadObject: return "HeadObject";
    case Verb::kPutObject: return "PutObject";
    case Verb::kCopyObject: return "CopyObject";
    case Verb::kDeleteObject: return "DeleteObject";
    case Verb::kGetObjectAttributes: return "GetObjectAttributes";
    case Verb::kGetObjectTagging: return "GetObjectTagging";
    case Verb::kPutObjectTagging: return "PutObjectTagging";
    case Verb::kDeleteObjectTagging: return "DeleteObjectTagging";
    case Verb::kCreateMultipartUpload: return "CreateMultipartUpload";
    case Verb::kUploadPart: return "UploadPart";
    case Verb::kUploadPartCopy: return "UploadPartCopy";
    case Verb::kCompleteMultipartUpload: return "CompleteMultipartUpload";
    case Verb::kAbortMultipartUpload: return "AbortMultipartUpload";
    case Verb::kListParts: return "ListParts";
    case Verb::kGetSetting: return route.setting->get_name;
    case Verb::kPutSetting: return route.setting->put_name;
    case Verb::kDeleteSetting: return route.setting->delete_name;
    case Verb::kPostObject: return "PostObject";
    case Verb::kSts: return "Sts";
    case Verb::kPreflight: return "Preflight";
    case Verb::kUnsupported:
    case Verb::kWrongMethod: break;
  }
  return "Unknown";
}

Result<Route> route(const io::HttpRequest& request, const Query& query,
                    const std::vector<std::string>& domains) {
  Route found;
  if (!domains.empty()) {
    found.bucket = bucket_of_host(request.headers.get_or("host", ""), domains);
    found.bucket_in_host = !found.bucket.empty();
  }
  BR_TRY(read_names(request.path, !found.bucket.empty(), found));
  const std::string_view method = request.method;
  // Only a POST to the service or to a bucket is told by it.
  const std::string type = method == "POST" && found.key.empty()
                               ? ascii_lower(request.headers.get_or("content-type", ""))
                               : std::string{};
  if (found.bucket.empty()) {
    found.verb =
        found.key.empty() ? root_verb(method, type.starts_with(kQueryForm)) : Verb::kWrongMethod;
  } else if (found.key.empty()) {
    found.verb = bucket_verb(method, query, type.starts_with("multipart/form-data"), found);
  } else {
    const bool is_copy = method == "PUT" && request.headers.has("x-amz-copy-source");
    found.verb = object_verb(method, query, is_copy, found);
  }
  return found;
}

}  // namespace beringia::protocol::s3
