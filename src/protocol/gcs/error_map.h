#pragma once

#include <string>

#include "base/error.h"
#include "io/http.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

/// The one table from Error to what Google's API answers.
struct WireError {
  int status = 500;
  std::string reason;    // JSON: errors[0].reason
  std::string xml_code;  // XML: Code
};
WireError wire_error_of(const Error& error);

/// The whole answer, in the dialect of the call's route. 304 has no body.
io::HttpResponse error_response(const Call& call, const Error& error);

}  // namespace beringia::protocol::gcs
