#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/http.h"
#include "protocol/s3/query.h"

namespace beringia::protocol::s3 {

struct Setting;

/// What a request asks for. One file per verb (or per small family of verbs).
enum class Verb {
  kListBuckets,
  // buckets
  kCreateBucket,
  kHeadBucket,
  kDeleteBucket,
  kGetBucketLocation,
  kListObjects,
  kListObjectsV2,
  kListObjectVersions,
  kListMultipartUploads,
  kDeleteObjects,
  // objects
  kGetObject,
  kHeadObject,
  kPutObject,
  kCopyObject,
  kDeleteObject,
  kGetObjectAttributes,
  kGetObjectTagging,
  kPutObjectTagging,
  kDeleteObjectTagging,
  // multipart
  kCreateMultipartUpload,
  kUploadPart,
  kUploadPartCopy,
  kCompleteMultipartUpload,
  kAbortMultipartUpload,
  kListParts,
  // subresources (settings.h)
  kGetSetting,
  kPutSetting,
  kDeleteSetting,
  // of browsers
  kPostObject,
  kSts,  // POST /: temporary credentials
  kPreflight,
  // legal, but not offered
  kUnsupported,
  kWrongMethod,
};

/// Names are decoded.
struct Route {
  Verb verb = Verb::kUnsupported;
  std::string bucket;
  bool bucket_in_host = false;
  std::string key;
  const Setting* setting = nullptr;
};

/// S3's name of the operation, for the audit trail: "PutObject", "GetBucketPolicy".
std::string_view operation_name(const Route& route);

/// Path style, or virtual-host style when the Host header lies below one of `domains`.
/// @error kInvalid (tag InvalidURI): badly escaped, or not UTF-8
[[nodiscard]] Result<Route> route(const io::HttpRequest& request, const Query& query,
                                  const std::vector<std::string>& domains);

/// The bucket of "bucket.domain"; "" if the host is none of these.
std::string bucket_of_host(std::string_view host, const std::vector<std::string>& domains);
/// The name that a path stands for, decoded once. @error as route()
[[nodiscard]] Result<std::string> key_of_path(std::string_view path);

}  // namespace beringia::protocol::s3
