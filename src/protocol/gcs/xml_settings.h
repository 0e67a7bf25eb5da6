#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {

// What is set on a bucket in the words of the XML API ("?cors", "?lifecycle" ...): another form of
// members of the JSON API's bucket resource, which say what holds.

bool is_xml_setting(std::string_view name);
/// The document as the body of a patch. @error kInvalid: malformed, or more than the XML API has
[[nodiscard]] Result<std::string> json_of_xml_setting(std::string_view name,
                                                      const std::string& xml);
/// The setting of a bucket's resource as a document.
std::string xml_of_setting(std::string_view name, const wire::Value& bucket);

}  // namespace beringia::protocol::gcs
