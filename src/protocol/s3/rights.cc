#include "protocol/s3/rights.h"

#include "protocol/s3/settings.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {

using access::Action;
using access::Right;

namespace {

Right of_version(Right right, bool versioned) {
  if (!versioned) return right;
  if (right == Right::kReadObjectAcl) return Right::kReadVersionAcl;
  if (right == Right::kWriteObjectAcl) return Right::kWriteVersionAcl;
  return right;
}

/// What x-amz-copy-source names.
std::string_view version_in_source(const Call& call) {
  constexpr std::string_view kVersion = "?versionId=";
  const std::string_view source = call.header("x-amz-copy-source");
  const size_t at = source.rfind(kVersion);
  return at == std::string_view::npos ? std::string_view{} : source.substr(at + kVersion.size());
}

bool is_copy(const Call& call) {
  return call.route.verb == Verb::kCopyObject || call.route.verb == Verb::kUploadPartCopy;
}

}  // namespace

// Service Authorization Reference, Amazon S3: which permission each operation needs.
access::Right right_of(const Call& call, Action action) {
  const Route& route = call.route;
  const bool versioned = call.query.has("versionId");
  switch (route.verb) {
    case Verb::kCreateBucket: return Right::kCreateBucket;
    case Verb::kDeleteBucket: return Right::kDeleteBucket;
    case Verb::kGetBucketLocation: return Right::kReadLocation;
    case Verb::kListObjectVersions: return Right::kListVersions;
    case Verb::kListMultipartUploads: return Right::kListUploads;
    case Verb::kGetObject:
    case Verb::kHeadObject: return versioned ? Right::kReadVersion : Right::kReadObject;
    case Verb::kGetObjectAttributes:
      return versioned ? Right::kReadVersionAttributes : Right::kReadObjectAttributes;
    case Verb::kGetObjectTagging:
      return versioned ? Right::kReadVersionTags : Right::kReadObjectTags;
    case Verb::kPutObjectTagging:
      return versioned ? Right::kWriteVersionTags : Right::kWriteObjectTags;
    case Verb::kDeleteObjectTagging:
      return versioned ? Right::kDeleteVersionTags : Right::kDeleteObjectTags;
    case Verb::kDeleteObject: return versioned ? Right::kDeleteVersion : Right::kDeleteObject;
    case Verb::kAbortMultipartUpload: return Right::kAbortUpload;
    case Verb::kListParts: return Right::kListParts;
    case Verb::kCopyObject:
    case Verb::kUploadPartCopy:
      return action == Action::kRead && !version_in_source(call).empty() ? Right::kReadVersion
                                                                         : access::right_of(action);
    case Verb::kGetSetting: return of_version(route.setting->get_right, versioned);
    case Verb::kPutSetting: return of_version(route.setting->put_right, versioned);
    case Verb::kDeleteSetting: return route.setting->delete_right;
    default: return access::right_of(action);
  }
}

std::optional<uint64_t> generation_asked(const Call& call, Action action) {
  std::string_view text = call.query.get("versionId");
  if (is_copy(call)) text = action == Action::kRead ? version_in_source(call) : std::string_view{};
  auto generation = parse_version_id(text);
  return generation ? *generation : std::nullopt;
}

}  // namespace beringia::protocol::s3
