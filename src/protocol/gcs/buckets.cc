// Buckets: the top-level directories.
#include <algorithm>
#include <utility>

#include "access/bucket_access.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "core/encryption.h"
#include "protocol/gcs/acls.h"
#include "protocol/gcs/bucket_settings.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/query_terms.h"
#include "protocol/gcs/setting_names.h"
#include "protocol/gcs/verbs.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

constexpr uint64_t kMaxResults = 1000;
const std::string kLifecycle{access::kLifecycleAttribute};

std::string attribute(const meta::DirectoryEntry& record, std::string_view name,
                      const char* fallback) {
  const auto found = record.attributes.find(std::string{name});
  return found == record.attributes.end() ? fallback : found->second;
}

/// Empty when nothing is set. What is damaged shows nothing; policy says so.
wire::Lifecycle lifecycle_of(const meta::DirectoryEntry& record) {
  const std::string text = attribute(record, kLifecycle, "");
  return text.empty() ? wire::Lifecycle{}
                      : wire::decode_lifecycle(text).value_or(wire::Lifecycle{});
}

/// Lists are shown where they hold, to who asks for them and may read them.
void show_lists(const Call& call, const std::string& name, wire::gcs::BucketResource& bucket) {
  if (!shows_lists(call)) return;
  const access::BucketView* view = call.view_of(name);
  if (view == nullptr || !view->access->has_acls()) return;
  auto path = call.bucket_path(name);
  if (!path || !call.may({core::Action::kAdminister, access::Right::kReadBucketAcl}, *path)) {
    return;
  }
  JsonWriter owner;
  owner.begin_object();
  owner.member("entity", entity_of(call, {access::Acl::Grantee::kPrincipal, view->owner,
                                          access::Acl::Permission{}}));
  bucket.more["owner"] = owner.end_object().take();
  bucket.more["acl"] = render_acl(call, view->access->acl, AclOf::kBucket);
  auto standard = predefined_acl("projectPrivate", "", AclOf::kObject);
  if (!view->access->default_acl && !standard) return;
  bucket.more["defaultObjectAcl"] = render_acl(
      call, view->access->default_acl ? *view->access->default_acl : *standard, AclOf::kObject);
}

wire::gcs::BucketResource bucket_resource(const Call& call, const std::string& name,
                                          const meta::DirectoryEntry& record) {
  wire::gcs::BucketResource bucket;
  bucket.name = name;
  bucket.self_link = call.base_url + "/storage/v1/b/" + percent_encode(name);
  bucket.project_number = "0";
  bucket.location = attribute(record, kLocation, "US");
  bucket.location_type = location_type_of(record);
  bucket.storage_class = attribute(record, kStorageClass, "STANDARD");
  bucket.metageneration = std::max<uint64_t>(record.metageneration, 1);
  bucket.etag = json_etag(0, bucket.metageneration);
  bucket.time_created = record.created;
  bucket.updated = record.modified.micros == 0 ? record.created : record.modified;
  bucket.generation = record.generation;
  const core::Versioning versioning = core::versioning_of(record);
  if (versioning != core::Versioning::kOff) {
    bucket.versioning = versioning == core::Versioning::kOn;
  }
  for (const auto& [key, value] : record.attributes) {
    if (key.starts_with(kLabel)) bucket.labels[key.substr(kLabel.size())] = value;
  }
  show_settings(record, bucket);
  show_lists(call, name, bucket);
  bucket.lifecycle = wire::gcs::render_lifecycle(lifecycle_of(record));
  return bucket;
}

wire::gcs::BucketResource deleted_bucket_resource(const Call& call,
                                                  const core::DirectoryInfo& info) {
  const std::string name{info.path.bucket()};
  wire::gcs::BucketResource bucket = bucket_resource(call, name, info.record);
  bucket.more["softDeleteTime"] = "\"" + to_iso8601(info.deleted) + "\"";
  bucket.more["hardDeleteTime"] = "\"" + to_iso8601(info.hard_delete) + "\"";
  return bucket;
}

/// The access settings of a bucket that is gone say nothing: it belongs to who owned it, and to who
/// may do everything here.
bool shows_deleted(const Call& call, const core::DirectoryInfo& info) {
  return info.record.owner == call.principal->name() ||
         call.may(core::Action::kAdminister, info.path);
}

/// GCS: 3 to 63 of a-z 0-9 - _ . with a letter or digit at both ends.
bool is_bucket_name(std::string_view name) {
  auto is_edge = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && is_edge(name.front()) && is_edge(name.back()) &&
         !name.starts_with("goog") && name.find("..") == std::string_view::npos &&
         std::ranges::all_of(
             name, [&](char c) { return is_edge(c) || c == '-' || c == '_' || c == '.'; });
}

/// Puts the default key into the attributes. @error kInvalid: there is no such key
Result<void> add_default_key(const Call& call, const wire::gcs::BucketResource& bucket,
                             meta::StringMap& attributes) {
  if (!bucket.default_kms_key.present()) return {};
  core::EncryptionChoice choice;
  if (!bucket.default_kms_key.value().empty()) {
    choice.method = meta::Encryption::Method::kNamed;
    choice.key_id = bucket.default_kms_key.value();
    BR_TRY(call.rooms.names.check_encryption(call.context, choice));
  }
  attributes[core::kDefaultEncryption] = core::encode_default_encryption(choice);  // "" removes
  return {};
}

/// Whether versions are kept, as an attribute. A bucket that never did needs none to do so no more;
/// one that did is suspended: what was kept stays, and so does what was written as a version.
Result<void> add_versioning(const Path& path, const wire::gcs::BucketResource& bucket,
                            const meta::DirectoryEntry* before, meta::StringMap& attributes) {
  if (!bucket.versioning) return {};
  if (path.directories().size() != 1) {
    return std::unexpected(
        unsupported("Object versioning of a part of a bucket is not offered",
                    "the name is an alias; set it on the bucket " + std::string{path.bucket()}));
  }
  const std::string name{core::kVersioningAttribute};
  if (*bucket.versioning) {
    attributes[name] = core::kVersioningOn;
  } else if (before != nullptr && before->attributes.contains(name)) {
    attributes[name] = core::kVersioningSuspended;
  }
  return {};
}

/// The lifecycle that a body asks for, as an attribute; "" takes it away. Adds nothing when the
/// body does not speak of it. @error kInvalid
Result<void> add_lifecycle(const std::string& json, meta::StringMap& attributes) {
  BR_TRY(lifecycle, wire::gcs::parse_lifecycle_of(json));
  if (!lifecycle) return {};
  std::string text;
  if (!lifecycle->rules.empty()) {
    BR_TRY(encoded, wire::encode(*lifecycle));
    text = std::move(encoded);
  }
  attributes[kLifecycle] = std::move(text);
  return {};
}

/// Replacing rules that the client was not shown could throw away what others rely on; taking all
/// away is plain enough.
Result<void> check_all_told(const meta::DirectoryEntry& before, const meta::StringMap& attributes) {
  const auto asked = attributes.find(kLifecycle);
  if (asked == attributes.end() || asked->second.empty() ||
      std::ranges::all_of(lifecycle_of(before).rules, wire::gcs::is_told_by_google)) {
    return {};
  }
  return std::unexpected(invalid("The bucket has lifecycle rules that this API has no form for",
                                 "they were set over S3: tags, dates, delete markers, or disabled",
                                 "set \"lifecycle\": null first"));
}

std::string ascii_upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

meta::StringMap attributes_of_bucket(const wire::gcs::BucketResource& bucket) {
  meta::StringMap attributes;
  if (!bucket.location.empty()) attributes[std::string{kLocation}] = ascii_upper(bucket.location);
  if (!bucket.storage_class.empty()) attributes[std::string{kStorageClass}] = bucket.storage_class;
  for (const auto& [key, value] : bucket.labels) attributes[std::string{kLabel} + key] = value;
  for (const auto& key : bucket.removed_labels)
    attributes[std::string{kLabel} + key] = "";  // "" removes
  return attributes;
}

uint64_t metageneration_of(const meta::DirectoryEntry& record) {
  return std::max<uint64_t>(record.metageneration, 1);
}

}  // namespace

io::HttpResponse bucket_response(const Call& call, const std::string& name,
                                 const meta::DirectoryEntry& record) {
  return json_response(200, wire::gcs::render(bucket_resource(call, name, record)));
}

namespace {

/// Those that the body does not name, if it is the whole resource or says "labels": null.
void remove_labels(BucketChange& change) {
  if (change.before == nullptr) return;
  const wire::Value* labels = change.body.find("labels");
  const bool are_null = labels != nullptr && labels->is(wire::Value::Kind::kNull);
  if (!are_null && !change.replaces) return;
  for (const auto& [key, value] : change.before->attributes) {
    if (key.starts_with(kLabel)) change.attributes.emplace(key, "");
  }
}

/// All that a body asks for, as attributes. @error as its parts
Result<meta::StringMap> attributes_asked_for(Call& call, const Path& path, const std::string& body,
                                             const wire::gcs::BucketResource& bucket,
                                             const meta::DirectoryEntry* before) {
  core::WriteAttributes check;
  check.storage_class = bucket.storage_class;
  BR_TRY(check_attributes(check));
  BR_TRY(document, wire::parse_json(body, wire::gcs::kMaxResourceBytes, "a bucket"));
  BucketChange change{call, document, before, call.method == "PUT", attributes_of_bucket(bucket)};
  remove_labels(change);
  BR_TRY(add_default_key(call, bucket, change.attributes));
  BR_TRY(add_lifecycle(body, change.attributes));
  BR_TRY(add_versioning(path, bucket, before, change.attributes));
  BR_TRY(add_access_settings(change));
  BR_TRY(add_settings(change));
  const access::BucketView* view = before == nullptr ? nullptr : call.view_of(call.route.bucket);
  access::BucketAccess access;
  if (view != nullptr) access = *view->access;
  const std::string& prevention = change.will_be(access::kPublicAttribute);
  BR_TRY(block, access::parse_public_access_block(prevention));
  access.block = block;
  const std::string owner = before == nullptr ? call.principal->name() : before->owner;
  const bool uniform =
      change.will_be(access::kOwnershipAttribute).empty() ||
      change.will_be(access::kOwnershipAttribute) == to_string(access::Ownership::kBucketOwner);
  BR_TRY(add_bucket_lists(call, body, owner, uniform, access, change.attributes));
  return std::move(change.attributes);
}

}  // namespace

Result<io::HttpResponse> insert_bucket(Call& call) {
  BR_TRY(read, call.read_body(wire::gcs::kMaxResourceBytes));
  const std::string body = read.empty() ? "{}" : std::move(read);
  BR_TRY(bucket, wire::gcs::parse_bucket(body));
  call.route.bucket = bucket.name;
  if (!is_bucket_name(bucket.name)) {
    return std::unexpected(invalid("Invalid bucket name: '" + bucket.name.substr(0, 70) + "'",
                                   "names have 3 to 63 of a-z 0-9 - _ ."));
  }
  BR_TRY(path, call.bucket_path(bucket.name));
  BR_TRY(grant, call.admit(core::Action::kCreateBucket, path));
  BR_TRY(attributes, attributes_asked_for(call, path, body, bucket, nullptr));
  BR_TRY(object_retention, call.query.flag("enableObjectRetention", false));
  if (object_retention) {
    core::BucketLock lock;
    lock.needs_versions = false;
    attributes[std::string{core::kLockAttribute}] = core::encode(lock);
  }
  std::erase_if(attributes, [](const auto& pair) { return pair.second.empty(); });
  auto made = call.rooms.names.make_directory(call.context, *grant, attributes);
  if (!made) {
    if (made.error().code() == Code::kAlreadyExists) {
      return std::unexpected(already_exists(
          made.error().tag() == "owned"
              ? "Your previous request to create the named bucket succeeded and you already own it."
              : "The requested bucket name is not available."));
    }
    return std::unexpected(std::move(made).error());
  }
  call.looked.reset();
  return bucket_response(call, bucket.name, made->record);
}

namespace {

/// @error kNotFound: there is none that the caller may see
Result<core::DirectoryInfo> find_deleted_bucket(const Call& call, const core::Grant& grant) {
  BR_TRY(generation, call.query.number("generation"));
  if (!generation) {
    return std::unexpected(invalid("Required parameter: generation",
                                   "it says which of the soft-deleted buckets is meant"));
  }
  BR_TRY(found, call.rooms.names.list_deleted_buckets(
                    call.context, grant, std::string{grant.path().bucket()}, "", kMaxResults));
  for (core::DirectoryInfo& info : found.items) {
    if (info.record.generation == *generation && shows_deleted(call, info)) return std::move(info);
  }
  return std::unexpected(
      not_found("there is no soft-deleted bucket of that generation").with_tag("no_bucket"));
}

Result<io::HttpResponse> get_deleted_bucket(Call& call, const Path& path) {
  BR_TRY(grant, call.admit(core::Action::kCreateBucket, path));
  BR_TRY(info, find_deleted_bucket(call, *grant));
  return json_response(200, wire::gcs::render(deleted_bucket_resource(call, info)));
}

Result<io::HttpResponse> list_deleted_buckets(Call& call, size_t limit) {
  const std::string& prefix = call.query.get("prefix");
  BR_TRY(grant, call.admit_bucket_list());
  wire::gcs::BucketList list;
  std::string after = call.query.get("pageToken");
  for (;;) {
    BR_TRY(page, call.rooms.names.list_deleted_buckets(call.context, *grant, "", after,
                                                       limit - list.items.size()));
    for (const core::DirectoryInfo& info : page.items) {
      if (!info.path.bucket().starts_with(prefix) || !shows_deleted(call, info)) continue;
      list.items.push_back(deleted_bucket_resource(call, info));
    }
    after = page.next;
    if (after.empty() || list.items.size() == limit) break;
  }
  list.next_page_token = after;
  return json_response(200, wire::gcs::render(list));
}

}  // namespace

Result<io::HttpResponse> restore_bucket(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kCreateBucket, path));
  BR_TRY(info, find_deleted_bucket(call, *grant));
  BR_TRY(restored, call.rooms.names.restore_bucket(call.context, *grant, info.record.generation));
  call.looked.reset();
  return bucket_response(call, call.route.bucket, restored.record);
}

Result<io::HttpResponse> get_bucket(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(soft_deleted, call.query.flag("softDeleted", false));
  if (soft_deleted) return get_deleted_bucket(call, path);
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  BR_TRY(generation, named_generation(call.query, "generation"));
  if (generation && *generation != info.record.generation) {
    return std::unexpected(not_found("the bucket has another generation").with_tag("no_bucket"));
  }
  BR_TRY(check_metageneration(conditions, metageneration_of(info.record), true));
  return bucket_response(call, call.route.bucket, info.record);
}

Result<io::HttpResponse> list_buckets(Call& call) {
  BR_TRY(results, call.query.number("maxResults"));
  const size_t limit = std::clamp<uint64_t>(results.value_or(kMaxResults), 1, kMaxResults);
  BR_TRY(soft_deleted, call.query.flag("softDeleted", false));
  if (soft_deleted) return list_deleted_buckets(call, limit);
  BR_TRY(after, page_position(call.query));
  const std::string& prefix = call.query.get("prefix");
  BR_TRY(grant, call.admit_bucket_list());
  wire::gcs::BucketList list;
  // Pages of directories until one page of buckets is full: the prefix filters here.
  for (bool more = true; more && list.next_page_token.empty();) {
    BR_TRY(directories,
           call.rooms.names.list_directories(call.context, *grant, after, kMaxResults));
    more = directories.size() == kMaxResults;
    for (const core::DirectoryInfo& info : directories) {
      const std::string name{info.path.bucket()};
      if (!name.starts_with(prefix) || !call.rooms.gate.shows(*call.principal, info.path)) continue;
      if (list.items.size() == limit) {
        list.next_page_token = to_base64url(list.items.back().name);
        break;
      }
      list.items.push_back(bucket_resource(call, name, info.record));
    }
    if (!directories.empty()) after = directories.back().path.bucket();
  }
  return json_response(200, wire::gcs::render(list));
}

Result<io::HttpResponse> patch_bucket(Call& call) {
  BR_TRY(read, call.read_body(wire::gcs::kMaxResourceBytes));
  const std::string body = read.empty() ? "{}" : std::move(read);
  BR_TRY(bucket, wire::gcs::parse_bucket(body));
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  BR_TRY(before, call.rooms.names.stat_directory(call.context, *grant));
  BR_TRY(check_metageneration(conditions, metageneration_of(before.record), false));
  BR_TRY(attributes, attributes_asked_for(call, path, body, bucket, &before.record));
  attributes.erase(std::string{kLocation});  // a bucket's location never changes
  if (call.method == "PUT") {                // update: what is not named goes
    const auto rules = lifecycle_of(before.record).rules;
    if (!rules.empty() && std::ranges::all_of(rules, wire::gcs::is_told_by_google)) {
      attributes.emplace(kLifecycle, "");
    }
  }
  BR_TRY(check_all_told(before.record, attributes));
  BR_TRY(info, call.rooms.names.set_directory_attributes(call.context, *grant, attributes));
  call.looked.reset();  // it is another one now
  return bucket_response(call, call.route.bucket, info.record);
}

Result<io::HttpResponse> delete_bucket(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(grant, call.admit({core::Action::kAdminister, access::Right::kDeleteBucket}, path));
  if (!conditions.empty()) {
    BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
    BR_TRY(check_metageneration(conditions, metageneration_of(info.record), false));
  }
  const access::BucketView* view = call.view_of(call.route.bucket);
  if (view != nullptr && !view->access->folders.empty()) {
    return std::unexpected(
        already_exists("The bucket you tried to delete still has managed folders.")
            .with_tag("not_empty"));
  }
  auto removed = call.rooms.names.remove_directory(call.context, *grant);
  if (!removed) {
    if (removed.error().tag() == "not_empty") {
      return std::unexpected(
          already_exists("The bucket you tried to delete is not empty.").with_tag("not_empty"));
    }
    return std::unexpected(std::move(removed).error());
  }
  return empty_response(204);
}

}  // namespace beringia::protocol::gcs
