#include "core/path_locks.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace beringia::core {

PathLocks::Guard::Guard(Guard&& other) noexcept
    : locks_{std::exchange(other.locks_, nullptr)}, path_{std::move(other.path_)} {}

PathLocks::Guard& PathLocks::Guard::operator=(Guard&& other) noexcept {
  if (this != &other) {
    release();
    locks_ = std::exchange(other.locks_, nullptr);
    path_ = std::move(other.path_);
  }
  return *this;
}

PathLocks::Guard::~Guard() { release(); }

void PathLocks::Guard::release() {
  if (auto* locks = std::exchange(locks_, nullptr)) locks->unlock(path_);
}

PathLocks::Shard& PathLocks::shard(const std::string& path) {
  return shards_[std::hash<std::string>{}(path) % shards_.size()];
}

Result<PathLocks::Guard> PathLocks::lock(const io::Context& context, const Path& path) {
  for (;;) {
    BR_TRY(guard, lock_slot(context, path));
    if (!is_frozen(path)) return std::move(guard);
    guard.release();
    BR_TRY(wait_for_thaw(context, path));
  }
}

Result<PathLocks::Guard> PathLocks::lock_slot(const io::Context& context, const Path& path) {
  Shard& home = shard(path.text());
  Slot* slot = nullptr;
  {
    std::lock_guard lock{home.mutex};
    auto& owned = home.slots[path.text()];
    if (!owned) owned = std::make_unique<Slot>();
    ++owned->users;
    slot = owned.get();
  }
  if (auto locked = slot->mutex.lock(context); !locked) {
    std::lock_guard lock{home.mutex};
    if (--slot->users == 0) home.slots.erase(path.text());
    return std::unexpected(std::move(locked).error());
  }
  Guard guard;
  guard.locks_ = this;
  guard.path_ = path.text();
  return guard;
}

Result<std::pair<PathLocks::Guard, PathLocks::Guard>> PathLocks::lock_both(
    const io::Context& context, const Path& a, const Path& b) {
  const Path& first = a < b ? a : b;
  const Path& second = a < b ? b : a;
  for (;;) {
    std::pair<Guard, Guard> guards;
    BR_TRY(first_guard, lock(context, first));
    guards.first = std::move(first_guard);
    if (a == b) return guards;
    BR_TRY(second_guard, lock_slot(context, second));
    guards.second = std::move(second_guard);
    if (!is_frozen(second)) return guards;
    // The freeze may be waiting for our first lock: start over.
    guards = {};
    BR_TRY(wait_for_thaw(context, second));
  }
}

void PathLocks::unlock(const std::string& path) {
  {
    Shard& home = shard(path);
    std::lock_guard lock{home.mutex};
    auto found = home.slots.find(path);
    found->second->mutex.unlock();
    if (--found->second->users == 0) home.slots.erase(found);
  }
  if (freezes_.load() == 0) return;
  std::lock_guard lock{frozen_mutex_};
  released_.notify_all();
}

namespace {

bool lies_below(const std::string& path, const std::vector<Path>& directories) {
  return std::any_of(directories.begin(), directories.end(),
                     [&](const Path& directory) { return path.starts_with(directory.text()); });
}

}  // namespace

bool PathLocks::is_frozen(const Path& path) {
  if (freezes_.load() == 0) return false;
  std::lock_guard lock{frozen_mutex_};
  return std::any_of(frozen_.begin(), frozen_.end(),
                     [&](const auto& directories) { return lies_below(path.text(), directories); });
}

Result<void> PathLocks::wait_for_thaw(const io::Context& context, const Path& path) {
  std::unique_lock lock{frozen_mutex_};
  auto frozen = [&] {
    return std::any_of(frozen_.begin(), frozen_.end(), [&](const auto& directories) {
      return lies_below(path.text(), directories);
    });
  };
  while (frozen()) BR_TRY(thawed_.wait(context, lock));
  return {};
}

/// Slots of waiters count too: those find the freeze and go away.
bool PathLocks::any_below(const std::vector<Path>& directories) {
  for (auto& shard : shards_) {
    std::lock_guard lock{shard.mutex};
    for (const auto& [path, slot] : shard.slots) {
      if (lies_below(path, directories)) return true;
    }
  }
  return false;
}

Result<void> PathLocks::wait_for_holders(const io::Context& context,
                                         const std::vector<Path>& directories) {
  std::unique_lock lock{frozen_mutex_};
  while (any_below(directories)) BR_TRY(released_.wait(context, lock));
  return {};
}

Result<PathLocks::Freeze> PathLocks::freeze(const io::Context& context,
                                            std::vector<Path> directories) {
  BR_TRY(turn, io::MutexGuard::lock(context, freezing_));
  Freeze freeze;
  {
    std::lock_guard lock{frozen_mutex_};
    freeze.place_ = frozen_.insert(frozen_.end(), std::move(directories));
  }
  freeze.locks_ = this;
  ++freezes_;
  BR_TRY(wait_for_holders(context, *freeze.place_));
  return freeze;
}

void PathLocks::thaw(std::list<std::vector<Path>>::iterator place) {
  --freezes_;
  std::lock_guard lock{frozen_mutex_};
  frozen_.erase(place);
  thawed_.notify_all();
}

PathLocks::Freeze::Freeze(Freeze&& other) noexcept
    : locks_{std::exchange(other.locks_, nullptr)}, place_{other.place_} {}

PathLocks::Freeze::~Freeze() {
  if (locks_ != nullptr) locks_->thaw(place_);
}

namespace {

std::string read_key(uint32_t backend, const std::string& native_name, const std::string& version) {
  return std::to_string(backend) + '\n' + version + '\n' + native_name;
}

}  // namespace

OpenReads::Lease::Lease(Lease&& other) noexcept
    : reads_{std::exchange(other.reads_, nullptr)}, key_{std::move(other.key_)} {}

OpenReads::Lease& OpenReads::Lease::operator=(Lease&& other) noexcept {
  std::swap(reads_, other.reads_);
  std::swap(key_, other.key_);
  return *this;
}

OpenReads::Lease::~Lease() {
  if (reads_ == nullptr) return;
  auto& home = reads_->shards_[std::hash<std::string>{}(key_) % reads_->shards_.size()];
  std::lock_guard lock{home.mutex};
  if (auto found = home.counts.find(key_); --found->second == 0) home.counts.erase(found);
}

OpenReads::Lease OpenReads::open(uint32_t backend, const std::string& native_name,
                                 const std::string& version) {
  Lease lease;
  lease.reads_ = this;
  lease.key_ = read_key(backend, native_name, version);
  auto& home = shards_[std::hash<std::string>{}(lease.key_) % shards_.size()];
  std::lock_guard lock{home.mutex};
  ++home.counts[lease.key_];
  return lease;
}

bool OpenReads::any(uint32_t backend, const std::string& native_name,
                    const std::string& version) const {
  const std::string key = read_key(backend, native_name, version);
  const auto& home = shards_[std::hash<std::string>{}(key) % shards_.size()];
  std::lock_guard lock{home.mutex};
  return home.counts.contains(key);
}

}  // namespace beringia::core
