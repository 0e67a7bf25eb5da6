#pragma once

#include <string_view>

#include "base/error.h"
#include "io/http.h"

namespace beringia::protocol::gcs {

/// Reads one part of a batch: "GET /storage/v1/b/x?y HTTP/1.1", headers, blank line, body. Less
/// strict than the head of a connection, whose framing does not depend on it.
/// @return the body, a part of `message`. @error kInvalid
[[nodiscard]] Result<std::string_view> parse_batch_message(std::string_view message,
                                                           io::HttpRequest& request);

}  // namespace beringia::protocol::gcs
