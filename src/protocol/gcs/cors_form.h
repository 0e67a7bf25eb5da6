#pragma once

#include <string>

#include "base/error.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {

/// The member "cors" of a bucket as it is kept: S3's XML, one set of rules for both doors. "" takes
/// it away. @error kInvalid: a rule has no origin or method, or a method that has no form there
[[nodiscard]] Result<std::string> cors_from(const wire::Value& rules);
/// As JSON again; "" = nothing that can be told.
std::string render_cors(const std::string& xml);

}  // namespace beringia::protocol::gcs
