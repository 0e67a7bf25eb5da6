#include "backend/factory.h"

#include <algorithm>

#include "backend/file/file_backend.h"
#include "backend/gcs/make_gcs.h"
#include "backend/guarded_backend.h"
#include "backend/limiting_backend.h"
#include "backend/memory/memory_backend.h"
#include "backend/metered_backend.h"
#include "backend/retrying_backend.h"
#include "backend/verifying_backend.h"
#include "base/encoding.h"
#include "io/descriptor_limit.h"

namespace beringia::backend {

namespace {

// A write holds its place while its client sends, and mostly waits: slow clients must not keep the
// others out. Connections and buffers have their own bounds below.
constexpr size_t kStreamsPerPlace = 16;
constexpr size_t kWaitingPerPlace = 16;  // calls in line for each place, before some are refused

constexpr size_t kMinOpenFiles = 16;
constexpr size_t kMaxOpenFiles = 8192;  // of one file backend
constexpr size_t kDescriptorShare = 8;  // it keeps at most this part of the process's descriptors

Result<std::unique_ptr<Backend>> make_file(const BackendSpec& spec,
                                           const BackendServices& services) {
  constexpr std::string_view kScheme = "file://";
  auto path = percent_decode(std::string_view{spec.url}.substr(kScheme.size()));
  auto bad = [&](std::string why) {
    return std::unexpected(invalid("cannot use the backend URL " + spec.url, std::move(why),
                                   "write it as file:///absolute/path"));
  };
  if (!path) return bad("a percent escape is broken");
  if (!path->starts_with('/')) return bad("the path is not absolute");
  while (path->size() > 1 && path->ends_with('/')) path->pop_back();
  file::FileOptions options;
  options.root = std::move(*path);
  options.max_open_files =
      std::clamp(io::descriptor_limit() / kDescriptorShare, kMinOpenFiles, kMaxOpenFiles);
  return std::unique_ptr<Backend>{
      std::make_unique<file::FileBackend>(std::move(options), services.disk, services.rng)};
}

Result<std::unique_ptr<Backend>> make_bare(const BackendSpec& spec,
                                           const BackendServices& services) {
  if (spec.url.starts_with("file://")) return make_file(spec, services);
  if (spec.url.starts_with("gs://")) {
    gcs::GcsSpec gcs_spec;
    gcs_spec.name = spec.name;
    gcs_spec.url = spec.url;
    gcs_spec.user_project = spec.user_project;
    gcs_spec.kms_key = spec.kms_key;
    gcs_spec.max_calls_per_hour = spec.max_calls_per_hour;
    gcs_spec.ledger = spec.ledger;
    gcs_spec.endpoint = spec.endpoint;
    gcs_spec.credentials = spec.credentials;
    gcs_spec.max_connections = spec.max_concurrency;
    return gcs::make(gcs_spec, services.rng);
  }
  if (spec.url == "memory:") {
    return std::unique_ptr<Backend>{std::make_unique<memory::MemoryBackend>()};
  }
  return std::unexpected(invalid("cannot use the backend URL " + spec.url,
                                 "its scheme is not one of file, gs, memory",
                                 "write it as file:///path, gs://bucket[/prefix] or memory:"));
}

/// From the inside out: what is repeated is still one call to those who count and limit.
std::unique_ptr<Backend> wrap(const BackendSpec& spec, std::unique_ptr<Backend> bare, Rng& rng) {
  // gcs repeats by itself: it knows which of its requests are safe, and where uploads stand.
  if (bare->capabilities().kind != "gcs") {
    bare = std::make_unique<RetryingBackend>(spec.name, std::move(bare), RetryLimits{}, rng);
  }
  bare = std::make_unique<VerifyingBackend>(spec.name, std::move(bare));
  const bool remote = !bare->capabilities().zero_copy_read;
  bare = std::make_unique<MeteredBackend>(spec.name, std::move(bare), spec.ledger);
  // Inside the line of those who wait: waiting in it says nothing about the backend.
  if (remote) bare = std::make_unique<GuardedBackend>(spec.name, std::move(bare), OutageLimits{});
  ConcurrencyLimits limits;
  limits.max_reads = std::max<size_t>(spec.max_concurrency, 1);
  limits.max_writes = kStreamsPerPlace * limits.max_reads;
  limits.max_waiting = kWaitingPerPlace * limits.max_reads;
  return std::make_unique<LimitingBackend>(spec.name, std::move(bare), limits);
}

}  // namespace

Result<std::unique_ptr<Backend>> make(const BackendSpec& spec, const BackendServices& services) {
  BR_TRY(bare, make_bare(spec, services));
  return wrap(spec, std::move(bare), services.rng);
}

}  // namespace beringia::backend
