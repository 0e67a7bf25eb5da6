#include "protocol/s3/rights.h"

#include "protocol/s3/settings.h"

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
    case Verb::kUploadPartCopy: {
      const bool names_version =
          call.header("x-amz-copy-source").find("?versionId=") != std::string_view::npos;
      return names_version && action == Action::kRead ? Right::kReadVersion
                                                      : access::right_of(action);
    }
    case Verb::kGetSetting: return of_version(route.setting->get_right, versioned);
    case Verb::kPutSetting: return of_version(route.setting->put_right, versioned);
    case Verb::kDeleteSetting: return route.setting->delete_right;
    default: return access::right_of(action);
  }
}

}  // namespace beringia::protocol::s3
