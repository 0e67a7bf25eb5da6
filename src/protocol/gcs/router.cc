#include "protocol/gcs/router.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/encoding.h"
#include "protocol/gcs/xml_settings.h"

namespace beringia::protocol::gcs {
namespace {

using Parts = std::vector<std::string>;

Error no_such_address() { return not_found("Not Found", "there is nothing at this address"); }
Error wrong_method(std::string_view method) {
  return unsupported("Method not allowed", std::string{method} + " is not offered at this address")
      .with_tag("method");
}

/// Splits at '/', then decodes each part once, so that %2F stays inside its name.
Result<Parts> split(std::string_view path) {
  Parts parts;
  for (;;) {
    const size_t slash = path.find('/');
    auto part = percent_decode(path.substr(0, slash));
    if (!part || !is_utf8(*part)) {
      return std::unexpected(invalid("Invalid address", "a name is badly escaped or not UTF-8"));
    }
    parts.push_back(std::move(*part));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

std::string join(const Parts& parts, size_t first) {
  std::string text;
  for (size_t i = first; i < parts.size(); ++i) {
    if (i > first) text += '/';
    text += parts[i];
  }
  return text;
}

Result<Route> pick(std::string_view method,
                   std::initializer_list<std::pair<std::string_view, Verb>> verbs, Route route) {
  for (const auto& [name, verb] : verbs) {
    if (name == method) {
      route.verb = verb;
      return route;
    }
  }
  return std::unexpected(wrong_method(method));
}

/// parts: [b, B, o, NAME, ...]
Result<Route> route_object(std::string_view method, const Parts& parts, const Parameters& query,
                           Route route) {
  route.object = parts[3];
  const std::string action = parts.size() > 4 ? parts[4] : "";
  if (method == "POST") {
    if (parts.size() == 9 && parts[5] == "b" && parts[7] == "o" &&
        (action == "copyTo" || action == "rewriteTo")) {
      route.to_bucket = parts[6];
      route.to_object = parts[8];
      route.verb = action == "copyTo" ? Verb::kCopyObject : Verb::kRewriteObject;
      return route;
    }
    if (parts.size() == 7 && action == "moveTo" && parts[5] == "o") {
      route.to_bucket = route.bucket;
      route.to_object = parts[6];
      route.verb = Verb::kMoveObject;
      return route;
    }
    if (parts.size() == 5 && action == "compose") {
      route.verb = Verb::kComposeObject;
      return route;
    }
  }
  if (method == "POST" && parts.size() == 4 && route.object == "bulkRestore") {
    route.object.clear();
    route.verb = Verb::kBulkRestore;
    return route;
  }
  if (action == "acl" && parts.size() <= 6) {
    if (parts.size() == 6) route.entity = parts[5];
    route.verb = Verb::kObjectAcl;
    return route;
  }
  if (action == "iam" && parts.size() <= 6) {
    if (parts.size() == 6 && parts[5] == "testPermissions") {
      return pick(method, {{"GET", Verb::kTestIamPermissions}}, std::move(route));
    }
    route.refused =
        method == "PUT" ? "storage.objects.setIamPolicy" : "storage.objects.getIamPolicy";
    return route;
  }
  if (action == "viewFullContext" && parts.size() == 5 && method == "GET") {
    route.verb = Verb::kFullContext;
    return route;
  }
  if (action == "restore" && method == "POST" && parts.size() == 5) {
    route.verb = Verb::kRestoreObject;
    return route;
  }
  // Some clients leave the slashes of a name as they are.
  route.object = join(parts, 3);
  if (route.object.empty()) return std::unexpected(no_such_address());
  const bool is_media = query.get("alt") == "media";
  return pick(method,
              {{"GET", is_media ? Verb::kDownloadObject : Verb::kGetObject},
               {"HEAD", is_media ? Verb::kDownloadObject : Verb::kGetObject},
               {"PATCH", Verb::kPatchObject},
               {"PUT", Verb::kUpdateObject},
               {"DELETE", Verb::kDeleteObject}},
              std::move(route));
}

/// parts: [projects, P, KIND, ...]
Result<Route> route_project(std::string_view method, const Parts& parts, Route route) {
  if (parts.size() == 3 && parts[2] == "serviceAccount") {
    return pick(method, {{"GET", Verb::kServiceAccount}}, std::move(route));
  }
  if (parts.size() == 3 && parts[2] == "hmacKeys") {
    return pick(method, {{"GET", Verb::kHmacKeys}, {"POST", Verb::kHmacKeys}}, std::move(route));
  }
  if (parts.size() == 4 && parts[2] == "hmacKeys") {
    route.entity = parts[3];
    return pick(method,
                {{"GET", Verb::kHmacKey}, {"PUT", Verb::kHmacKey}, {"DELETE", Verb::kHmacKey}},
                std::move(route));
  }
  return route;
}

/// parts: [b, B, managedFolders, NAME, ...]
Result<Route> route_folder(std::string_view method, const Parts& parts, Route route) {
  if (parts.size() == 3) {
    return pick(method, {{"GET", Verb::kManagedFolders}, {"POST", Verb::kManagedFolders}},
                std::move(route));
  }
  route.entity = parts[3];
  if (parts.size() == 5 && parts[4] == "iam") {
    return pick(method, {{"GET", Verb::kManagedFolderIam}, {"PUT", Verb::kManagedFolderIam}},
                std::move(route));
  }
  if (parts.size() == 6 && parts[4] == "iam" && parts[5] == "testPermissions") {
    return pick(method, {{"GET", Verb::kTestFolderPermissions}}, std::move(route));
  }
  if (parts.size() > 4 && !(parts.size() == 5 && parts[4].empty())) return route;
  return pick(method,
              {{"GET", Verb::kManagedFolder},
               {"PATCH", Verb::kManagedFolder},
               {"DELETE", Verb::kManagedFolder}},
              std::move(route));
}

/// parts: [b, B, folders or operations, ...]
Result<Route> route_hierarchy(std::string_view method, const Parts& parts, Route route) {
  const bool is_folder = parts[2] == "folders";
  if (parts.size() == 3) {
    if (!is_folder) return pick(method, {{"GET", Verb::kOperations}}, std::move(route));
    return pick(method, {{"GET", Verb::kFolders}, {"POST", Verb::kFolders}}, std::move(route));
  }
  route.entity = parts[3];
  if (!is_folder) {
    if (parts.size() == 4) return pick(method, {{"GET", Verb::kOperation}}, std::move(route));
    if (parts.size() == 5 && parts[4] == "cancel") {
      return pick(method, {{"POST", Verb::kOperation}}, std::move(route));
    }
    route.refused = "storage.buckets.operations.advanceRelocateBucket";
    return route;
  }
  if (method == "POST" && parts.size() == 5 && parts[4] == "deleteRecursive") {
    route.verb = Verb::kDeleteFolderRecursive;
    return route;
  }
  if (parts.size() == 7 && parts[4] == "renameTo" && parts[5] == "folders") {
    route.to_object = parts[6];
    return pick(method, {{"POST", Verb::kRenameFolder}}, std::move(route));
  }
  // Some clients leave the slashes of a name as they are.
  route.entity = join(parts, 3);
  return pick(method, {{"GET", Verb::kFolder}, {"DELETE", Verb::kFolder}}, std::move(route));
}

/// parts: [b, B, KIND, ...] of what belongs to a bucket besides its objects.
Result<Route> route_bucket_part(std::string_view method, const Parts& parts, Route route) {
  const std::string& kind = parts[2];
  if (kind == "storageLayout") return pick(method, {{"GET", Verb::kStorageLayout}}, route);
  if ((kind == "acl" || kind == "defaultObjectAcl") && parts.size() <= 4) {
    if (parts.size() == 4) route.entity = parts[3];
    route.verb = kind == "acl" ? Verb::kBucketAcl : Verb::kDefaultObjectAcl;
    return route;
  }
  if (kind == "restore" && parts.size() == 3) {
    return pick(method, {{"POST", Verb::kRestoreBucket}}, std::move(route));
  }
  if (kind == "folders" || kind == "operations") {
    return route_hierarchy(method, parts, std::move(route));
  }
  if (kind == "relocate") route.refused = "storage.buckets.relocate";
  if (kind == "anywhereCaches") route.refused = "storage.anywhereCaches";
  if (kind == "rapidCaches") route.refused = "storage.rapidCaches";
  if (kind == "managedFolders") return route_folder(method, parts, std::move(route));
  if (kind == "lockRetentionPolicy" && parts.size() == 3) {
    return pick(method, {{"POST", Verb::kLockRetention}}, std::move(route));
  }
  if (kind == "iam" && parts.size() == 3) {
    return pick(method, {{"GET", Verb::kGetIamPolicy}, {"PUT", Verb::kSetIamPolicy}},
                std::move(route));
  }
  if (kind == "iam" && parts.size() == 4 && parts[3] == "testPermissions") {
    route.verb = Verb::kTestIamPermissions;
  } else if (kind == "notificationConfigs" && parts.size() == 3) {
    return pick(method, {{"GET", Verb::kListNotifications}, {"POST", Verb::kInsertNotification}},
                std::move(route));
  } else if (kind == "notificationConfigs" && parts.size() == 4) {
    route.object = parts[3];
    return pick(method, {{"GET", Verb::kGetNotification}, {"DELETE", Verb::kDeleteNotification}},
                std::move(route));
  }
  return route;
}

/// parts: what follows /storage/v1/
Result<Route> route_json(std::string_view method, const Parts& parts, const Parameters& query) {
  Route route;
  if (parts[0] == "projects") return route_project(method, parts, std::move(route));
  if (parts[0] == "channels") {
    route.refused = "storage.channels.stop";
    return route;
  }
  if (parts[0] != "b") return std::unexpected(no_such_address());
  if (parts.size() == 1 || (parts.size() == 2 && parts[1].empty())) {
    return pick(method, {{"GET", Verb::kListBuckets}, {"POST", Verb::kInsertBucket}},
                std::move(route));
  }
  route.bucket = parts[1];
  if (parts.size() == 2) {
    return pick(method,
                {{"GET", Verb::kGetBucket},
                 {"HEAD", Verb::kGetBucket},
                 {"PATCH", Verb::kPatchBucket},
                 {"PUT", Verb::kPatchBucket},
                 {"DELETE", Verb::kDeleteBucket}},
                std::move(route));
  }
  const std::string& kind = parts[2];
  if (kind == "o") {
    if (parts.size() == 3 || (parts.size() == 4 && parts[3].empty())) {
      return pick(method, {{"GET", Verb::kListObjects}, {"POST", Verb::kInsertObject}},
                  std::move(route));
    }
    return route_object(method, parts, query, std::move(route));
  }
  return route_bucket_part(method, parts, std::move(route));
}

/// parts: what follows /upload/storage/v1/
Result<Route> route_upload(std::string_view method, const Parts& parts, const Parameters& query) {
  if (parts.size() < 3 || parts[0] != "b" || parts[2] != "o") {
    return std::unexpected(no_such_address());
  }
  Route route;
  route.bucket = parts[1];
  route.object = query.get("name");
  if (!query.get("upload_id").empty()) {
    return pick(method,
                {{"PUT", Verb::kUploadChunk},
                 {"POST", Verb::kUploadChunk},
                 {"DELETE", Verb::kCancelSession}},
                std::move(route));
  }
  const bool begins = query.get("uploadType") == "resumable";
  return pick(method, {{"POST", begins ? Verb::kBeginSession : Verb::kInsertObject}},
              std::move(route));
}

/// What a bucket has in the XML API besides its objects and is_xml_setting().
constexpr std::string_view kXmlRefused[] = {"versions", "object-lock", "retention", "ipFilter",
                                            "policy"};

Result<Route> route_xml_bucket(std::string_view method, const Parameters& query, Route route) {
  for (const std::string_view name : query.names()) {
    if (is_xml_setting(name)) {
      route.entity = name;
      return pick(method, {{"GET", Verb::kXmlBucketSetting}, {"PUT", Verb::kXmlBucketSetting}},
                  std::move(route));
    }
    if (name == "uploads") return pick(method, {{"GET", Verb::kXmlListUploads}}, std::move(route));
    if (name == "acl" || name == "defaultObjectAcl") {
      const Verb verb = name == "acl" ? Verb::kBucketAcl : Verb::kDefaultObjectAcl;
      return pick(method, {{"GET", verb}, {"PUT", verb}}, std::move(route));
    }
    const auto* refused = std::ranges::find(kXmlRefused, name);
    if (refused == std::end(kXmlRefused)) continue;
    route.refused = *refused;
    return route;
  }
  return pick(method,
              {{"GET", Verb::kXmlListObjects},
               {"HEAD", Verb::kXmlHeadBucket},
               {"PUT", Verb::kXmlInsertBucket},
               {"DELETE", Verb::kXmlDeleteBucket},
               {"POST", Verb::kXmlPostForm}},
              std::move(route));
}

/// parts: [BUCKET, OBJECT...]
Result<Route> route_xml(std::string_view method, const Parts& parts, const Parameters& query) {
  Route route;
  route.is_xml = true;
  route.bucket = parts[0];
  route.object = join(parts, 1);
  if (route.bucket.empty()) return pick(method, {{"GET", Verb::kXmlListBuckets}}, route);
  if (route.object.empty()) return route_xml_bucket(method, query, std::move(route));
  if (query.has("uploads")) return pick(method, {{"POST", Verb::kXmlBeginMultipart}}, route);
  if (query.has("uploadId")) {
    return pick(method,
                {{"PUT", Verb::kXmlUploadPart},
                 {"GET", Verb::kXmlListParts},
                 {"POST", Verb::kXmlCompleteMultipart},
                 {"DELETE", Verb::kXmlAbortMultipart}},
                std::move(route));
  }
  if (query.has("acl")) {
    return pick(method, {{"GET", Verb::kObjectAcl}, {"PUT", Verb::kObjectAcl}}, std::move(route));
  }
  for (const std::string_view name :
       {"tagging", "retention", "legal-hold", "compose", "contexts"}) {
    if (!query.has(name)) continue;
    route.refused = name;
    return route;
  }
  return pick(method,
              {{"GET", Verb::kXmlGetObject},
               {"HEAD", Verb::kXmlGetObject},
               {"POST", Verb::kXmlBeginSession},
               {"PUT", Verb::kXmlPutObject},
               {"DELETE", Verb::kXmlDeleteObject}},
              std::move(route));
}

/// What follows `prefix`, if the path is at or below it.
std::optional<std::string_view> below(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  return path.substr(prefix.size());
}

}  // namespace

Result<Route> route(std::string_view method, std::string_view path, const Parameters& query) {
  BR_TRY(of_identity, route_identity(method, path, query));
  if (of_identity) return std::move(*of_identity);
  if (path == "/batch" || path == "/batch/storage/v1") {
    return pick(method, {{"POST", Verb::kBatch}}, {});
  }
  if (const auto rest = below(path, "/storage/v1/")) {
    BR_TRY(parts, split(*rest));
    return route_json(method, parts, query);
  }
  if (const auto rest = below(path, "/download/storage/v1/")) {
    BR_TRY(parts, split(*rest));
    BR_TRY(found, route_json(method, parts, query));
    if (found.verb == Verb::kGetObject) found.verb = Verb::kDownloadObject;
    return std::move(found);
  }
  for (const std::string_view prefix : {"/upload/storage/v1/", "/resumable/upload/storage/v1/"}) {
    if (const auto rest = below(path, prefix)) {
      BR_TRY(parts, split(*rest));
      return route_upload(method, parts, query);
    }
  }
  if (!path.starts_with('/')) return std::unexpected(no_such_address());
  BR_TRY(parts, split(path.substr(1)));
  // What Google's Go libraries send when their endpoint is a URL without a path. No bucket of GCS
  // or S3 can be called "b": names have three characters or more.
  if (path == "/b" || path.starts_with("/b/")) return route_json(method, parts, query);
  return route_xml(method, parts, query);
}

namespace {

/// Of the calls that are about identities and tokens, not about storage.
std::string_view identity_operation_name(Verb verb) {
  switch (verb) {
    case Verb::kToken: return "oauth2.token";
    case Verb::kExchangeToken: return "sts.exchangeToken";
    case Verb::kTokenInfo: return "oauth2.tokeninfo";
    case Verb::kUserInfo: return "oauth2.userinfo";
    case Verb::kRevokeToken: return "oauth2.revoke";
    case Verb::kGenerateAccessToken: return "iamcredentials.generateAccessToken";
    case Verb::kGenerateIdToken: return "iamcredentials.generateIdToken";
    case Verb::kSignBlob: return "iamcredentials.signBlob";
    case Verb::kSignJwt: return "iamcredentials.signJwt";
    case Verb::kKeySet: return "oauth2.certs";
    case Verb::kOpenId: return "oauth2.configuration";
    default: return "storage.unsupported";
  }
}

std::string_view upload_operation_name(Verb verb) {
  switch (verb) {
    case Verb::kXmlBeginMultipart: return "storage.multipartUploads.create";
    case Verb::kXmlUploadPart: return "storage.multipartUploads.uploadPart";
    case Verb::kXmlCompleteMultipart: return "storage.multipartUploads.complete";
    case Verb::kXmlAbortMultipart: return "storage.multipartUploads.abort";
    case Verb::kXmlListUploads: return "storage.multipartUploads.list";
    case Verb::kXmlListParts: return "storage.multipartUploads.listParts";
    default: return identity_operation_name(verb);
  }
}

}  // namespace

std::string_view operation_name(Verb verb) {
  switch (verb) {
    case Verb::kBatch: return "storage.batch";
    case Verb::kXmlInsertBucket:
    case Verb::kInsertBucket: return "storage.buckets.insert";
    case Verb::kXmlListBuckets:
    case Verb::kListBuckets: return "storage.buckets.list";
    case Verb::kXmlHeadBucket:
    case Verb::kXmlBucketSetting:
    case Verb::kGetBucket: return "storage.buckets.get";
    case Verb::kPatchBucket: return "storage.buckets.update";
    case Verb::kXmlDeleteBucket:
    case Verb::kDeleteBucket: return "storage.buckets.delete";
    case Verb::kRestoreBucket: return "storage.buckets.restore";
    case Verb::kRestoreObject: return "storage.objects.restore";
    case Verb::kFullContext: return "storage.objects.viewFullContext";
    case Verb::kStorageLayout: return "storage.buckets.getStorageLayout";
    case Verb::kGetIamPolicy: return "storage.buckets.getIamPolicy";
    case Verb::kSetIamPolicy: return "storage.buckets.setIamPolicy";
    case Verb::kLockRetention: return "storage.buckets.lockRetentionPolicy";
    case Verb::kBucketAcl: return "storage.bucketAccessControls";
    case Verb::kDefaultObjectAcl: return "storage.defaultObjectAccessControls";
    case Verb::kObjectAcl: return "storage.objectAccessControls";
    case Verb::kFolders:
    case Verb::kFolder: return "storage.folders";
    case Verb::kRenameFolder: return "storage.folders.rename";
    case Verb::kDeleteFolderRecursive: return "storage.folders.deleteRecursive";
    case Verb::kBulkRestore: return "storage.objects.bulkRestore";
    case Verb::kOperations:
    case Verb::kOperation: return "storage.bucketOperations";
    case Verb::kManagedFolders:
    case Verb::kManagedFolder: return "storage.managedFolders";
    case Verb::kManagedFolderIam: return "storage.managedFolders.iamPolicy";
    case Verb::kTestFolderPermissions: return "storage.managedFolders.testIamPermissions";
    case Verb::kServiceAccount: return "storage.projects.serviceAccount.get";
    case Verb::kHmacKeys:
    case Verb::kHmacKey: return "storage.hmacKeys";
    case Verb::kTestIamPermissions: return "storage.buckets.testIamPermissions";
    case Verb::kListNotifications: return "storage.notifications.list";
    case Verb::kInsertNotification: return "storage.notifications.insert";
    case Verb::kGetNotification: return "storage.notifications.get";
    case Verb::kDeleteNotification: return "storage.notifications.delete";
    case Verb::kXmlListObjects:
    case Verb::kListObjects: return "storage.objects.list";
    case Verb::kXmlPutObject:
    case Verb::kXmlPostForm:
    case Verb::kInsertObject: return "storage.objects.insert";
    case Verb::kXmlGetObject:
    case Verb::kDownloadObject:
    case Verb::kGetObject: return "storage.objects.get";
    case Verb::kPatchObject: return "storage.objects.patch";
    case Verb::kUpdateObject: return "storage.objects.update";
    case Verb::kXmlDeleteObject:
    case Verb::kDeleteObject: return "storage.objects.delete";
    case Verb::kCopyObject: return "storage.objects.copy";
    case Verb::kRewriteObject: return "storage.objects.rewrite";
    case Verb::kComposeObject: return "storage.objects.compose";
    case Verb::kMoveObject: return "storage.objects.move";
    case Verb::kXmlBeginSession:
    case Verb::kBeginSession: return "storage.objects.insert.begin";
    case Verb::kUploadChunk: return "storage.objects.insert.chunk";
    case Verb::kCancelSession: return "storage.objects.insert.cancel";
    default: return upload_operation_name(verb);
  }
}

}  // namespace beringia::protocol::gcs
