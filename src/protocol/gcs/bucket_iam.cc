// What clients ask of a bucket besides its attributes: layout, rights.
#include <optional>
#include <utility>

#include "base/json_writer.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxPermissions = 100;

/// The action that stands behind a permission of Google's; nullopt: nobody has it here.
std::optional<core::Action> action_of(std::string_view permission) {
  using enum core::Action;
  if (permission == "storage.objects.get") return kRead;
  if (permission == "storage.objects.list" || permission == "storage.buckets.get") return kList;
  if (permission == "storage.objects.create" || permission == "storage.objects.update" ||
      permission == "storage.multipartUploads.create") {
    return kWrite;
  }
  if (permission == "storage.objects.delete" || permission == "storage.multipartUploads.abort") {
    return kDelete;
  }
  if (permission == "storage.multipartUploads.list" ||
      permission == "storage.multipartUploads.listParts") {
    return kList;
  }
  if (permission == "storage.buckets.update" || permission == "storage.buckets.delete" ||
      permission == "storage.buckets.getIamPolicy") {
    return kAdminister;
  }
  if (permission == "storage.buckets.create") return kCreateBucket;
  return std::nullopt;
}

}  // namespace

Result<io::HttpResponse> storage_layout(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  const auto location = info.record.attributes.find("location");
  JsonWriter json;
  json.begin_object();
  json.member("kind", "storage#storageLayout");
  json.member("bucket", call.route.bucket);
  json.member("location",
              location == info.record.attributes.end() ? std::string{"US"} : location->second);
  json.member("locationType", "multi-region");
  json.key("hierarchicalNamespace").begin_object().member("enabled", false).end_object();
  json.end_object();
  return json_response(200, json.take());
}

Result<io::HttpResponse> get_iam_policy(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  JsonWriter json;
  json.begin_object();
  json.member("kind", "storage#policy");
  json.member("resourceId", "projects/_/buckets/" + call.route.bucket);
  json.member("version", 1);
  json.member("etag", json_etag(0, info.record.metageneration));
  json.key("bindings").begin_array();
  if (!info.record.owner.empty()) {
    json.begin_object().member("role", "roles/storage.legacyBucketOwner");
    json.key("members").begin_array().value("user:" + info.record.owner).end_array();
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

Result<io::HttpResponse> test_iam_permissions(Call& call) {
  auto path = call.route.object.empty() ? call.bucket_path(call.route.bucket)
                                        : call.object_path(call.route.bucket, call.route.object);
  if (!path) return std::unexpected(std::move(path).error());
  const auto permissions = call.query.all("permissions");
  if (permissions.size() > kMaxPermissions) {
    return std::unexpected(invalid("At most 100 permissions can be tested at once"));
  }
  // Asking is not doing: what is not allowed is no refusal in the audit trail, but the question is.
  BR_TRY(grant, call.admit_bucket_list());
  grant->note_target(*path);
  JsonWriter json;
  json.begin_object();
  json.member("kind", "storage#testIamPermissionsResponse");
  json.key("permissions").begin_array();
  for (const std::string_view permission : permissions) {
    const auto action = action_of(permission);
    if (action && call.may(*action, *path)) json.value(permission);
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

}  // namespace beringia::protocol::gcs
