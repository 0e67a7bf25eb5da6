#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/gcs/parameters.h"

namespace beringia::protocol::gcs {

/// What a request asks for. One file per verb (or per small family of verbs).
enum class Verb {
  kToken,
  kBatch,
  // buckets
  kInsertBucket,
  kListBuckets,
  kGetBucket,
  kPatchBucket,
  kDeleteBucket,
  kStorageLayout,
  kGetIamPolicy,
  kSetIamPolicy,
  kLockRetention,
  kBucketAcl,
  kDefaultObjectAcl,
  kTestIamPermissions,
  kListNotifications,
  kInsertNotification,
  kGetNotification,
  kDeleteNotification,
  // objects
  kListObjects,
  kInsertObject,
  kGetObject,
  kDownloadObject,
  kPatchObject,
  kUpdateObject,
  kDeleteObject,
  kCopyObject,
  kRewriteObject,
  kComposeObject,
  kMoveObject,
  kFolders,
  kFolder,
  kRenameFolder,
  kDeleteFolderRecursive,
  kOperations,
  kOperation,
  kRestoreObject,
  kBulkRestore,
  kFullContext,
  kRestoreBucket,
  kObjectAcl,
  kManagedFolders,
  kManagedFolder,
  kManagedFolderIam,
  kTestFolderPermissions,
  // projects
  kServiceAccount,
  kHmacKeys,
  kHmacKey,
  // resumable sessions
  kBeginSession,
  kUploadChunk,
  kCancelSession,
  // XML API
  kXmlListBuckets,
  kXmlListObjects,
  kXmlHeadBucket,
  kXmlBucketSetting,
  kXmlInsertBucket,
  kXmlDeleteBucket,
  kXmlGetObject,
  kXmlPutObject,
  kXmlDeleteObject,
  kXmlBeginMultipart,
  kXmlUploadPart,
  kXmlCompleteMultipart,
  kXmlAbortMultipart,
  kXmlListUploads,
  kXmlListParts,
  kXmlBeginSession,
  kXmlPostForm,
  // identity (oauth_routes.cc)
  kExchangeToken,
  kTokenInfo,
  kUserInfo,
  kRevokeToken,
  kGenerateAccessToken,
  kGenerateIdToken,
  kSignBlob,
  kSignJwt,
  kKeySet,
  kOpenId,
  // legal, but not offered
  kUnsupported,
};

/// Names are decoded. The second pair is the target of copy, rewrite and move.
struct Route {
  Verb verb = Verb::kUnsupported;
  std::string bucket;
  std::string object;
  std::string to_bucket;
  std::string to_object;
  std::string entity;  // of an access control list; id of a key; a folder
  bool is_xml = false;
  /// Of kUnsupported: Google's name of the method, a constant. "" = it has none.
  std::string_view refused = {};
};

/// Google's name of the method, for the audit trail and error messages: "storage.objects.insert".
std::string_view operation_name(Verb verb);

/// @param method  after X-HTTP-Method-Override
/// @param path  still escaped
/// @error kNotFound: no such address; kInvalid: names that are not UTF-8 or badly escaped;
///        kUnsupported (tag "method"): known address, other method
[[nodiscard]] Result<Route> route(std::string_view method, std::string_view path,
                                  const Parameters& query);

/// The addresses of tokens and of who acts as whom, which at Google's lie at other hosts. nullopt:
/// it is none of them. @error as route()
[[nodiscard]] Result<std::optional<Route>> route_identity(std::string_view method,
                                                          std::string_view path,
                                                          const Parameters& query);

}  // namespace beringia::protocol::gcs
