#pragma once

#include <string>

#include "base/error.h"
#include "io/http.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

// Buckets as websites: what browsers see below Options::website_domains. Everyone is anonymous
// there; what may be read is what a policy or a list gives to everyone.

/// Whether the request's host names a website; then the route's bucket and key are set.
/// @error kInvalid (tag InvalidURI)
[[nodiscard]] Result<bool> find_website(Call& call);

/// The page, or a redirect. `call` as find_website() left it.
/// @error what the answer's page tells: website_error_response()
[[nodiscard]] Result<io::HttpResponse> serve_website(Call& call);

/// A page of HTML that tells the error.
io::HttpResponse website_error_response(const Call& call, const Error& error);

}  // namespace beringia::protocol::s3
