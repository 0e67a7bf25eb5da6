#include "protocol/gcs/object_resource.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "base/checksum.h"
#include "base/encoding.h"
#include "protocol/gcs/acls.h"
#include "protocol/gcs/appendable.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/object_contexts.h"
#include "wire/storage_class.h"

namespace beringia::protocol::gcs {
namespace {

using wire::gcs::FieldChange;
using wire::gcs::ObjectChange;

/// The members that are HTTP headers, with their names in EntryRecord::http.
constexpr std::array<std::pair<const char*, FieldChange ObjectChange::*>, 4> kHttpFields = {{
    {"cache-control", &ObjectChange::cache_control},
    {"content-disposition", &ObjectChange::content_disposition},
    {"content-encoding", &ObjectChange::content_encoding},
    {"content-language", &ObjectChange::content_language},
}};

constexpr std::array<std::string_view, 7> kClasses = {"STANDARD",
                                                      "NEARLINE",
                                                      "COLDLINE",
                                                      "ARCHIVE",
                                                      "MULTI_REGIONAL",
                                                      "REGIONAL",
                                                      "DURABLE_REDUCED_AVAILABILITY"};

std::string http_value(const meta::EntryRecord& record, const std::string& name) {
  const auto found = record.http.find(name);
  return found == record.http.end() ? std::string{} : found->second;
}

/// GCS's words for the modes of a lock.
constexpr std::string_view kUnlocked = "Unlocked";
constexpr std::string_view kLocked = "Locked";

Result<std::pair<meta::Lock::Mode, Timestamp>> retention_of(const ObjectChange& change) {
  using Mode = meta::Lock::Mode;
  if (change.retention_mode.empty() && change.retain_until.micros == 0) {
    return std::pair{Mode::kNone, Timestamp{}};
  }
  const bool unlocked = change.retention_mode == kUnlocked;
  if ((!unlocked && change.retention_mode != kLocked) || change.retain_until.micros == 0) {
    return std::unexpected(
        invalid("Invalid retention", "it has the mode Unlocked or Locked, and a retainUntilTime"));
  }
  return std::pair{unlocked ? Mode::kGovernance : Mode::kCompliance, change.retain_until};
}

/// JSON API reference, "Objects", customTime: once set it is never removed, and never goes back.
Result<void> check_custom_time(const ObjectChange& change, const meta::EntryRecord& old) {
  const std::string before = http_value(old, kCustomTime);
  if (!change.custom_time.present() || before.empty()) return {};
  if (parse_rfc3339(change.custom_time.value()) >= parse_rfc3339(before)) return {};
  return std::unexpected(
      invalid("The customTime of an object cannot be removed or set to an "
              "earlier time",
              "it is " + before));
}

/// The lock of a new object.
Result<meta::Lock> lock_of(const ObjectChange& change) {
  BR_TRY(retention, retention_of(change));
  meta::Lock lock;
  std::tie(lock.mode, lock.until) = retention;
  lock.hold = lock.any_bucket = change.temporary_hold.value_or(false);
  lock.event_hold = change.event_based_hold.value_or(false);
  return lock;
}

void show_lock(const meta::EntryRecord& record, wire::gcs::ObjectResource& object) {
  using Mode = meta::Lock::Mode;
  object.temporary_hold = record.lock.hold;
  object.event_based_hold = record.lock.event_hold;
  if (record.lock.mode != Mode::kNone) {
    object.retention_mode = record.lock.mode == Mode::kGovernance ? kUnlocked : kLocked;
    object.retain_until = record.lock.until;
  }
}

/// What the bucket's retention policy makes of it.
void show_retention(const Call& call, std::string_view bucket, const meta::EntryRecord& record,
                    wire::gcs::ObjectResource& object) {
  const access::BucketView* view = call.view_of(bucket);
  const auto retention =
      view == nullptr ? std::nullopt : core::parse_retention(view->access->retention);
  if (retention) object.retention_expiration = core::retained_until(*retention, record);
}

/// Lists are shown where they hold, to who asks for them and may read them.
void show_lists(const Call& call, std::string_view bucket, const meta::EntryRecord& record,
                wire::gcs::ObjectResource& object) {
  if (!shows_lists(call)) return;
  const access::BucketView* view = call.view_of(bucket);
  if (view == nullptr || !view->access->has_acls()) return;
  const auto acl = acl_of_entry(*view, record);
  if (!acl) return;
  object.owner_entity =
      entity_of(call, {access::Acl::Grantee::kPrincipal, acl->owner, access::Acl::Permission{}});
  auto path = call.object_path(bucket, object.name);
  if (!path || !call.may({core::Action::kAdminister, access::Right::kReadObjectAcl}, *path)) return;
  object.acl = render_acl(call, *acl, AclOf::kObject, object.name, record.generation);
}

meta::StringMap metadata_of(const ObjectChange& change) {
  meta::StringMap metadata;
  for (const auto& [key, value] : change.metadata) {
    if (value) metadata[key] = *value;
  }
  return metadata;
}

bool has_line_end(const std::string& text) {
  return text.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos;
}

}  // namespace

std::string json_etag(uint64_t generation, uint64_t metageneration) {
  std::string message;
  message += '\x08';  // field 1, varint
  append_varint(message, generation);
  message += '\x10';  // field 2, varint
  append_varint(message, metageneration);
  return to_base64(message);
}

std::string restore_token_of(std::string_view name, uint64_t generation, Timestamp deleted) {
  std::string bytes{name};
  append_be64(bytes, generation);
  append_be64(bytes, static_cast<uint64_t>(deleted.micros));
  constexpr size_t kBytes = 16;
  return to_base64url(sha256(bytes).substr(0, kBytes));
}

std::string storage_class_of(const meta::EntryRecord& record) {
  return record.storage_class.empty() ? "STANDARD" : wire::google_class(record.storage_class);
}

wire::gcs::ObjectResource object_resource(const Call& call, std::string_view bucket,
                                          std::string_view name, const meta::EntryRecord& record) {
  auto object = object_resource(call.base_url, bucket, name, record);
  if (!shows_checksums(call, record.encryption)) object.crc32c.reset();
  show_retention(call, bucket, record, object);
  show_lists(call, bucket, record, object);
  return object;
}

wire::gcs::ObjectResource object_resource(const std::string& base_url, std::string_view bucket,
                                          std::string_view name, const meta::EntryRecord& record) {
  wire::gcs::ObjectResource object;
  object.bucket = bucket;
  object.name = name;
  const std::string place =
      "/storage/v1/b/" + percent_encode(bucket) + "/o/" + percent_encode(name);
  object.self_link = base_url + place;
  object.media_link = base_url + "/download" + place +
                      "?generation=" + std::to_string(record.generation) + "&alt=media";
  object.generation = record.generation;
  object.metageneration = record.metageneration;
  object.size = record.size;
  object.crc32c = record.crc32c;
  object.md5 = record.md5;
  object.etag = json_etag(record.generation, record.metageneration);
  object.content_type = record.content_type;
  object.content_encoding = http_value(record, "content-encoding");
  object.cache_control = http_value(record, "cache-control");
  object.content_disposition = http_value(record, "content-disposition");
  object.content_language = http_value(record, "content-language");
  object.storage_class = storage_class_of(record);
  object.time_created = record.created;
  if (unfinalized_since(bucket, name, record) == 0) object.time_finalized = record.created;
  object.updated = record.modified.micros == 0 ? record.created : record.modified;
  object.time_storage_class_updated = record.created;
  object.metadata = record.metadata;
  if (record.encryption.method == meta::Encryption::Method::kNamed) {
    object.kms_key_name = record.encryption.key_id;
  }
  object.customer_key_sha256 = to_base64(record.encryption.key_sha256);
  object.custom_time = http_value(record, kCustomTime);
  object.contexts = http_value(record, kContexts);
  show_lock(record, object);
  return object;
}

wire::gcs::ObjectResource object_resource(const Call& call, std::string_view bucket,
                                          std::string_view name, const core::Entry& entry) {
  wire::gcs::ObjectResource object = object_resource(call, bucket, name, entry.record);
  if (entry.hard_delete.micros != 0) {
    object.soft_delete_time = entry.became_noncurrent;
    object.hard_delete_time = entry.hard_delete;
    object.restore_token = restore_token_of(name, entry.record.generation, entry.became_noncurrent);
  } else if (!entry.is_current) {
    object.time_deleted = entry.became_noncurrent;
  }
  return object;
}

namespace {

io::HttpResponse response_of(const wire::gcs::ObjectResource& object,
                             const meta::EntryRecord& record) {
  auto response = json_response(200, wire::gcs::render(object));
  response.headers.add("ETag", object.etag);
  if (const uint64_t since = unfinalized_since(object.bucket, object.name, record); since != 0) {
    response.headers.add(kAppendableHeader, std::to_string(since));
  }
  return response;
}

}  // namespace

io::HttpResponse object_response(const Call& call, std::string_view bucket, std::string_view name,
                                 const meta::EntryRecord& record) {
  return response_of(object_resource(call, bucket, name, record), record);
}

io::HttpResponse object_response(const Call& call, std::string_view bucket, std::string_view name,
                                 const core::Entry& entry) {
  return response_of(object_resource(call, bucket, name, entry), entry.record);
}

Result<std::optional<uint64_t>> named_generation(const Parameters& query, std::string_view name) {
  BR_TRY(generation, query.number(name));
  if (generation == uint64_t{0}) return std::optional<uint64_t>{};
  return generation;
}

Result<void> check_attributes(const core::WriteAttributes& attributes) {
  if (!attributes.storage_class.empty() &&
      std::ranges::find(kClasses, attributes.storage_class) == kClasses.end()) {
    return std::unexpected(
        invalid("Invalid storage class", "\"" + attributes.storage_class.substr(0, 64) + "\""));
  }
  size_t bytes = 0;
  for (const auto& [key, value] : attributes.metadata) {
    if (key.empty()) return std::unexpected(invalid("Invalid metadata", "a key is empty"));
    bytes += key.size() + value.size();
  }
  if (bytes > kMaxMetadataBytes) {
    return std::unexpected(invalid("The metadata is too large",
                                   std::to_string(bytes) + " bytes; at most " +
                                       std::to_string(kMaxMetadataBytes) + " can be kept"));
  }
  for (const auto& [key, value] : attributes.http) {
    if (has_line_end(value) || value.size() > kMaxMetadataBytes) {
      return std::unexpected(invalid("Invalid value for " + key));
    }
  }
  if (has_line_end(attributes.content_type) || attributes.content_type.size() > 1024) {
    return std::unexpected(invalid("Invalid value for contentType"));
  }
  return {};
}

Result<core::WriteAttributes> attributes_of(const ObjectChange& change, Timestamp now) {
  core::WriteAttributes attributes;
  BR_TRY(contexts, contexts_after("", change, now, true));
  if (!contexts.empty()) attributes.http[kContexts] = std::move(contexts);
  BR_TRY(lock, lock_of(change));
  attributes.lock = lock;
  if (!change.custom_time.value().empty()) {
    attributes.http[kCustomTime] = change.custom_time.value();
  }
  attributes.content_type = change.content_type.value();
  attributes.storage_class = change.storage_class.value();
  for (const auto& [name, field] : kHttpFields) {
    if (!(change.*field).value().empty()) attributes.http[name] = (change.*field).value();
  }
  attributes.metadata = metadata_of(change);
  BR_TRY(check_attributes(attributes));
  return attributes;
}

bool names_attributes(const ObjectChange& change) {
  return change.content_type.present() || change.storage_class.present() || change.has_metadata ||
         change.metadata_null || change.has_contexts || change.contexts_null ||
         change.custom_time.present() || change.has_retention || change.temporary_hold ||
         change.event_based_hold || std::ranges::any_of(kHttpFields, [&](const auto& item) {
           return (change.*item.second).present();
         });
}

Result<core::WriteAttributes> merged_attributes(const meta::EntryRecord& source,
                                                const ObjectChange& change, Timestamp now,
                                                bool keeps_contexts) {
  core::WriteAttributes attributes;
  BR_TRY(lock, lock_of(change));
  attributes.lock = lock;
  attributes.content_type =
      change.content_type.present() ? change.content_type.value() : source.content_type;
  attributes.storage_class = change.storage_class.present()
                                 ? change.storage_class.value()
                                 : wire::google_class(source.storage_class);
  attributes.http = source.http;
  for (const auto& [name, field] : kHttpFields) {
    if (!(change.*field).present()) continue;
    attributes.http.erase(name);
    if (!(change.*field).value().empty()) attributes.http[name] = (change.*field).value();
  }
  if (change.custom_time.present()) {
    attributes.http.erase(kCustomTime);
    if (!change.custom_time.value().empty()) {
      attributes.http[kCustomTime] = change.custom_time.value();
    }
  }
  // Unlike a patch, a copy that names contexts has these only.
  const bool own = change.has_contexts || change.contexts_null || !keeps_contexts;
  BR_TRY(contexts, contexts_after(http_value(source, kContexts), change, now, own));
  attributes.http.erase(kContexts);
  attributes.http.erase(kUnfinalized);
  if (!contexts.empty()) attributes.http[kContexts] = std::move(contexts);
  const bool replaces = change.has_metadata || change.metadata_null;
  attributes.metadata = replaces ? metadata_of(change) : source.metadata;
  attributes.tags = source.tags;
  BR_TRY(check_attributes(attributes));
  return attributes;
}

namespace {

/// What a change says about locks.
Result<void> patch_lock(const ObjectChange& change, core::AttributePatch& patch) {
  if (change.temporary_hold) {
    patch.hold = change.temporary_hold;
    patch.holds_any_bucket = true;
  }
  patch.event_hold = change.event_based_hold;
  if (!change.has_retention) return {};
  BR_TRY(retention, retention_of(change));
  patch.retention = retention;
  return {};
}

}  // namespace

Result<core::AttributePatch> patch_of(const ObjectChange& change, const meta::EntryRecord& old,
                                      Timestamp now) {
  BR_TRY(check_custom_time(change, old));
  BR_TRY(checked, attributes_of(change, now));
  core::AttributePatch patch;
  if (change.has_contexts || change.contexts_null) {
    BR_TRY(contexts, contexts_after(http_value(old, kContexts), change, now, false));
    patch.http[kContexts] = std::move(contexts);
  }
  BR_TRY(patch_lock(change, patch));
  if (change.custom_time.present()) patch.http[kCustomTime] = change.custom_time.value();
  if (change.content_type.present()) patch.content_type = change.content_type.value();
  if (change.storage_class.present()) patch.storage_class = checked.storage_class;
  for (const auto& [name, field] : kHttpFields) {
    if ((change.*field).present()) patch.http[name] = (change.*field).value();
  }
  patch.replace_metadata = change.metadata_null;
  for (const auto& [key, value] : change.metadata) patch.metadata[key] = value.value_or("");
  return patch;
}

Result<core::AttributePatch> replacement_of(const ObjectChange& change,
                                            const meta::EntryRecord& old, Timestamp now) {
  BR_TRY(check_custom_time(change, old));
  BR_TRY(attributes, attributes_of(change, now));
  BR_TRY(contexts, contexts_after(http_value(old, kContexts), change, now, true));
  attributes.http[kContexts] = std::move(contexts);
  core::AttributePatch patch;
  BR_TRY(patch_lock(change, patch));
  patch.content_type = attributes.content_type;
  if (change.storage_class.present()) patch.storage_class = attributes.storage_class;
  for (const auto& [name, value] : old.http) {
    if (name != kCustomTime && name != kUnfinalized) patch.http[name] = "";
  }
  for (const auto& [name, value] : attributes.http) patch.http[name] = value;
  patch.replace_metadata = true;
  patch.metadata = attributes.metadata;
  return patch;
}

bool shows_lists(const Call& call) {
  const std::string& asked = call.query.get("projection");
  if (!asked.empty()) return asked == "full";
  const Verb verb = call.route.verb;
  return verb == Verb::kPatchBucket || verb == Verb::kPatchObject || verb == Verb::kUpdateObject ||
         call.names_lists;
}

}  // namespace beringia::protocol::gcs
