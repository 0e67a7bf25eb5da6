#pragma once

#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/call_ledger.h"
#include "base/error.h"
#include "base/random.h"
#include "io/disk.h"

namespace beringia::backend {

/// Where a backend is and how to reach it, as an operator declares it.
struct BackendSpec {
  std::string name;  ///< for metrics and messages
  /// "file:///srv/lake", "gs://bucket[/prefix]" or "memory:".
  std::string url;
  /// gcs: "http[s]://host[:port]" of a service other than Google's. Empty: STORAGE_EMULATOR_HOST if
  /// set (then no credentials are sent, as in Google's libraries), else Google.
  std::string endpoint;
  /// gcs: path of a service-account key file; "none" = send no credentials (emulators); "" = the
  /// metadata server of the machine (GCE_METADATA_HOST is honoured).
  std::string credentials;
  size_t max_concurrency = 64;  ///< calls under way at once; further ones wait
  /// gcs: the project that pays for requests to a requester-pays bucket; "" = the bucket's owner.
  std::string user_project = {};
  /// gcs: "projects/P/locations/L/keyRings/R/cryptoKeys/K" for what is written; "" = the bucket's.
  std::string kms_key = {};
  uint64_t max_calls_per_hour = 0;  ///< gcs: billed requests; more are refused. 0 = no limit
  /// gcs: counts what is sent. Owners: who shows it, and the backend. May be null.
  std::shared_ptr<CallLedger> ledger = nullptr;
};

/// What backends are made of. References outlive every backend made.
struct BackendServices {
  io::Disk& disk;
  Rng& rng;
};

/// Makes the backend and wraps it (checksums, metrics, concurrency limit, retries where it does not
/// do its own, and for remote ones bounds of time and a memory of outages). Nothing is contacted:
/// see Backend::probe().
/// @error kInvalid: URL, endpoint or credentials cannot be understood; kNotFound: no such key file
[[nodiscard]] Result<std::unique_ptr<Backend>> make(const BackendSpec& spec,
                                                    const BackendServices& services);

}  // namespace beringia::backend
