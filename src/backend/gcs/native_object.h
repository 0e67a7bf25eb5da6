#pragma once

#include <string>
#include <string_view>

#include "backend/backend.h"
#include "wire/gcsjson.h"

namespace beringia::backend::gcs {

/// How objects of Cloud Storage and our copies correspond (docs/formats/native-objects.md):
/// version = generation; custom metadata = attributes, key by key; the attributes
/// "beringia-http-cache-control", "-content-encoding", "-content-disposition" and
/// "-content-language" are the object's own fields of these names, so that every other client of
/// the bucket sees them too.

/// Custom metadata key of the random id of one upload call. It tells our own write, whose answer
/// was lost, from somebody else's. Not shown as an attribute.
inline constexpr std::string_view kUploadIdKey = "beringia-upload-id";
/// Larger uploads grow here until they are whole and checked; see Upload.
inline constexpr std::string_view kStagingPrefix = ".beringia/staging/";

/// @param prefix the backend's root, taken off the name
CopyInfo to_copy(const wire::gcs::ObjectResource& object, std::string_view prefix);

/// What an object shall carry.
struct ObjectFields {
  std::string content_type;
  std::string storage_class;  ///< "" = not sent
  Attributes attributes;
  std::string upload_id;  ///< "" = none
};
/// Every field of the object: what `fields` lacks is absent (or reset, for rewrites) natively.
wire::gcs::ObjectChange to_change(const ObjectFields& fields);
/// The members to PATCH so that `current` gets exactly these fields: what is there and not in
/// `fields` is sent as null. The upload id is kept.
wire::gcs::ObjectChange to_patch(const ObjectFields& fields,
                                 const wire::gcs::ObjectResource& current);

/// "9" -> 9. @error kConflict: not a generation (a version of some other backend)
[[nodiscard]] Result<uint64_t> generation_of(const Version& version);

std::string upload_id_of(const wire::gcs::ObjectResource& object);

}  // namespace beringia::backend::gcs
