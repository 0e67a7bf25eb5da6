#pragma once

#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/gcs/read_ahead.h"
#include "backend/gcs/retry.h"
#include "backend/gcs/upload.h"
#include "base/random.h"

namespace beringia::backend::gcs {

struct GcsSpec {
  std::string name = "gcs";  ///< for metrics and messages
  std::string url;           ///< gs://bucket[/prefix]
  std::string endpoint;      ///< as in BackendSpec
  std::string credentials;   ///< as in BackendSpec
  std::string user_project;  ///< as in BackendSpec
  std::string kms_key;       ///< as in BackendSpec
  uint64_t max_calls_per_hour = 0;
  std::shared_ptr<CallLedger> ledger = nullptr;  ///< as in BackendSpec
  size_t max_connections = 64;
  RetryPolicy retry;
  UploadOptions upload;
  ReadAheadOptions read_ahead;
};

/// A GcsBackend over HTTP. @error kInvalid; kNotFound: no such key file
[[nodiscard]] Result<std::unique_ptr<Backend>> make(const GcsSpec& spec, Rng& rng);

}  // namespace beringia::backend::gcs
