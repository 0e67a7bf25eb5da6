#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/path.h"
#include "io/sync.h"

namespace beringia::core {

/// One lock per entry path, made on demand. Writers, movers and adoption of foreign changes hold it
/// from their last look at the entry until their commit. Thread-safe; locks are FIFO and park.
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
  /// @error kCancelled
  [[nodiscard]] Result<Guard> lock(const io::Context& context, const Path& path);
  /// Both, in a fixed order; the same path twice is locked once.
  [[nodiscard]] Result<std::pair<Guard, Guard>> lock_both(const io::Context& context, const Path& a,
                                                          const Path& b);

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
  std::array<Shard, 64> shards_;
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
