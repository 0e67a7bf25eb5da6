#pragma once

#include <pugixml.hpp>
#include <string>

#include "base/error.h"
#include "base/json_writer.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {

/// The rules of a LifecycleConfiguration as the member "lifecycle" of a bucket's patch; none take
/// the lifecycle away. @error kInvalid: malformed, or an unknown action or condition
[[nodiscard]] Result<void> read_xml_lifecycle(const pugi::xml_node& root, JsonWriter& json);
/// The rules of a bucket's resource, without the root.
void write_xml_lifecycle(std::string& xml, const wire::Value& bucket);

}  // namespace beringia::protocol::gcs
