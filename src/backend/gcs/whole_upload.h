#pragma once

#include <string>
#include <string_view>

#include "backend/gcs/object_calls.h"

namespace beringia::backend::gcs {

/// An object that goes out in one request.
struct WholeUpload {
  std::string name;
  std::string_view bytes;
  uint32_t crc32c = 0;             ///< of the bytes
  std::optional<std::string> md5;  ///< of the bytes, 16 raw bytes
  std::string content_type;
  wire::gcs::ObjectChange fields;  ///< with `upload_id` among them
  std::string upload_id;
};

/// Sends it under the condition that `generation` is under the name. The service checks the sums
/// before the object exists. A lost answer is recognized by the upload id.
/// @error kConflict: another generation is there; kCorrupt: the service got or holds other bytes
[[nodiscard]] Result<wire::gcs::ObjectResource> upload_whole(const io::Context& context,
                                                             const ObjectCalls& calls,
                                                             const WholeUpload& upload,
                                                             uint64_t generation,
                                                             const std::string& what);

}  // namespace beringia::backend::gcs
