#include "access/right.h"

#include <array>

#include "access/access.h"

namespace beringia::access {
namespace {

// Service Authorization Reference, "Actions defined by Amazon S3". In the order of Right.
constexpr std::array<std::string_view, kRightCount> kS3Names = {
    "GetObject",
    "GetObjectVersion",
    "GetObjectTagging",
    "GetObjectVersionTagging",
    "GetObjectAcl",
    "GetObjectVersionAcl",
    "GetObjectAttributes",
    "GetObjectVersionAttributes",
    "GetObjectRetention",
    "GetObjectLegalHold",
    "PutObject",
    "PutObjectTagging",
    "PutObjectVersionTagging",
    "PutObjectAcl",
    "PutObjectVersionAcl",
    "PutObjectRetention",
    "PutObjectLegalHold",
    "BypassGovernanceRetention",
    "RestoreObject",
    "DeleteObject",
    "DeleteObjectVersion",
    "DeleteObjectTagging",
    "DeleteObjectVersionTagging",
    "AbortMultipartUpload",
    "ListMultipartUploadParts",
    "ListBucket",
    "ListBucketVersions",
    "ListBucketMultipartUploads",
    "GetBucketLocation",
    "CreateBucket",
    "DeleteBucket",
    "GetBucketPolicy",
    "PutBucketPolicy",
    "DeleteBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketAcl",
    "PutBucketAcl",
    "GetBucketCORS",
    "PutBucketCORS",
    "GetBucketTagging",
    "PutBucketTagging",
    "GetBucketPublicAccessBlock",
    "PutBucketPublicAccessBlock",
    "GetBucketOwnershipControls",
    "PutBucketOwnershipControls",
    "GetBucketVersioning",
    "PutBucketVersioning",
    "GetLifecycleConfiguration",
    "PutLifecycleConfiguration",
    "GetEncryptionConfiguration",
    "PutEncryptionConfiguration",
    "GetBucketObjectLockConfiguration",
    "PutBucketObjectLockConfiguration",
    "GetBucketLogging",
    "PutBucketLogging",
    "GetBucketNotification",
    "PutBucketNotification",
    "GetBucketWebsite",
    "PutBucketWebsite",
    "DeleteBucketWebsite",
    "GetReplicationConfiguration",
    "PutReplicationConfiguration",
    "GetBucketRequestPayment",
    "PutBucketRequestPayment",
    "GetAccelerateConfiguration",
    "PutAccelerateConfiguration",
    "GetInventoryConfiguration",
    "PutInventoryConfiguration",
    "GetMetricsConfiguration",
    "PutMetricsConfiguration",
    "GetAnalyticsConfiguration",
    "PutAnalyticsConfiguration",
    "GetIntelligentTieringConfiguration",
    "PutIntelligentTieringConfiguration",
    "",
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

Right right_of(Action action) {
  switch (action) {
    case Action::kRead: return Right::kReadObject;
    case Action::kWrite: return Right::kWriteObject;
    case Action::kDelete: return Right::kDeleteObject;
    case Action::kList: return Right::kListBucket;
    case Action::kCreateBucket: return Right::kCreateBucket;
    case Action::kAdminister: break;
  }
  return Right::kAdminister;
}

std::string_view s3_name(Right right) { return kS3Names.at(static_cast<size_t>(right)); }

Rights rights_matching(std::string_view s3_pattern) {
  Rights rights;
  if (s3_pattern == "*") return rights.set();
  for (size_t i = 0; i < kRightCount; ++i) {
    if (!kS3Names[i].empty() && matches_pattern(s3_pattern, kS3Names[i], true)) rights.set(i);
  }
  return rights;
}

bool matches_pattern(std::string_view pattern, std::string_view text, bool ignore_case) {
  const auto same = [&](char a, char b) {
    return a == '?' || a == b || (ignore_case && lower(a) == lower(b));
  };
  // Greedy with one place to come back to: the last '*'.
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && same(pattern[p], text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace beringia::access
