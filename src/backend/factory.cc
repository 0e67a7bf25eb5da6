#include "backend/factory.h"

#include "backend/file/file_backend.h"
#include "backend/gcs/make_gcs.h"
#include "backend/memory/memory_backend.h"
#include "base/encoding.h"

namespace beringia::backend {

namespace {

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
  return std::unique_ptr<Backend>{
      std::make_unique<file::FileBackend>(std::move(options), services.disk, services.rng)};
}

}  // namespace

Result<std::unique_ptr<Backend>> make(const BackendSpec& spec, const BackendServices& services) {
  if (spec.url.starts_with("file://")) return make_file(spec, services);
  if (spec.url.starts_with("gs://")) {
    gcs::GcsSpec gcs_spec;
    gcs_spec.url = spec.url;
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

}  // namespace beringia::backend
