#include "core/mounts.h"

#include <algorithm>

namespace beringia::core {

backend::StoreReport LiveBackend::report() const {
  std::lock_guard lock{report_mutex_};
  return report_;
}

void LiveBackend::set_report(backend::StoreReport report) const {
  std::lock_guard lock{report_mutex_};
  report_ = std::move(report);
}

LiveLocation LiveMount::location_of(const std::shared_ptr<const LiveBackend>& live) const {
  if (!live) return {};
  for (const auto& location : locations) {
    if (location.backend->declaration.id == live->declaration.id) return location;
  }
  return {live, declaration.path.text().substr(1)};
}

Mounts::Mounts(meta::Estate estate, std::vector<std::shared_ptr<const LiveBackend>> backends,
               uint64_t sync_epoch)
    : estate_{std::move(estate)}, backends_{std::move(backends)}, sync_epoch_{sync_epoch} {
  for (const auto& declaration : estate_.mounts) {
    LiveMount mount{declaration, {}};
    for (const auto& place : declaration.locations) {
      if (auto live = backend(place.backend)) mount.locations.push_back({live, place.prefix});
    }
    mounts_.push_back(std::move(mount));
  }
  std::sort(mounts_.begin(), mounts_.end(), [](const LiveMount& a, const LiveMount& b) {
    const auto& left = a.declaration.path.text();
    const auto& right = b.declaration.path.text();
    return left.size() != right.size() ? left.size() > right.size() : left < right;
  });
  for (const auto& alias : estate_.aliases) aliases_.emplace(alias.name, alias.target);
}

const LiveMount* Mounts::find(const Path& path) const {
  for (const auto& mount : mounts_) {
    if (path.is_under(mount.declaration.path)) return &mount;
  }
  return nullptr;
}

bool Mounts::is_mount_point(const Path& path) const {
  return std::any_of(mounts_.begin(), mounts_.end(),
                     [&](const LiveMount& mount) { return mount.declaration.path == path; });
}

std::shared_ptr<const LiveBackend> Mounts::backend(meta::BackendId id) const {
  for (const auto& live : backends_) {
    if (live->declaration.id == id) return live;
  }
  return nullptr;
}

std::shared_ptr<const LiveBackend> Mounts::backend(const std::string& name) const {
  for (const auto& live : backends_) {
    if (live->declaration.name == name) return live;
  }
  return nullptr;
}

Result<Path> Mounts::resolve_bucket(std::string_view bucket) const {
  if (auto found = aliases_.find(bucket); found != aliases_.end()) return found->second;
  return Path::from_bucket_key(bucket, "");
}

std::shared_ptr<const Mounts> MountTable::get() const {
  std::lock_guard lock{mutex_};
  return mounts_;
}

void MountTable::set(std::shared_ptr<const Mounts> mounts) {
  std::lock_guard lock{mutex_};
  mounts_ = std::move(mounts);
}

std::string default_native_name(const LiveMount& mount, const LiveLocation& place,
                                const meta::Location& location) {
  const auto components = location.path.directories();
  size_t first = mount.declaration.path.directories().size();
  std::string name = place.prefix;
  // directories[0] is the root; directories[k] is the k-th component.
  for (size_t k = location.directories.size() - 1; k > first; --k) {
    const auto& bases = location.directories[k].record.native_base;
    if (auto base = bases.find(place.backend->declaration.id); base != bases.end()) {
      name = base->second;
      first = k;
      break;
    }
  }
  for (size_t k = first; k < components.size(); ++k) {
    name += components[k];
    name += '/';
  }
  return name += location.path.name();
}

std::string native_name_of(const meta::Copy& copy, const LiveMount& mount,
                           const LiveLocation& place, const meta::Location& location) {
  return copy.native_name.empty() ? default_native_name(mount, place, location) : copy.native_name;
}

}  // namespace beringia::core
