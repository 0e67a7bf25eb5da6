#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/call_ledger.h"
#include "base/path.h"
#include "meta/estate.h"
#include "meta/tree.h"

namespace beringia::core {

/// A declared backend with its client. Lives as long as any Mounts that holds it. Thread-safe.
struct LiveBackend {
  meta::BackendDeclaration declaration;
  std::shared_ptr<backend::Backend> client;  // owners: the Mounts generations that share it
  /// Of a store that bills by call, else null. Owners: as of the client, and the client.
  std::shared_ptr<backend::CallLedger> ledger;
  /// Monotonic nanoseconds until which freshness checks do not ask it again after a failure.
  mutable std::atomic<int64_t> avoid_until{0};

  /// What the store said of itself at the last probe; empty before the first.
  backend::StoreReport report() const;
  void set_report(backend::StoreReport report) const;

 private:
  mutable std::mutex report_mutex_;
  mutable backend::StoreReport report_;
};

struct LiveLocation {
  std::shared_ptr<const LiveBackend> backend;
  std::string prefix;  // "" or ends in '/'
};

struct LiveMount {
  meta::MountDeclaration declaration;
  std::vector<LiveLocation> locations;

  /// Location of a backend in this mount; for a backend that a policy brought in, the prefix is
  /// the mount's path below the backend's root. Null backend when `id` is unknown.
  LiveLocation location_of(const std::shared_ptr<const LiveBackend>& live) const;
};

/// The estate as running objects. Immutable; replaced as a whole.
class Mounts {
 public:
  Mounts(meta::Estate estate, std::vector<std::shared_ptr<const LiveBackend>> backends,
         uint64_t sync_epoch);
  /// The mount with the longest path that holds `path`; null if none.
  const LiveMount* find(const Path& path) const;
  /// `path` (directory form) is itself a mount's path.
  bool is_mount_point(const Path& path) const;
  std::shared_ptr<const LiveBackend> backend(meta::BackendId id) const;
  std::shared_ptr<const LiveBackend> backend(const std::string& name) const;
  const meta::Estate& estate() const { return estate_; }
  /// Directories synced under another epoch are to be looked at again.
  uint64_t sync_epoch() const { return sync_epoch_; }
  const std::vector<LiveMount>& all() const { return mounts_; }
  /// The path that an object protocol's bucket name stands for: its alias, else "/name/".
  [[nodiscard]] Result<Path> resolve_bucket(std::string_view bucket) const;

 private:
  meta::Estate estate_;
  std::vector<std::shared_ptr<const LiveBackend>> backends_;
  std::vector<LiveMount> mounts_;  // longest path first
  std::map<std::string, Path, std::less<>> aliases_;
  uint64_t sync_epoch_;
};

/// Holder of the current Mounts. Thread-safe.
class MountTable {
 public:
  std::shared_ptr<const Mounts> get() const;
  void set(std::shared_ptr<const Mounts> mounts);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Mounts> mounts_;  // owners: this table and requests under way
};

/// Native name of the entry or directory that `location` leads to, in one place of its mount: the
/// nearest ancestor with a native_base for that backend, else prefix + path below the mount.
std::string default_native_name(const LiveMount& mount, const LiveLocation& place,
                                const meta::Location& location);

/// The copy's own native name, or the default one.
std::string native_name_of(const meta::Copy& copy, const LiveMount& mount,
                           const LiveLocation& place, const meta::Location& location);

}  // namespace beringia::core
