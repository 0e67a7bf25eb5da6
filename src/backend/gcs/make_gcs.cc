#include "backend/gcs/make_gcs.h"

#include <algorithm>

#include "backend/gcs/connection.h"
#include "backend/gcs/gcs_backend.h"

namespace beringia::backend::gcs {

namespace {

constexpr size_t kReadAheadShare = 4;  // of the connections, one in this many may read ahead

}  // namespace

Result<std::unique_ptr<Backend>> make(const GcsSpec& spec, Rng& rng) {
  GcsOptions options;
  BR_TRY(location, Location::parse(spec.url));
  location.set_kms_key(spec.kms_key);
  options.location = std::move(location);
  options.name = spec.name;
  options.user_project = spec.user_project;
  options.pace.max_in_flight = spec.max_connections;
  options.pace.max_calls_per_hour = spec.max_calls_per_hour;
  options.pace.ledger = spec.ledger;
  options.retry = spec.retry;
  options.upload = spec.upload;
  options.read_ahead = spec.read_ahead;
  // Reads ahead leave most connections to those who wait for their first byte.
  const uint64_t connections = spec.max_connections / kReadAheadShare;
  options.read_ahead.buffer_bytes =
      std::min(options.read_ahead.buffer_bytes, connections * options.read_ahead.segment_bytes);

  BR_TRY(connection, connect(spec, std::string{kReadWriteScope}, rng));
  return std::unique_ptr<Backend>{std::make_unique<GcsBackend>(
      std::move(options), std::move(connection.http), std::move(connection.credentials), rng)};
}

}  // namespace beringia::backend::gcs
