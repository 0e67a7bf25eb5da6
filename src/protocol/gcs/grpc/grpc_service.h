#pragma once

#include "io/http2.h"
#include "protocol/gcs/service.h"

namespace beringia::protocol::gcs {

/// What answers HTTP/2 at the address of the GCS door: gRPC (google.storage.v2 and GetStorageLayout
/// of google.storage.control.v2), and by `service` whatever else comes. Thread-safe.
io::Http2Handler http2_handler(Service& service);

}  // namespace beringia::protocol::gcs
