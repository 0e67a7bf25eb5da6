#include "app/flag_estate.h"

#include <algorithm>

#include "protocol/admin/estate_file.h"

namespace beringia::app {
namespace {

constexpr size_t kMaxName = 48;

/// [a-z0-9-] of the last component of a URL: "file:///srv/Lake 1/" -> "lake-1".
std::string name_of(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  std::string name;
  for (char c : url.substr(url.find_last_of("/:") + 1)) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += plain ? c : '-';
  }
  name = name.substr(0, kMaxName);
  return name.empty() ? "backend" : name;
}

/// The backend of `url`, declared at its first use.
const std::string& backend_for(meta::Estate& estate, const meta::Estate& before,
                               const std::string& url, uint64_t concurrency) {
  for (const auto& backend : estate.backends) {
    if (backend.url == url) return backend.name;
  }
  const auto taken = [&](const std::string& name) {
    return std::ranges::any_of(estate.backends, [&](const auto& one) { return one.name == name; });
  };
  meta::BackendDeclaration backend;
  backend.url = url;
  backend.max_concurrency = concurrency;
  for (const auto& old : before.backends) {
    if (old.url == url && !taken(old.name)) backend.name = old.name;
  }
  if (backend.name.empty()) {
    const auto of_another = [&](const std::string& name) {
      return taken(name) || std::ranges::any_of(before.backends, [&](const auto& old) {
               return old.name == name && old.url != url;
             });
    };
    const std::string name = name_of(url);
    backend.name = name;
    for (int number = 2; of_another(backend.name); ++number) {
      backend.name = name + "-" + std::to_string(number);
    }
  }
  estate.backends.push_back(std::move(backend));
  return estate.backends.back().name;
}

Error bad_mount(const std::string& flag, std::string why) {
  return invalid("cannot use --mount " + flag, std::move(why),
                 "write it as --mount /=file:///srv/lake or --mount /cloud=gs://bucket");
}

}  // namespace

Result<meta::Estate> estate_of_flags(const Settings& settings, const std::string& objects,
                                     const meta::Estate& before) {
  meta::Estate estate = before;
  estate.backends.clear();
  estate.mounts.clear();
  const auto add = [&](const Path& path, const std::string& url, bool exclusive) {
    const auto found = std::ranges::find_if(
        estate.mounts, [&](const meta::MountDeclaration& mount) { return mount.path == path; });
    const size_t at = static_cast<size_t>(found - estate.mounts.begin());
    if (found == estate.mounts.end()) {
      meta::MountDeclaration mount;
      mount.path = path;
      mount.freshness.exclusive = exclusive;
      estate.mounts.push_back(std::move(mount));
    }
    const auto& name = backend_for(estate, before, url, settings.backend_concurrency);
    estate.mounts[at].locations.push_back({name, ""});
  };
  for (const auto& flag : settings.mount) {
    const size_t equals = flag.find('=');
    if (equals == std::string::npos) return std::unexpected(bad_mount(flag, "it has no '='"));
    const auto path = Path::parse(flag.substr(0, equals));
    if (!path) return std::unexpected(bad_mount(flag, "its path does not begin with '/'"));
    add(path->as_directory(), flag.substr(equals + 1), settings.freshness == "exclusive");
  }
  // Nobody else knows of DIR/objects.
  if (settings.mount.empty()) add(Path{}, "file://" + objects, true);
  BR_TRY(protocol::admin::check_estate(estate));
  protocol::admin::assign_backend_ids(before, estate);
  return estate;
}

}  // namespace beringia::app
