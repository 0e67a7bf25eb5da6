#include "protocol/gcs/grpc/resources.h"

#include "base/encoding.h"

namespace beringia::protocol::gcs::grpc {
namespace {

constexpr std::string_view kBucketPrefix = "projects/_/buckets/";

void set_time(google::protobuf::Timestamp& out, Timestamp time) {
  out.set_seconds(time.micros / 1'000'000);
  out.set_nanos(static_cast<int32_t>(time.micros % 1'000'000 * 1000));
}

void set_text(wire::gcs::FieldChange& field, const std::string& text) {
  if (text.empty()) return;  // protobuf's "absent"
  field.kind = wire::gcs::FieldChange::Kind::kText;
  field.text = text;
}

void show_times(const wire::gcs::ObjectResource& from, v2::Object& object) {
  if (from.time_created.micros != 0) set_time(*object.mutable_create_time(), from.time_created);
  if (from.time_finalized.micros != 0) {
    set_time(*object.mutable_finalize_time(), from.time_finalized);
  }
  if (from.updated.micros != 0) set_time(*object.mutable_update_time(), from.updated);
  if (from.time_storage_class_updated.micros != 0) {
    set_time(*object.mutable_update_storage_class_time(), from.time_storage_class_updated);
  }
  if (from.time_deleted.micros != 0) set_time(*object.mutable_delete_time(), from.time_deleted);
  if (from.retention_expiration.micros != 0) {
    set_time(*object.mutable_retention_expire_time(), from.retention_expiration);
  }
  if (from.soft_delete_time.micros != 0) {
    set_time(*object.mutable_soft_delete_time(), from.soft_delete_time);
  }
  if (from.hard_delete_time.micros != 0) {
    set_time(*object.mutable_hard_delete_time(), from.hard_delete_time);
  }
  if (!from.retention_mode.empty()) {
    auto& retention = *object.mutable_retention();
    retention.set_mode(from.retention_mode == "Locked" ? v2::Object::Retention::LOCKED
                                                       : v2::Object::Retention::UNLOCKED);
    set_time(*retention.mutable_retain_until_time(), from.retain_until);
  }
  if (!from.custom_time.empty()) {
    set_time(*object.mutable_custom_time(), parse_rfc3339(from.custom_time));
  }
}

}  // namespace

Answer<std::string> bucket_of(std::string_view name) {
  if (!name.starts_with(kBucketPrefix) || name.size() == kBucketPrefix.size() ||
      name.find('/', kBucketPrefix.size()) != std::string_view::npos) {
    return refusal(Code::kInvalidArgument,
                   "The bucket name is not of the form projects/_/buckets/NAME.");
  }
  return std::string{name.substr(kBucketPrefix.size())};
}

std::string name_of(std::string_view bucket) {
  return std::string{kBucketPrefix} + std::string{bucket};
}

std::string bucket_path(std::string_view bucket) {
  return "/storage/v1/b/" + percent_encode(bucket);
}

std::string object_path(std::string_view bucket, std::string_view object) {
  return bucket_path(bucket) + "/o/" + percent_encode(object);
}

Answer<v2::Object> object_of(std::string_view json) {
  const auto resource = wire::gcs::parse_object(json);
  if (!resource) return refusal(Code::kInternal, resource.error().what());
  v2::Object object = object_of(*resource);
  const auto lines = wire::gcs::parse_access_controls_of(json, "acl");
  if (lines && *lines) {
    for (const auto& line : **lines) {
      auto& shown = *object.add_acl();
      shown.set_entity(line.entity);
      shown.set_role(line.role);
    }
  }
  return object;
}

v2::Object object_of(const wire::gcs::ObjectResource& from) {
  v2::Object object;
  object.set_name(from.name);
  object.set_bucket(name_of(from.bucket));
  object.set_generation(static_cast<int64_t>(from.generation));
  object.set_metageneration(static_cast<int64_t>(from.metageneration));
  object.set_storage_class(from.storage_class);
  object.set_size(static_cast<int64_t>(from.size));
  object.set_content_encoding(from.content_encoding);
  object.set_content_disposition(from.content_disposition);
  object.set_cache_control(from.cache_control);
  object.set_content_language(from.content_language);
  object.set_content_type(from.content_type);
  object.set_etag(from.etag);
  object.set_kms_key(from.kms_key_name);
  if (from.component_count) object.set_component_count(static_cast<int>(*from.component_count));
  if (from.crc32c) object.mutable_checksums()->set_crc32c(*from.crc32c);
  if (from.md5) object.mutable_checksums()->set_md5_hash(*from.md5);
  object.set_temporary_hold(from.temporary_hold);
  if (from.event_based_hold) object.set_event_based_hold(true);
  for (const auto& [key, value] : from.metadata) (*object.mutable_metadata())[key] = value;
  if (!from.owner_entity.empty()) object.mutable_owner()->set_entity(from.owner_entity);
  if (!from.customer_key_sha256.empty()) {
    object.mutable_customer_encryption()->set_encryption_algorithm("AES256");
    object.mutable_customer_encryption()->set_key_sha256_bytes(
        from_base64(from.customer_key_sha256).value_or(""));
  }
  show_times(from, object);
  return object;
}

namespace {

bool is_time(const google::protobuf::Timestamp& time) {
  constexpr int64_t kLastSecond = 253'402'300'799;  // of the year 9999
  return time.seconds() >= 0 && time.seconds() <= kLastSecond && time.nanos() >= 0 &&
         time.nanos() < 1'000'000'000;
}
Timestamp time_of(const google::protobuf::Timestamp& time) {
  return Timestamp{time.seconds() * 1'000'000 + time.nanos() / 1000};
}

Answer<void> add_retention(const v2::Object& object, wire::gcs::ObjectChange& change) {
  change.has_retention = true;
  if (!object.has_retention()) return {};
  const auto& retention = object.retention();
  if (!is_time(retention.retain_until_time())) {
    return refusal(Code::kInvalidArgument, "Invalid retain_until_time");
  }
  switch (retention.mode()) {
    case v2::Object::Retention::UNLOCKED: change.retention_mode = "Unlocked"; break;
    case v2::Object::Retention::LOCKED: change.retention_mode = "Locked"; break;
    default: return refusal(Code::kInvalidArgument, "A retention has a mode.");
  }
  change.retain_until = time_of(retention.retain_until_time());
  return {};
}

void add_acl(const v2::Object& object, wire::gcs::ObjectChange& change) {
  change.acl.emplace();
  for (const auto& line : object.acl()) change.acl->push_back({line.entity(), line.role()});
}

}  // namespace

Answer<wire::gcs::ObjectChange> change_of(const v2::Object& object) {
  wire::gcs::ObjectChange change;
  set_text(change.name, object.name());
  set_text(change.content_type, object.content_type());
  set_text(change.content_encoding, object.content_encoding());
  set_text(change.cache_control, object.cache_control());
  set_text(change.content_disposition, object.content_disposition());
  set_text(change.content_language, object.content_language());
  set_text(change.storage_class, object.storage_class());
  if (object.has_custom_time()) {
    if (!is_time(object.custom_time())) {
      return refusal(Code::kInvalidArgument, "Invalid custom_time");
    }
    set_text(change.custom_time, to_iso8601(time_of(object.custom_time())));
  }
  if (object.temporary_hold()) change.temporary_hold = true;
  if (object.has_event_based_hold()) change.event_based_hold = object.event_based_hold();
  change.has_metadata = !object.metadata().empty();
  for (const auto& [key, value] : object.metadata()) change.metadata[key] = value;
  if (!object.acl().empty()) add_acl(object, change);
  if (object.has_retention()) BR_TRY(add_retention(object, change));
  return change;
}

Answer<wire::gcs::ObjectChange> new_object_change(const v2::Object& object,
                                                  const v2::ObjectChecksums& sums) {
  BR_TRY(change, change_of(object));
  if (sums.has_crc32c()) change.crc32c = sums.crc32c();
  if (!sums.md5_hash().empty()) change.md5 = sums.md5_hash();
  return change;
}

namespace {

/// The text members that a mask can name.
struct TextField {
  std::string_view path;
  wire::gcs::FieldChange wire::gcs::ObjectChange::* field;
};
constexpr TextField kTextFields[] = {
    {"content_type", &wire::gcs::ObjectChange::content_type},
    {"content_encoding", &wire::gcs::ObjectChange::content_encoding},
    {"cache_control", &wire::gcs::ObjectChange::cache_control},
    {"content_disposition", &wire::gcs::ObjectChange::content_disposition},
    {"content_language", &wire::gcs::ObjectChange::content_language},
    {"storage_class", &wire::gcs::ObjectChange::storage_class},
    {"custom_time", &wire::gcs::ObjectChange::custom_time},
};
constexpr std::string_view kMetadataPath = "metadata.";

/// @param told  all that the message says
Answer<void> add_masked(const v2::Object& object, wire::gcs::ObjectChange& told,
                        std::string_view path, wire::gcs::ObjectChange& patch) {
  for (const TextField& text : kTextFields) {
    if (text.path != path) continue;
    patch.*text.field = told.*text.field;
    if (!(patch.*text.field).present()) {
      (patch.*text.field).kind = wire::gcs::FieldChange::Kind::kNull;
    }
    return {};
  }
  if (path == "temporary_hold") {
    patch.temporary_hold = object.temporary_hold();
  } else if (path == "event_based_hold") {
    patch.event_based_hold = object.event_based_hold();
  } else if (path == "metadata") {
    patch.metadata_null = object.metadata().empty();
    patch.has_metadata = !patch.metadata_null;
    patch.metadata = std::move(told.metadata);
  } else if (path.starts_with(kMetadataPath)) {
    const std::string key{path.substr(kMetadataPath.size())};
    const auto found = object.metadata().find(key);
    patch.has_metadata = true;
    patch.metadata[key] =
        found == object.metadata().end() ? std::nullopt : std::optional{found->second};
  } else if (path == "acl") {
    add_acl(object, patch);
  } else if (path == "retention") {
    return add_retention(object, patch);
  } else if (path != "create_time") {  // Google's Go library names it when it changes nothing
    return refusal(Code::kInvalidArgument,
                   "update_mask: " + std::string{path.substr(0, 64)} + " cannot be changed");
  }
  return {};
}

}  // namespace

Answer<wire::gcs::ObjectChange> patch_of(const v2::Object& object,
                                         const google::protobuf::FieldMask& mask) {
  BR_TRY(told, change_of(object));
  told.name = {};
  wire::gcs::ObjectChange patch;
  for (const std::string& path : mask.paths()) {
    if (path == "*") return told;
    BR_TRY(add_masked(object, told, path, patch));
  }
  return patch;
}

void add_key(io::HttpHeaders& headers, std::string_view prefix, std::string_view algorithm,
             std::string_view key, std::string_view sha256) {
  const std::string start{prefix};
  if (!algorithm.empty()) headers.add(start + "algorithm", std::string{algorithm});
  if (!key.empty()) headers.add(start + "key", to_base64(key));
  if (!sha256.empty()) headers.add(start + "key-sha256", to_base64(sha256));
}

void add_key(io::HttpHeaders& headers, const v2::CommonObjectRequestParams& common) {
  add_key(headers, "x-goog-encryption-", common.encryption_algorithm(),
          common.encryption_key_bytes(), common.encryption_key_sha256_bytes());
}

}  // namespace beringia::protocol::gcs::grpc
