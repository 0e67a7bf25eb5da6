#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/path.h"
#include "io/sync.h"

namespace beringia::core {

/// One lock per entry path, made on demand. Writers, movers and adoption of foreign changes hold it
/// from their last look at the entry until their commit. A directory's rename freezes all paths
/// below its old and new name instead. Thread-safe; locks are FIFO and park.
class PathLocks {
 public:
  class Guard {
   public:
    Guard() = default;
    Guard(Guard&& other) noexcept;
    Guard& operator=(Guard&& other) noexcept;
    ~Guard();
    void release();
    explicit operator bool() const { return locks_ != nullptr; }

   private:
    friend class PathLocks;
    PathLocks* locks_ = nullptr;
    std::string path_;
  };
  /// While it lives nobody holds or gets a lock below its directories.
  class Freeze {
   public:
    Freeze() = default;
    Freeze(Freeze&& other) noexcept;
    Freeze& operator=(Freeze&&) = delete;
    ~Freeze();

   private:
    friend class PathLocks;
    PathLocks* locks_ = nullptr;
    std::list<std::vector<Path>>::iterator place_;
  };

  /// @error kCancelled
  [[nodiscard]] Result<Guard> lock(const io::Context& context, const Path& path);
  /// Both, in a fixed order; the same path twice is locked once.
  [[nodiscard]] Result<std::pair<Guard, Guard>> lock_both(const io::Context& context, const Path& a,
                                                          const Path& b);
  /// Waits until nobody holds a lock below `directories` (directory form). The caller holds none.
  /// One at a time. @error kCancelled
  [[nodiscard]] Result<Freeze> freeze(const io::Context& context, std::vector<Path> directories);

 private:
  struct Slot {
    io::Mutex mutex;
    int users = 0;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::unique_ptr<Slot>> slots;
  };
  Shard& shard(const std::string& path);
  void unlock(const std::string& path);
  void thaw(std::list<std::vector<Path>>::iterator place);
  bool is_frozen(const Path& path);
  Result<void> wait_for_thaw(const io::Context& context, const Path& path);
  Result<Guard> lock_slot(const io::Context& context, const Path& path);
  Result<void> wait_for_holders(const io::Context& context, const std::vector<Path>& directories);
  bool any_below(const std::vector<Path>& directories);

  std::array<Shard, 64> shards_;
  std::atomic<int> freezes_{0};  // so that locks need not look when there is none
  io::Mutex freezing_;           // one freeze waits for holders at a time
  std::mutex frozen_mutex_;      // guards what follows
  std::list<std::vector<Path>> frozen_;
  io::WaitQueue thawed_;
  io::WaitQueue released_;  // somebody let go of a lock while a freeze waits
};

/// Reads under way per native object version, so that a move removes a source only when nobody is
/// in the middle of it. Thread-safe.
class OpenReads {
 public:
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease();

   private:
    friend class OpenReads;
    OpenReads* reads_ = nullptr;
    std::string key_;
  };
  Lease open(uint32_t backend, const std::string& native_name, const std::string& version);
  bool any(uint32_t backend, const std::string& native_name, const std::string& version) const;

 private:
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, int> counts;
  };
  std::array<Shard, 64> shards_;
};

}  // namespace beringia::core
