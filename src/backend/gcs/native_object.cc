#include "backend/gcs/native_object.h"

#include <array>

#include "base/encoding.h"
#include "wire/storage_class.h"

namespace beringia::backend::gcs {

namespace {

using wire::gcs::FieldChange;
using wire::gcs::ObjectChange;
using wire::gcs::ObjectResource;

/// An attribute that is a field of the object itself.
struct NativeField {
  std::string_view attribute;
  std::string ObjectResource::* value;
  FieldChange ObjectChange::* change;
};
constexpr std::array kNativeFields{
    NativeField{"beringia-http-cache-control", &ObjectResource::cache_control,
                &ObjectChange::cache_control},
    NativeField{"beringia-http-content-disposition", &ObjectResource::content_disposition,
                &ObjectChange::content_disposition},
    NativeField{"beringia-http-content-encoding", &ObjectResource::content_encoding,
                &ObjectChange::content_encoding},
    NativeField{"beringia-http-content-language", &ObjectResource::content_language,
                &ObjectChange::content_language},
};

bool is_native_field(std::string_view attribute) {
  for (const auto& field : kNativeFields) {
    if (field.attribute == attribute) return true;
  }
  return false;
}

FieldChange text(std::string value) { return {FieldChange::Kind::kText, std::move(value)}; }

}  // namespace

CopyInfo to_copy(const ObjectResource& object, std::string_view prefix) {
  CopyInfo info;
  info.name = object.name.starts_with(prefix) ? object.name.substr(prefix.size()) : object.name;
  info.size = object.size;
  info.version = std::to_string(object.generation);
  // timeCreated is when these bytes were written; `updated` moves with every metadata patch.
  info.modified = object.time_created.micros != 0 ? object.time_created : object.updated;
  info.crc32c = object.crc32c;
  info.md5 = object.md5;
  info.content_type = object.content_type;
  info.storage_class = object.storage_class;
  info.attributes = object.metadata;
  info.attributes.erase(std::string{kUploadIdKey});
  for (const auto& field : kNativeFields) {
    const auto& value = object.*field.value;
    if (!value.empty()) info.attributes[std::string{field.attribute}] = value;
  }
  return info;
}

ObjectChange to_change(const ObjectFields& fields) {
  ObjectChange change;
  if (!fields.content_type.empty()) change.content_type = text(fields.content_type);
  if (!fields.storage_class.empty()) {
    change.storage_class =
        text(wire::google_class(fields.storage_class));  // clients may have S3's words
  }
  for (const auto& field : kNativeFields) {
    auto found = fields.attributes.find(std::string{field.attribute});
    if (found != fields.attributes.end() && !found->second.empty()) {
      change.*field.change = text(found->second);
    }
  }
  change.has_metadata = true;
  for (const auto& [name, value] : fields.attributes) {
    if (!is_native_field(name)) change.metadata[name] = value;
  }
  if (!fields.upload_id.empty()) change.metadata[std::string{kUploadIdKey}] = fields.upload_id;
  return change;
}

ObjectChange to_patch(const ObjectFields& fields, const ObjectResource& current) {
  ObjectChange change = to_change(fields);
  for (const auto& field : kNativeFields) {
    if (!(change.*field.change).present() && !(current.*field.value).empty()) {
      (change.*field.change).kind = FieldChange::Kind::kNull;
    }
  }
  for (const auto& [name, value] : current.metadata) {
    if (name != kUploadIdKey) change.metadata.try_emplace(name, std::nullopt);
  }
  return change;
}

Result<uint64_t> generation_of(const Version& version) {
  auto generation = parse_u64(version);
  if (!generation || *generation == 0) {
    return std::unexpected(
        conflict("the object is another version", "\"" + version + "\" is not a generation"));
  }
  return *generation;
}

std::string upload_id_of(const ObjectResource& object) {
  auto found = object.metadata.find(std::string{kUploadIdKey});
  return found == object.metadata.end() ? std::string{} : found->second;
}

}  // namespace beringia::backend::gcs
