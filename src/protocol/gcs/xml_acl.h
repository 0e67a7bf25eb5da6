#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {

// Lists of access in the words of the XML API (reference: "Access control list XML format"): scopes
// and permissions for the entities and roles of the JSON API.

/// @param owner  entity of the owner
std::string xml_of_controls(std::string_view owner,
                            const std::vector<wire::gcs::AccessControl>& controls);
/// What a document asks for. Its Owner is not heeded: that is who made the thing.
/// @error kInvalid: malformed, an unknown scope or permission
[[nodiscard]] Result<std::vector<wire::gcs::AccessControl>> controls_of_xml(const std::string& xml);

}  // namespace beringia::protocol::gcs
