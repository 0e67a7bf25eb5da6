#pragma once

#include <memory>
#include <string>

#include "backend/gcs/credentials.h"
#include "backend/gcs/make_gcs.h"
#include "io/http.h"

namespace beringia::backend::gcs {

/// A way to the service and who we are there.
struct Connection {
  std::unique_ptr<io::HttpClient> http;
  std::unique_ptr<Credentials> credentials;
};

/// By endpoint and credentials of the spec; nothing is contacted.
/// @param scope of the access tokens (OAuth)
/// @error kInvalid; kNotFound: no such key file
[[nodiscard]] Result<Connection> connect(const GcsSpec& spec, const std::string& scope, Rng& rng);

}  // namespace beringia::backend::gcs
