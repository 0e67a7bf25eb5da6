#include "protocol/gcs/grpc/resources.h"

#include <google/protobuf/util/json_util.h>

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
  if (from.time_created.micros != 0) {
    set_time(*object.mutable_create_time(), from.time_created);
    set_time(*object.mutable_finalize_time(), from.time_created);
  }
  if (from.updated.micros != 0) set_time(*object.mutable_update_time(), from.updated);
  if (from.time_storage_class_updated.micros != 0) {
    set_time(*object.mutable_update_storage_class_time(), from.time_storage_class_updated);
  }
  if (from.time_deleted.micros != 0) set_time(*object.mutable_delete_time(), from.time_deleted);
  if (from.retention_expiration.micros != 0) {
    set_time(*object.mutable_retention_expire_time(), from.retention_expiration);
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
  return object_of(*resource);
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

Answer<v2::Bucket> bucket_message(std::string_view json) {
  v2::Bucket bucket;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece{json.data(), json.size()}, &bucket, options);
  if (!parsed.ok()) return refusal(Code::kInternal, parsed.ToString());
  bucket.set_name(name_of(bucket.bucket_id()));
  bucket.set_project("projects/_");
  return bucket;
}

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
    const auto& time = object.custom_time();
    constexpr int64_t kLastSecond = 253'402'300'799;  // of the year 9999
    if (time.seconds() < 0 || time.seconds() > kLastSecond || time.nanos() < 0 ||
        time.nanos() >= 1'000'000'000) {
      return refusal(Code::kInvalidArgument, "Invalid custom_time");
    }
    set_text(change.custom_time,
             to_iso8601(Timestamp{time.seconds() * 1'000'000 + time.nanos() / 1000}));
  }
  if (object.temporary_hold()) change.temporary_hold = true;
  if (object.has_event_based_hold()) change.event_based_hold = object.event_based_hold();
  change.has_metadata = !object.metadata().empty();
  for (const auto& [key, value] : object.metadata()) change.metadata[key] = value;
  return change;
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
