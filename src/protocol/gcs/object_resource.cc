#include "protocol/gcs/object_resource.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/encryption_headers.h"
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

Result<void> check_offered(const ObjectChange& change) {
  if (change.temporary_hold.value_or(false) || change.event_based_hold.value_or(false)) {
    return std::unexpected(unsupported("Object holds are not offered"));
  }
  if (!change.custom_time.value().empty()) {
    return std::unexpected(unsupported("customTime is not offered"));
  }
  return {};
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

std::string storage_class_of(const meta::EntryRecord& record) {
  return record.storage_class.empty() ? "STANDARD" : wire::google_class(record.storage_class);
}

wire::gcs::ObjectResource object_resource(const Call& call, std::string_view bucket,
                                          std::string_view name, const meta::EntryRecord& record) {
  auto object = object_resource(call.base_url, bucket, name, record);
  if (!shows_checksums(call, record.encryption)) object.crc32c.reset();
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
  object.updated = record.modified.micros == 0 ? record.created : record.modified;
  object.time_storage_class_updated = record.created;
  object.metadata = record.metadata;
  if (record.encryption.method == meta::Encryption::Method::kNamed) {
    object.kms_key_name = record.encryption.key_id;
  }
  object.customer_key_sha256 = to_base64(record.encryption.key_sha256);
  return object;
}

wire::gcs::ObjectResource object_resource(const Call& call, std::string_view bucket,
                                          std::string_view name, const core::Entry& entry) {
  wire::gcs::ObjectResource object = object_resource(call, bucket, name, entry.record);
  if (!entry.is_current) object.time_deleted = entry.became_noncurrent;
  return object;
}

namespace {

io::HttpResponse response_of(const wire::gcs::ObjectResource& object) {
  auto response = json_response(200, wire::gcs::render(object));
  response.headers.add("ETag", object.etag);
  return response;
}

}  // namespace

io::HttpResponse object_response(const Call& call, std::string_view bucket, std::string_view name,
                                 const meta::EntryRecord& record) {
  return response_of(object_resource(call, bucket, name, record));
}

io::HttpResponse object_response(const Call& call, std::string_view bucket, std::string_view name,
                                 const core::Entry& entry) {
  return response_of(object_resource(call, bucket, name, entry));
}

Result<std::optional<uint64_t>> named_generation(const Parameters& query, std::string_view name) {
  BR_TRY(generation, query.number(name));
  if (generation == core::kUnversioned) {
    return std::unexpected(not_found("there is no generation 0"));
  }
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

Result<core::WriteAttributes> attributes_of(const ObjectChange& change) {
  BR_TRY(check_offered(change));
  core::WriteAttributes attributes;
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
         change.metadata_null || std::ranges::any_of(kHttpFields, [&](const auto& item) {
           return (change.*item.second).present();
         });
}

Result<core::WriteAttributes> merged_attributes(const meta::EntryRecord& source,
                                                const ObjectChange& change) {
  BR_TRY(check_offered(change));
  core::WriteAttributes attributes;
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
  const bool replaces = change.has_metadata || change.metadata_null;
  attributes.metadata = replaces ? metadata_of(change) : source.metadata;
  attributes.tags = source.tags;
  BR_TRY(check_attributes(attributes));
  return attributes;
}

Result<core::AttributePatch> patch_of(const ObjectChange& change) {
  BR_TRY(check_offered(change));
  BR_TRY(checked, attributes_of(change));
  core::AttributePatch patch;
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
                                            const meta::EntryRecord& old) {
  BR_TRY(attributes, attributes_of(change));
  core::AttributePatch patch;
  patch.content_type = attributes.content_type;
  if (change.storage_class.present()) patch.storage_class = attributes.storage_class;
  for (const auto& [name, value] : old.http) patch.http[name] = "";
  for (const auto& [name, value] : attributes.http) patch.http[name] = value;
  patch.replace_metadata = true;
  patch.metadata = attributes.metadata;
  return patch;
}

Result<void> check_predefined_acl(const Parameters& query) {
  for (const std::string_view name :
       {"predefinedAcl", "predefinedDefaultObjectAcl", "destinationPredefinedAcl"}) {
    const std::string& value = query.get(name);
    if (value == "publicRead" || value == "publicReadWrite" || value == "authenticatedRead") {
      return std::unexpected(
          invalid("Cannot use ACL API to make data public when uniform bucket-level access is "
                  "enabled.",
                  std::string{name} + "=" + value,
                  "grant a path prefix to a principal in the estate file"));
    }
  }
  return {};
}

}  // namespace beringia::protocol::gcs
