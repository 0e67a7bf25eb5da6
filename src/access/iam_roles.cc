// Google's predefined roles and permissions of buckets. Cloud Storage documentation, "IAM roles"
// and "IAM permissions".
#include <array>
#include <initializer_list>
#include <utility>

#include "access/iam_policy.h"

namespace beringia::access {
namespace {

using enum Right;

Rights of(std::initializer_list<Right> list) {
  Rights rights;
  for (const Right right : list) rights.set(static_cast<size_t>(right));
  return rights;
}

const Rights& read_objects() {
  static const Rights kRights =
      of({kReadObject, kReadVersion, kReadObjectAttributes, kReadVersionAttributes, kReadObjectTags,
          kReadVersionTags, kReadRetention, kReadLegalHold});
  return kRights;
}

const Rights& list_objects() {
  static const Rights kRights = of({kListBucket, kListVersions});
  return kRights;
}

const Rights& write_objects() {
  static const Rights kRights = of({kWriteObject, kAbortUpload, kListParts});
  return kRights;
}

const Rights& change_objects() {
  static const Rights kRights =
      of({kWriteObjectTags, kWriteVersionTags, kDeleteObjectTags, kDeleteVersionTags,
          kWriteLegalHold, kWriteRetention, kRestoreObject});
  return kRights;
}

const Rights& delete_objects() {
  static const Rights kRights = of({kDeleteObject, kDeleteVersion});
  return kRights;
}

const Rights& own_objects() {
  static const Rights kRights =
      of({kReadObjectAcl, kReadVersionAcl, kWriteObjectAcl, kWriteVersionAcl, kBypassGovernance});
  return kRights;
}

/// All that is of buckets, but for making and removing them.
Rights manage_bucket() {
  Rights rights;
  for (size_t i = 0; i < kRightCount; ++i) {
    const auto right = static_cast<Right>(i);
    if (!is_of_object(right) && right != kCreateBucket && right != kDeleteBucket) rights.set(i);
  }
  return rights;
}

}  // namespace

Result<Rights> rights_of_iam_role(std::string_view role) {
  constexpr std::string_view kPrefix = "roles/storage.";
  const std::string_view name = role.starts_with(kPrefix) ? role.substr(kPrefix.size()) : "";
  const Rights reads = of({kListUploads, kReadLocation});
  if (name == "objectViewer") return read_objects() | list_objects();
  if (name == "objectCreator") return write_objects();
  const Rights user = read_objects() | list_objects() | write_objects() | change_objects() |
                      delete_objects() | of({kListUploads});
  if (name == "objectUser") return user;
  if (name == "objectAdmin") return user | own_objects();
  if (name == "admin") return Rights{}.set();
  if (name == "bucketViewer") return of({kReadLocation});
  if (name == "legacyObjectReader") return read_objects();
  if (name == "legacyObjectOwner") return read_objects() | change_objects() | own_objects();
  if (name == "legacyBucketReader") return list_objects() | reads;
  if (name == "legacyBucketWriter") {
    return list_objects() | reads | write_objects() | change_objects() | delete_objects();
  }
  if (name == "legacyBucketOwner") {
    return manage_bucket() | write_objects() | change_objects() | delete_objects();
  }
  return std::unexpected(
      invalid("Role " + std::string{role.substr(0, 128)} + " is not supported for this resource.",
              "it is none of Google's roles for buckets"));
}

std::optional<Right> right_of_iam_permission(std::string_view permission) {
  static constexpr std::array<std::pair<std::string_view, Right>, 28> kPermissions = {{
      {"storage.objects.get", kReadObject},
      {"storage.objects.list", kListBucket},
      {"storage.objects.create", kWriteObject},
      {"storage.objects.update", kWriteObject},
      {"storage.objects.delete", kDeleteObject},
      {"storage.objects.move", kDeleteObject},
      {"storage.objects.restore", kRestoreObject},
      {"storage.objects.getIamPolicy", kReadObjectAcl},
      {"storage.objects.setIamPolicy", kWriteObjectAcl},
      {"storage.objects.setRetention", kWriteRetention},
      {"storage.objects.overrideUnlockedRetention", kBypassGovernance},
      {"storage.multipartUploads.create", kWriteObject},
      {"storage.multipartUploads.abort", kAbortUpload},
      {"storage.multipartUploads.list", kListUploads},
      {"storage.multipartUploads.listParts", kListParts},
      {"storage.buckets.get", kListBucket},
      {"storage.buckets.update", kAdminister},
      {"storage.buckets.delete", kDeleteBucket},
      {"storage.buckets.create", kCreateBucket},
      {"storage.buckets.getIamPolicy", kReadPolicy},
      {"storage.buckets.setIamPolicy", kWritePolicy},
      {"storage.buckets.enableObjectRetention", kWriteLockConfiguration},
      {"storage.folders.get", kListBucket},
      {"storage.folders.list", kListBucket},
      {"storage.folders.create", kWriteObject},
      {"storage.folders.delete", kDeleteObject},
      {"storage.folders.rename", kDeleteObject},
      {"storage.managedFolders.list", kListBucket},
  }};
  for (const auto& [name, right] : kPermissions) {
    if (name == permission) return right;
  }
  return std::nullopt;
}

}  // namespace beringia::access
