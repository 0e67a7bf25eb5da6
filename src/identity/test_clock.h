#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace beringia::identity {

/// A clock of tests, which goes only by hand.
class HandClock final : public Clock {
 public:
  Timestamp wall() const override { return {micros_.load()}; }
  MonotonicTime monotonic() const override { return {micros_.load() * 1000}; }
  void pass(std::chrono::seconds s) { micros_ += s.count() * 1'000'000; }
  int64_t seconds() const { return micros_.load() / 1'000'000; }

 private:
  std::atomic<int64_t> micros_{1'790'000'000'000'000};
};

}  // namespace beringia::identity
