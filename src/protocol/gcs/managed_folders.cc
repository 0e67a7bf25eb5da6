// Managed folders: prefixes with an IAM policy of their own. They are attributes of their bucket.
#include <algorithm>
#include <utility>

#include "access/bucket_access.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/acls.h"
#include "protocol/gcs/bucket_iam.h"
#include "protocol/gcs/bucket_settings.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/query_terms.h"
#include "protocol/gcs/verbs.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {
namespace {

using access::Right;

constexpr uint64_t kMaxPage = 1000;
constexpr size_t kMaxName = 1024;        // as of objects
constexpr uint64_t kMetageneration = 1;  // there is nothing in it that could change
const std::string kNoPolicy = R"({"bindings":[],"version":1})";

/// With its '/' at the end, which clients may leave out.
std::string with_slash(std::string name) {
  if (!name.ends_with('/')) name += '/';
  return name;
}

std::string attribute_of(const std::string& folder) {
  return std::string{access::kFolderAttribute} + folder;
}

Result<void> check_name(const std::string& name) {
  const bool bad = name.size() < 2 || name.size() > kMaxName || name.starts_with('/') ||
                   name.find("//") != std::string::npos ||
                   name.find_first_of("\r\n") != std::string::npos;
  if (!bad) return {};
  return std::unexpected(invalid("Invalid managed folder name", "\"" + name.substr(0, 128) + "\""));
}

/// The bucket, for who may ask for `right` of it.
struct Bucket {
  const core::Grant* grant = nullptr;
  core::DirectoryInfo info;
};

Result<Bucket> open(Call& call, core::Action action, Right right) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  if (path.directories().size() != 1) {
    return std::unexpected(
        unsupported("Managed folders of a part of a bucket are not offered",
                    "the name is an alias; use the bucket " + std::string{path.bucket()}));
  }
  BR_TRY(grant, call.admit({action, right}, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  return Bucket{grant, std::move(info)};
}

/// Its policy's text. @error kNotFound
Result<std::string> find_folder(const Bucket& bucket, const std::string& folder) {
  const auto found = bucket.info.record.attributes.find(attribute_of(folder));
  if (found != bucket.info.record.attributes.end()) return found->second;
  return std::unexpected(
      not_found("The specified managed folder does not exist.", folder).with_tag("no_folder"));
}

void write_folder(JsonWriter& json, const Call& call, const Bucket& bucket,
                  std::string_view folder) {
  json.begin_object().member("kind", "storage#managedFolder");
  json.member("id", call.route.bucket + "/" + std::string{folder});
  json.member("selfLink", call.base_url + "/storage/v1/b/" + percent_encode(call.route.bucket) +
                              "/managedFolders/" + percent_encode(folder));
  json.member("name", folder).member("bucket", call.route.bucket);
  json.member("metageneration", std::to_string(kMetageneration));
  json.member("createTime", to_iso8601(bucket.info.record.created));
  json.member("updateTime", to_iso8601(bucket.info.record.created)).end_object();
}

Result<io::HttpResponse> list_folders(Call& call) {
  BR_TRY(bucket, open(call, core::Action::kList, Right::kListBucket));
  BR_TRY(size, call.query.number("pageSize"));
  const size_t limit = std::clamp<uint64_t>(size.value_or(kMaxPage), 1, kMaxPage);
  BR_TRY(after, page_position(call.query));
  JsonWriter json;
  json.begin_object().member("kind", "storage#managedFolders").key("items").begin_array();
  size_t shown = 0;
  std::string last, next;
  for (const auto& [name, policy] : bucket.info.record.attributes) {
    if (!name.starts_with(access::kFolderAttribute)) continue;
    const std::string folder = name.substr(access::kFolderAttribute.size());
    if (folder <= after || !folder.starts_with(call.query.get("prefix"))) continue;
    if (shown++ == limit) {
      next = last;
      break;
    }
    write_folder(json, call, bucket, folder);
    last = folder;
  }
  json.end_array();
  if (!next.empty()) json.member("nextPageToken", to_base64url(next));
  return json_response(200, json.end_object().take());
}

Result<io::HttpResponse> make_folder(Call& call) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(document,
         wire::parse_json(body.empty() ? "{}" : body, wire::gcs::kMaxResourceBytes, "a folder"));
  const wire::Value* name = document.find("name");
  const std::string folder =
      name != nullptr && !name->text.empty() ? with_slash(name->text) : std::string{};
  BR_TRY(check_name(folder));
  BR_TRY(bucket, open(call, core::Action::kAdminister, Right::kAdminister));
  if (!is_uniform(bucket.info.record.attributes)) {
    return std::unexpected(
        conflict("Managed folders need uniform bucket-level access.").with_tag("not_allowed_now"));
  }
  if (find_folder(bucket, folder)) {
    return std::unexpected(
        already_exists("The managed folder you tried to create already exists."));
  }
  const auto count = std::ranges::count_if(bucket.info.record.attributes, [](const auto& one) {
    return one.first.starts_with(access::kFolderAttribute);
  });
  if (static_cast<size_t>(count) >= access::kMaxManagedFolders) {
    return std::unexpected(invalid("The bucket has 200 managed folders already"));
  }
  BR_TRY(info, call.rooms.names.set_directory_attributes(
                   call.context, *bucket.grant,
                   {{attribute_of(folder), kNoPolicy},
                    {std::string{access::kIamBucketAttribute}, call.route.bucket}}));
  call.looked.reset();
  bucket.info = std::move(info);
  JsonWriter json;
  write_folder(json, call, bucket, folder);
  return json_response(200, json.take());
}

/// Something lies below it. @error kAlreadyExists
Result<void> check_empty(Call& call, const Bucket& bucket, const std::string& folder) {
  BR_TRY(grant, call.admit(core::Action::kList, bucket.info.path));
  core::ListRequest request;
  request.prefix = folder;
  request.limit = 1;
  BR_TRY(page, call.rooms.names.list(call.context, *grant, request));
  if (page.items.empty()) return {};
  return std::unexpected(
      already_exists("The managed folder you tried to delete is not empty.").with_tag("not_empty"));
}

/// Nothing of a managed folder can be changed, but for its policy, which has an address of its own.
Result<io::HttpResponse> update_folder(const Call& call, const Bucket& bucket,
                                       const std::string& folder) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(document,
         wire::parse_json(body.empty() ? "{}" : body, wire::gcs::kMaxResourceBytes, "a folder"));
  const wire::Value* cache = document.find("rapidCacheConfig");
  if (cache != nullptr && !cache->is(wire::Value::Kind::kNull)) {
    return std::unexpected(
        unsupported("rapidCacheConfig is not offered", "nothing is cached for a part of a bucket"));
  }
  JsonWriter json;
  write_folder(json, call, bucket, folder);
  return json_response(200, json.take());
}

}  // namespace

Result<io::HttpResponse> managed_folders(Call& call) {
  return call.method == "POST" ? make_folder(call) : list_folders(call);
}

Result<io::HttpResponse> managed_folder(Call& call) {
  const std::string folder = with_slash(call.route.entity);
  BR_TRY(conditions, conditions_of(call.query));
  if (call.method == "GET") {
    BR_TRY(bucket, open(call, core::Action::kList, Right::kListBucket));
    BR_TRY(find_folder(bucket, folder));
    BR_TRY(check_metageneration(conditions, kMetageneration, true));
    JsonWriter json;
    write_folder(json, call, bucket, folder);
    return json_response(200, json.take());
  }
  BR_TRY(bucket, open(call, core::Action::kAdminister, Right::kAdminister));
  BR_TRY(find_folder(bucket, folder));
  BR_TRY(check_metageneration(conditions, kMetageneration, false));
  if (call.method == "PATCH") return update_folder(call, bucket, folder);
  BR_TRY(any, call.query.flag("allowNonEmpty", false));
  if (!any) BR_TRY(check_empty(call, bucket, folder));
  BR_TRY(call.rooms.names.set_directory_attributes(call.context, *bucket.grant,
                                                   {{attribute_of(folder), ""}}));
  return empty_response(204);
}

Result<io::HttpResponse> managed_folder_iam(Call& call) {
  const std::string folder = with_slash(call.route.entity);
  const bool reads = call.method == "GET";
  BR_TRY(requested, call.query.number("optionsRequestedPolicyVersion"));
  BR_TRY(bucket,
         open(call, core::Action::kAdminister, reads ? Right::kReadPolicy : Right::kWritePolicy));
  BR_TRY(text, find_folder(bucket, folder));
  const std::string resource = call.route.bucket + "/managedFolders/" + folder;
  if (reads) {
    BR_TRY(policy, access::IamPolicy::parse(text, call.route.bucket));
    return iam_policy_response(resource, bucket.info.record, policy, requested.value_or(1));
  }
  BR_TRY(policy, read_iam_policy(call, bucket.info.record));
  BR_TRY(info, call.rooms.names.set_directory_attributes(call.context, *bucket.grant,
                                                         {{attribute_of(folder), policy.text()}}));
  call.looked.reset();
  return iam_policy_response(resource, info.record, policy, access::kIamConditionsVersion);
}

Result<io::HttpResponse> test_folder_permissions(Call& call) {
  BR_TRY(path, call.object_path(call.route.bucket, with_slash(call.route.entity)));
  BR_TRY(grant, call.admit_bucket_list());
  grant->note_target(path);
  return permissions_response(call, path);
}

}  // namespace beringia::protocol::gcs
