#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "io/http.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// The one table from Error to what S3 answers.
struct WireError {
  int status = 500;
  std::string_view code;
  std::string_view message;  // "" = the error's own words
};
WireError wire_error_of(const Error& error);

/// The words for the client: S3's own where it has some.
std::string message_of(const Error& error, const WireError& wire);

/// The whole answer. No body for HEAD and 304.
io::HttpResponse error_response(const Call& call, const Error& error);

}  // namespace beringia::protocol::s3
