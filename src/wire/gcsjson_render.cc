#include "base/checksum.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "wire/gcsjson.h"

namespace beringia::wire::gcs {

namespace {

void text(JsonWriter& json, std::string_view key, const std::string& value) {
  if (!value.empty()) json.member(key, std::string_view{value});
}

void time(JsonWriter& json, std::string_view key, Timestamp value) {
  if (value.micros != 0) json.member(key, std::string_view{to_iso8601(value)});
}

/// int64 and uint64 are texts in Google's JSON.
void integer(JsonWriter& json, std::string_view key, uint64_t value) {
  json.member(key, std::string_view{std::to_string(value)});
}

void map(JsonWriter& json, std::string_view key, const StringMap& values) {
  if (values.empty()) return;
  json.key(key).begin_object();
  for (const auto& [name, value] : values) json.member(name, std::string_view{value});
  json.end_object();
}

void write(JsonWriter& json, const ObjectResource& object) {
  json.begin_object();
  json.member("kind", "storage#object");
  std::string id = object.id;
  if (id.empty()) {
    id = object.bucket + "/" + object.name + "/" + std::to_string(object.generation);
  }
  text(json, "id", id);
  text(json, "selfLink", object.self_link);
  text(json, "mediaLink", object.media_link);
  text(json, "name", object.name);
  text(json, "bucket", object.bucket);
  integer(json, "generation", object.generation);
  integer(json, "metageneration", object.metageneration);
  text(json, "contentType", object.content_type);
  text(json, "storageClass", object.storage_class);
  integer(json, "size", object.size);
  if (object.md5) text(json, "md5Hash", to_base64(*object.md5));
  text(json, "contentEncoding", object.content_encoding);
  text(json, "contentDisposition", object.content_disposition);
  text(json, "contentLanguage", object.content_language);
  text(json, "cacheControl", object.cache_control);
  if (object.crc32c) text(json, "crc32c", render_crc32c(*object.crc32c));
  if (object.component_count) json.member("componentCount", *object.component_count);
  text(json, "etag", object.etag);
  if (object.temporary_hold) json.member("temporaryHold", true);
  if (object.event_based_hold) json.member("eventBasedHold", true);
  time(json, "timeCreated", object.time_created);
  time(json, "timeFinalized", object.time_finalized);
  time(json, "updated", object.updated);
  time(json, "timeDeleted", object.time_deleted);
  time(json, "softDeleteTime", object.soft_delete_time);
  time(json, "hardDeleteTime", object.hard_delete_time);
  text(json, "restoreToken", object.restore_token);
  time(json, "timeStorageClassUpdated", object.time_storage_class_updated);
  text(json, "customTime", object.custom_time);
  time(json, "retentionExpirationTime", object.retention_expiration);
  if (!object.retention_mode.empty()) {
    json.key("retention").begin_object().member("mode", std::string_view{object.retention_mode});
    time(json, "retainUntilTime", object.retain_until);
    json.end_object();
  }
  map(json, "metadata", object.metadata);
  if (!object.contexts.empty()) {
    json.key("contexts").begin_object().key("custom").raw(object.contexts).end_object();
  }
  text(json, "kmsKeyName", object.kms_key_name);
  if (!object.customer_key_sha256.empty()) {
    json.key("customerEncryption").begin_object();
    json.member("encryptionAlgorithm", "AES256");
    text(json, "keySha256", object.customer_key_sha256);
    json.end_object();
  }
  if (!object.owner_entity.empty()) {
    json.key("owner").begin_object();
    json.member("entity", std::string_view{object.owner_entity}).end_object();
  }
  if (!object.acl.empty()) json.key("acl").raw(object.acl);
  json.end_object();
}

void enabled(JsonWriter& json, std::string_view key, std::optional<bool> flag) {
  if (flag) json.key(key).begin_object().member("enabled", *flag).end_object();
}

void write(JsonWriter& json, const BucketResource& bucket) {
  json.begin_object();
  json.member("kind", "storage#bucket");
  text(json, "id", bucket.id.empty() ? bucket.name : bucket.id);
  text(json, "selfLink", bucket.self_link);
  text(json, "projectNumber", bucket.project_number);
  text(json, "name", bucket.name);
  time(json, "timeCreated", bucket.time_created);
  time(json, "updated", bucket.updated);
  integer(json, "metageneration", bucket.metageneration);
  text(json, "location", bucket.location);
  text(json, "locationType", bucket.location_type);
  text(json, "storageClass", bucket.storage_class);
  text(json, "etag", bucket.etag);
  enabled(json, "versioning", bucket.versioning);
  enabled(json, "hierarchicalNamespace", bucket.hierarchical);
  if (bucket.default_kms_key.kind == FieldChange::Kind::kNull) json.key("encryption").null();
  if (bucket.default_kms_key.kind == FieldChange::Kind::kText) {
    json.key("encryption").begin_object();
    json.member("defaultKmsKeyName", std::string_view{bucket.default_kms_key.text});
    json.end_object();
  }
  map(json, "labels", bucket.labels);
  if (!bucket.lifecycle.empty()) json.key("lifecycle").raw(bucket.lifecycle);
  if (bucket.generation) integer(json, "generation", *bucket.generation);
  for (const auto& [name, value] : bucket.more) json.key(name).raw(value);
  json.end_object();
}

void change(JsonWriter& json, std::string_view key, const FieldChange& field) {
  if (field.kind == FieldChange::Kind::kNull) json.key(key).null();
  if (field.kind == FieldChange::Kind::kText) json.member(key, std::string_view{field.text});
}

void write(JsonWriter& json, const ObjectChange& object) {
  json.begin_object();
  change(json, "name", object.name);
  change(json, "bucket", object.bucket);
  change(json, "contentType", object.content_type);
  change(json, "contentEncoding", object.content_encoding);
  change(json, "cacheControl", object.cache_control);
  change(json, "contentDisposition", object.content_disposition);
  change(json, "contentLanguage", object.content_language);
  change(json, "storageClass", object.storage_class);
  change(json, "customTime", object.custom_time);
  if (object.event_based_hold) json.member("eventBasedHold", *object.event_based_hold);
  if (object.temporary_hold) json.member("temporaryHold", *object.temporary_hold);
  if (object.has_retention) {
    json.key("retention");
    if (object.retention_mode.empty()) {
      json.null();
    } else {
      json.begin_object().member("mode", std::string_view{object.retention_mode});
      time(json, "retainUntilTime", object.retain_until);
      json.end_object();
    }
  }
  if (object.acl) {
    json.key("acl").begin_array();
    for (const auto& line : *object.acl) {
      json.begin_object().member("entity", std::string_view{line.entity});
      json.member("role", std::string_view{line.role}).end_object();
    }
    json.end_array();
  }
  if (object.crc32c) text(json, "crc32c", render_crc32c(*object.crc32c));
  if (object.md5) text(json, "md5Hash", to_base64(*object.md5));
  if (object.metadata_null) json.key("metadata").null();
  if (object.has_metadata) {
    json.key("metadata").begin_object();
    for (const auto& [name, value] : object.metadata) {
      json.key(name);
      if (value) {
        json.value(std::string_view{*value});
      } else {
        json.null();
      }
    }
    json.end_object();
  }
  json.end_object();
}

}  // namespace

std::string render(const ObjectResource& object) {
  JsonWriter json;
  write(json, object);
  return json.take();
}

std::string render(const BucketResource& bucket) {
  JsonWriter json;
  write(json, bucket);
  return json.take();
}

std::string render(const ObjectList& list) {
  JsonWriter json;
  json.begin_object().member("kind", "storage#objects");
  text(json, "nextPageToken", list.next_page_token);
  if (!list.prefixes.empty()) {
    json.key("prefixes").begin_array();
    for (const auto& prefix : list.prefixes) json.value(std::string_view{prefix});
    json.end_array();
  }
  if (!list.items.empty()) {
    json.key("items").begin_array();
    for (const auto& item : list.items) write(json, item);
    json.end_array();
  }
  json.end_object();
  return json.take();
}

std::string render(const BucketList& list) {
  JsonWriter json;
  json.begin_object().member("kind", "storage#buckets");
  text(json, "nextPageToken", list.next_page_token);
  if (!list.items.empty()) {
    json.key("items").begin_array();
    for (const auto& item : list.items) write(json, item);
    json.end_array();
  }
  json.end_object();
  return json.take();
}

std::string render(const ErrorBody& error) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.member("code", error.code);
  json.member("message", std::string_view{error.message});
  json.key("errors").begin_array().begin_object();
  json.member("message", std::string_view{error.message});
  text(json, "domain", error.domain);
  text(json, "reason", error.reason);
  text(json, "locationType", error.location_type);
  text(json, "location", error.location);
  json.end_object().end_array().end_object().end_object();
  return json.take();
}

std::string render(const RewriteAnswer& answer) {
  JsonWriter json;
  json.begin_object().member("kind", "storage#rewriteResponse");
  integer(json, "totalBytesRewritten", answer.total_bytes_rewritten);
  integer(json, "objectSize", answer.object_size);
  json.member("done", answer.done);
  text(json, "rewriteToken", answer.rewrite_token);
  if (answer.resource) {
    json.key("resource");
    write(json, *answer.resource);
  }
  json.end_object();
  return json.take();
}

std::string render(const TokenAnswer& token) {
  JsonWriter json;
  json.begin_object();
  json.member("access_token", std::string_view{token.access_token});
  json.member("expires_in", token.expires_in_s);
  json.member("token_type", std::string_view{token.token_type});
  json.end_object();
  return json.take();
}

std::string render(const TokenError& error) {
  JsonWriter json;
  json.begin_object().member("error", std::string_view{error.error});
  text(json, "error_description", error.description);
  json.end_object();
  return json.take();
}

std::string render(const ObjectChange& object_change) {
  JsonWriter json;
  write(json, object_change);
  return json.take();
}

std::string render(const ComposeBody& compose) {
  JsonWriter json;
  json.begin_object().member("kind", "storage#composeRequest");
  json.key("sourceObjects").begin_array();
  for (const auto& source : compose.sources) {
    json.begin_object().member("name", std::string_view{source.name});
    if (source.generation) integer(json, "generation", *source.generation);
    if (source.if_generation_match) {
      json.key("objectPreconditions").begin_object();
      integer(json, "ifGenerationMatch", *source.if_generation_match);
      json.end_object();
    }
    json.end_object();
  }
  json.end_array();
  json.key("destination");
  write(json, compose.destination);
  if (compose.delete_sources) json.member("deleteSourceObjects", true);
  json.end_object();
  return json.take();
}

std::string render_crc32c(uint32_t value) { return to_base64(Crc32c::to_bytes(value)); }

std::string hash_header(std::optional<uint32_t> crc32c, const std::optional<std::string>& md5) {
  std::string out;
  if (crc32c) out = "crc32c=" + render_crc32c(*crc32c);
  if (md5) out += (out.empty() ? "md5=" : ",md5=") + to_base64(*md5);
  return out;
}

}  // namespace beringia::wire::gcs
