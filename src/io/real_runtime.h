#pragma once

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "io/blocking_pool.h"
#include "io/epoll_loop.h"
#include "io/runtime.h"

namespace beringia::io {

/// Loops on threads of their own, the machine's clock and randomness.
class RealRuntime final : public Runtime {
 public:
  explicit RealRuntime(RuntimeOptions options);
  ~RealRuntime() override;
  void spawn(std::function<void()> body) override;
  void spawn_on(int index, std::function<void()> body) override;
  void run(std::function<void()> body) override;
  int loop_count() const override { return static_cast<int>(loops_.size()); }
  const Clock& clock() const override { return clock_; }
  Rng& rng() override { return rng_; }
  bool simulated() const override { return false; }
  void crash() override {}
  uint64_t stalls() const override { return group_.stalls.load(); }

 private:
  SystemClock clock_;
  SystemRng rng_;
  BlockingPool pool_;
  LoopGroup group_;
  std::vector<std::unique_ptr<EpollLoop>> loops_;
  std::vector<std::thread> threads_;
  std::atomic<size_t> next_{0};
};

}  // namespace beringia::io
