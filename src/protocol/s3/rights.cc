#include "protocol/s3/rights.h"

#include "protocol/s3/settings.h"

namespace beringia::protocol::s3 {

using access::Action;
using access::Right;

// Service Authorization Reference, Amazon S3: which permission each operation needs.
access::Right right_of(const Route& route, const Query& query, Action action) {
  const bool versioned = query.has("versionId");
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
    case Verb::kGetSetting: return route.setting->get_right;
    case Verb::kPutSetting: return route.setting->put_right;
    case Verb::kDeleteSetting: return route.setting->delete_right;
    default: return access::right_of(action);
  }
}

}  // namespace beringia::protocol::s3
