#pragma once

#include <string>

#include "base/error.h"
#include "io/stream.h"

namespace beringia::app {

/// Our listeners share their port (SO_REUSEPORT), so binding alone would not notice another
/// process on it. @error kBusy: somebody listens there; kInvalid: not an address of this machine
[[nodiscard]] Result<void> check_address_is_free(const io::Endpoint& endpoint,
                                                 const std::string& door);

/// A file:// backend of a flag must be there: a missing directory is most likely a typing error or
/// a disk that is not mounted. Other URLs pass. @error kNotFound
[[nodiscard]] Result<void> check_directory(const std::string& url);

}  // namespace beringia::app
