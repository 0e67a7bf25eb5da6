// What clients ask of a bucket besides its attributes: layout, rights.
#include "protocol/gcs/bucket_iam.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "access/bucket_access.h"
#include "base/checksum.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/bucket_settings.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/setting_names.h"
#include "protocol/gcs/verbs.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxPermissions = 100;

constexpr std::string_view kHidden = "_withcond_";  // as Google names roles it cannot show whole

/// The action that a right belongs to, as grants give them.
core::Action action_of(access::Right right) {
  using enum access::Right;
  switch (right) {
    case kReadObject: return core::Action::kRead;
    case kWriteObject:
    case kRestoreObject:
    case kWriteRetention:
    case kListParts: return core::Action::kWrite;
    case kDeleteObject:
    case kAbortUpload: return core::Action::kDelete;
    case kListBucket:
    case kListUploads: return core::Action::kList;
    case kCreateBucket: return core::Action::kCreateBucket;
    default: return core::Action::kAdminister;
  }
}

void write_binding(JsonWriter& json, const access::IamPolicy::Binding& binding, bool whole) {
  json.begin_object();
  std::string role = binding.role;
  if (binding.condition && !whole) {
    role.append(kHidden) += to_hex(sha256(binding.condition->expression)).substr(0, 20);
  }
  json.member("role", role).key("members").begin_array();
  for (const std::string& member : binding.members) json.value(std::string_view{member});
  json.end_array();
  if (binding.condition && whole) {
    const auto& condition = *binding.condition;
    json.key("condition").begin_object();
    if (!condition.title.empty()) json.member("title", condition.title);
    if (!condition.description.empty()) json.member("description", condition.description);
    json.member("expression", condition.expression).end_object();
  }
  json.end_object();
}

/// @error kConflict (tags "precondition", "not_allowed_now"), kInvalid
Result<void> check_policy(const Call& call, const access::IamPolicy& policy) {
  const access::BucketView* view = call.view_of(call.route.bucket);
  if (view == nullptr) return std::unexpected(not_found("it is gone").with_tag("no_bucket"));
  if (policy.has_conditions() && view->access->has_acls()) {
    return std::unexpected(
        conflict("To set a policy with conditions, enable uniform bucket-level access on the "
                 "bucket.")
            .with_tag("not_allowed_now"));
  }
  if (policy.has_conditions() && policy.version() < access::kIamConditionsVersion) {
    return std::unexpected(
        invalid("To set a policy with conditions, its version must be at least 3."));
  }
  if (view->access->block.block_policy && policy.is_public()) {
    return std::unexpected(
        conflict("The member bindings allUsers and allAuthenticatedUsers are not allowed since "
                 "public access prevention is enforced.")
            .with_tag("not_allowed_now"));
  }
  for (const auto& binding : policy.bindings()) {
    for (const std::string& member : binding.members) {
      if (!member.starts_with("serviceAccount:")) continue;
      const std::string email = member.substr(member.find(':') + 1);
      // Of another lake: its accounts are not this one's, though they may have the same names.
      if (email.ends_with(".beringia.local") &&
          call.rooms.directory.principal_of_email(email) == email) {
        return std::unexpected(
            invalid("Service account " + email.substr(0, 128) + " does not exist."));
      }
    }
  }
  return {};
}

}  // namespace

io::HttpResponse iam_policy_response(const std::string& resource,
                                     const meta::DirectoryEntry& bucket,
                                     const std::optional<access::IamPolicy>& policy,
                                     uint64_t requested_version) {
  const bool whole = requested_version >= access::kIamConditionsVersion;
  JsonWriter json;
  json.begin_object();
  json.member("kind", "storage#policy");
  json.member("resourceId", "projects/_/buckets/" + resource);
  json.member("version", policy && whole ? policy->version() : 1);
  json.member("etag", json_etag(0, std::max<uint64_t>(bucket.metageneration, 1)));
  json.key("bindings").begin_array();
  if (policy) {
    for (const auto& binding : policy->bindings()) write_binding(json, binding, whole);
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

Result<access::IamPolicy> read_iam_policy(Call& call, const meta::DirectoryEntry& bucket) {
  BR_TRY(read, call.read_body(access::kMaxIamPolicyBytes));
  const std::string body = read.empty() ? "{}" : std::move(read);
  BR_TRY(policy, access::IamPolicy::parse(body, call.route.bucket));
  BR_TRY(document, wire::parse_json(body, access::kMaxIamPolicyBytes, "an IAM policy"));
  const wire::Value* etag = document.find("etag");
  if (etag != nullptr && !etag->text.empty() &&
      etag->text != json_etag(0, std::max<uint64_t>(bucket.metageneration, 1))) {
    return std::unexpected(conflict("the policy has changed since").with_tag("precondition"));
  }
  BR_TRY(check_policy(call, policy));
  return policy;
}

namespace {

bool has_permission(const Call& call, std::string_view permission, const Path& path) {
  const auto right = access::right_of_iam_permission(permission);
  return right && call.may({action_of(*right), *right}, path);
}

/// Who may nothing there does not learn whether it is there.
bool may_any(const Call& call, const std::vector<std::string_view>& permissions, const Path& path) {
  return std::ranges::any_of(permissions, [&](const std::string_view permission) {
    return has_permission(call, permission, path);
  });
}

}  // namespace

io::HttpResponse permissions_response(const Call& call, const Path& path) {
  JsonWriter json;
  json.begin_object();
  json.member("kind", "storage#testIamPermissionsResponse");
  json.key("permissions").begin_array();
  for (const std::string_view permission : call.query.all("permissions")) {
    if (has_permission(call, permission, path)) json.value(permission);
  }
  json.end_array().end_object();
  return json_response(200, json.take());
}

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
  json.member("locationType", location_type_of(info.record));
  const auto hierarchy = info.record.attributes.find(std::string{kHierarchy});
  const bool has_folders = hierarchy != info.record.attributes.end() && hierarchy->second == "true";
  json.key("hierarchicalNamespace").begin_object().member("enabled", has_folders).end_object();
  json.end_object();
  return json_response(200, json.take());
}

namespace {

/// The policy as it stands; without one what the owner has.
io::HttpResponse policy_response(const Call& call, const meta::DirectoryEntry& record,
                                 uint64_t requested_version) {
  const auto found = record.attributes.find(std::string{access::kIamAttribute});
  const std::string text =
      found != record.attributes.end() ? found->second
      : record.owner.empty()
          ? "{}"
          : R"({"bindings":[{"role":"roles/storage.legacyBucketOwner","members":["user:)" +
                call.rooms.directory.email_of(record.owner) + R"("]}]})";
  auto policy = access::IamPolicy::parse(text, call.route.bucket);
  return iam_policy_response(call.route.bucket, record,
                             policy ? std::optional{std::move(*policy)} : std::nullopt,
                             requested_version);
}

}  // namespace

Result<io::HttpResponse> get_iam_policy(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(requested, call.query.number("optionsRequestedPolicyVersion"));
  BR_TRY(grant, call.admit({core::Action::kAdminister, access::Right::kReadPolicy}, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  return policy_response(call, info.record, requested.value_or(1));
}

Result<io::HttpResponse> set_iam_policy(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  if (path.directories().size() != 1) {
    return std::unexpected(
        unsupported("The IAM policy of a part of a bucket is not offered",
                    "the name is an alias; set it on the bucket " + std::string{path.bucket()}));
  }
  BR_TRY(grant, call.admit({core::Action::kAdminister, access::Right::kWritePolicy}, path));
  BR_TRY(before, call.rooms.names.stat_directory(call.context, *grant));
  BR_TRY(policy, read_iam_policy(call, before.record));
  BR_TRY(info, call.rooms.names.set_directory_attributes(
                   call.context, *grant,
                   {{std::string{access::kIamAttribute}, policy.text()},
                    {std::string{access::kIamBucketAttribute}, call.route.bucket}}));
  call.looked.reset();
  return policy_response(call, info.record, access::kIamConditionsVersion);
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
  if (call.view_of(call.route.bucket) == nullptr && may_any(call, permissions, *path)) {
    return std::unexpected(not_found("The specified bucket does not exist.").with_tag("no_bucket"));
  }
  BR_TRY(generation, named_generation(call.query, "generation"));
  if (generation && !call.route.object.empty() && call.may(core::Action::kRead, *path)) {
    BR_TRY(reads, call.admit(core::Action::kRead, *path, generation));
    BR_TRY(call.rooms.names.stat(call.context, *reads, generation));
  }
  return permissions_response(call, *path);
}

}  // namespace beringia::protocol::gcs
