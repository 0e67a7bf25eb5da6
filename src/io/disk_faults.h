#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "io/disk_call.h"

namespace beringia::io {

/// Which calls of a disk shall fail, and how often each was made. Thread-safe. Shared by FaultyDisk
/// (over any disk) and SimDisk.
class DiskFaults {
 public:
  /// The `nth` call of this kind from now on (1 = the next) and the `times - 1` after it fail with
  /// this errno.
  void fail_call(DiskCall call, uint64_t nth, int error_number, uint64_t times = 1);
  void fail_always(DiskCall call, int error_number);
  /// Each call fails with this probability (0..1).
  void fail_randomly(DiskCall call, double probability, int error_number);
  void clear();

  /// Reads "sync:eio, sync_directory:eio:3, write:enospc:10" (call, errno name, optionally only the
  /// n-th call) and adds it. For processes under test. @error kInvalid
  [[nodiscard]] Result<void> add(std::string_view text);

  /// Counts one call. @return the errno with which it shall fail
  std::optional<int> next(DiskCall call, Rng& rng);
  uint64_t calls(DiskCall call) const;
  uint64_t calls() const;

 private:
  struct Rule {
    DiskCall call;
    uint64_t first = 0;  // count of the call at which it begins
    uint64_t last = 0;
    double probability = 1;
    int error_number = 0;
  };
  void add_rule(Rule rule);

  mutable std::mutex mutex_;
  std::vector<Rule> rules_;
  std::array<uint64_t, kDiskCalls> counts_{};
  uint64_t total_ = 0;
};

}  // namespace beringia::io
