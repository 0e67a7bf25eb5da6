#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/context.h"
#include "io/sync.h"
#include "kv/engine.h"
#include "kv/group.h"
#include "kv/store.h"

namespace beringia::kv {

/// Group commit without a thread of its own: the first caller leads and writes a group, callers
/// that come meanwhile queue, and the leader passes the lead to the first of them. Runs the same
/// way on fibers, plain threads and in simulation. Thread-safe.
class Committer {
 public:
  // Bounds of one group and of the queue before it.
  static constexpr size_t kMaxGroupBatches = 256;
  static constexpr size_t kMaxGroupBytes = 4u << 20;
  static constexpr size_t kMaxQueued = 65536;

  Committer(Engine& engine, Numbers numbers);
  ~Committer();

  [[nodiscard]] Result<Committed> commit(const io::Context& context, Batch batch,
                                         Durability durability);
  [[nodiscard]] Result<void> wait_appended(const io::Context& context, const std::string& stream,
                                           uint64_t after);

 private:
  struct Waiter;
  using Waiters = std::vector<std::shared_ptr<Waiter>>;

  bool join(const std::shared_ptr<Waiter>& waiter);
  Result<bool> follow(const io::Context& context, const std::shared_ptr<Waiter>& waiter);
  void lead();
  Waiters take_group();
  void write(Waiters& group);
  void complete(Waiters& group);

  Engine& engine_;
  std::mutex mutex_;  // guards what follows; never held over engine calls
  std::deque<std::shared_ptr<Waiter>> queue_;
  bool led_ = false;  // someone leads
  std::optional<Error> poison_;
  Numbers numbers_;      // committed
  Witnesses witnesses_;  // the leader's
  io::WaitQueue appended_;
};

}  // namespace beringia::kv
