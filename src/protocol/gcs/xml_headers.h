#pragma once

#include "core/namespace.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

/// x-goog-if-generation-match and -metageneration-match, If-Match, If-None-Match and the dates.
/// @error kInvalid
[[nodiscard]] Result<core::Conditions> xml_conditions_of(const Call& call);
/// Content-Type, the other content headers, x-goog-storage-class and x-goog-meta-*. @error kInvalid
[[nodiscard]] Result<core::WriteAttributes> xml_attributes_of(const Call& call);

/// x-goog-acl in the JSON API's words; "" = not said.
std::string xml_predefined_acl(const Call& call);

}  // namespace beringia::protocol::gcs
