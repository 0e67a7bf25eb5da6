#pragma once

#include <pugixml.hpp>

#include "base/error.h"
#include "wire/lifecycle.h"

namespace beringia::wire::s3 {

// What S3 asks of a lifecycle rule beyond the form of its document.

/// NewerNoncurrentVersions. @error kInvalid (MalformedXML, InvalidArgument)
[[nodiscard]] Result<uint32_t> read_newer_versions(const pugi::xml_node& node);

/// The members of one rule against each other. @error kInvalid (InvalidRequest, InvalidArgument)
[[nodiscard]] Result<void> check_rule(const LifecycleRule& rule);

/// Ids are unique and not too long; a rule without one gets one. @error kInvalid (InvalidArgument)
[[nodiscard]] Result<void> settle_ids(Lifecycle& lifecycle);

}  // namespace beringia::wire::s3
