#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/random.h"
#include "io/disk.h"
#include "io/disk_faults.h"
#include "io/sim_node.h"

namespace beringia::io {

struct SimDiskOptions {
  uint64_t seed = 0;
  Duration max_latency = std::chrono::milliseconds{2};  ///< virtual; 0: calls return at once
  size_t sector_bytes = 512;                            ///< what a torn write keeps or loses
  uint64_t capacity_bytes = std::numeric_limits<uint64_t>::max();
  int64_t timestamp_step_nanos = 1;  ///< 4'000'000: the coarse times of older kernels
};

/// A disk in memory that keeps exactly what was promised. After a crash each change that was not
/// made durable (writes sector by sector, truncations, attributes by File::sync(); names by
/// sync_directory()) is there or not, independently, as the seed says; a rename inside one
/// directory happens as a whole, a rename between directories never loses the file. What a failed
/// sync() left behind may be lost although later ones succeed.
///
/// Calls take virtual time on a fiber of a simulated runtime and none elsewhere. Deterministic: the
/// same seed and calls give the same answers. Thread-safe. Files must not outlive their disk.
class SimDisk final : public Disk {
 public:
  explicit SimDisk(SimDiskOptions options = {});
  ~SimDisk() override;

  /// Rules for failing calls, and counts. Failing calls that change something may have done it, or
  /// a part of it.
  DiskFaults& faults() { return faults_; }

  /// Power off: every call fails with kCancelled, also on files that are open, until restart().
  /// The same holds by itself once the runtime of the calling fiber has crashed.
  void crash();
  /// Crashes at the `nth` call from now on (1 = the next), before or after its effect, and then
  /// calls `also` (e.g. Runtime::crash()).
  void crash_at(uint64_t nth, std::function<void()> also = {});
  bool crashed() const;
  /// Power on again with what survived. Files opened before stay dead.
  void restart();

  /// For set-up: makes all directories of `path`, durable at once, without latency and faults.
  void prepare_directory(const std::string& path);
  /// All names, sizes and pending changes; for the message of a failing seed.
  std::string describe() const;

  [[nodiscard]] Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  [[nodiscard]] Result<FileStat> stat(const std::string& path) override;
  [[nodiscard]] Result<std::string> get_xattr(const std::string& path,
                                              const std::string& name) override;
  [[nodiscard]] Result<void> set_xattr(const std::string& path, const std::string& name,
                                       std::string_view value) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> rename_exclusive(const std::string& from,
                                              const std::string& to) override;
  [[nodiscard]] Result<void> link(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> unlink(const std::string& path) override;
  [[nodiscard]] Result<void> make_directory(const std::string& path) override;
  [[nodiscard]] Result<void> remove_directory(const std::string& path) override;
  [[nodiscard]] Result<void> list(const std::string& path,
                                  const std::function<bool(DirectoryItem)>& visit) override;
  [[nodiscard]] Result<void> sync_directory(const std::string& path) override;
  [[nodiscard]] Result<uint64_t> free_bytes(const std::string& path) override;

 private:
  class SimFile;
  struct Place {  // where a path leads: its directory, its last name, and what is there (or null)
    SimNodeRef directory;
    std::string name;
    SimNodeRef node;
  };

  /// One call: counts it, takes its time, may fail or crash; `act` runs under the lock.
  template <class Act>
  auto call(DiskCall kind, const std::string& subject, Act&& act) -> decltype(act());
  [[nodiscard]] Result<void> wait(Duration duration, uint64_t power_cycle);
  Duration latency();
  // The rest is called under the lock.
  Result<Place> find(const std::string& path) const;
  Result<Place> find_node(const std::string& path) const;
  Result<Place> find_free_name(const std::string& path) const;
  SimNodeRef new_node(bool is_directory);
  Result<void> change_file(SimNode& node, SimFileChange change);
  void change_names(SimNode& directory, SimNameChange change);
  Result<void> move(const std::string& from, const std::string& to, bool exclusive);
  Result<SimNodeRef> open_node(const std::string& path, OpenMode mode);
  Result<void> remove(const std::string& path, bool directory);
  int64_t timestamp() const;
  uint64_t used_bytes() const;

  const SimDiskOptions options_;
  SeededRng rng_;
  DiskFaults faults_;
  mutable std::mutex mutex_;  // guards all below; never held across a wait
  SimNodeRef root_;
  std::map<uint64_t, std::weak_ptr<SimNode>> nodes_;  // by inode
  uint64_t next_inode_ = 2;
  uint64_t sequence_ = 0;
  uint64_t power_cycle_ = 0;
  uint64_t crash_in_ = 0;  // calls left until the planned crash; 0: none
  std::function<void()> crash_also_;
  bool crashed_ = false;
};

}  // namespace beringia::io
