#pragma once

#include <cstdint>
#include <memory>

#include "core/parts.h"
#include "core/recovery.h"
#include "io/runtime.h"

namespace beringia::core {

/// Executes delayed deletes that are due and whose object nobody reads. @return how many were tried
[[nodiscard]] Result<uint64_t> reap_doomed(const io::Context& context, Namespace::Parts& parts,
                                           size_t limit);

/// Background care: reaper, left-over intents, renames to settle, temporary files, expired uploads
/// (7 days) and outcomes (24 h), feed rows that nobody needs any more. One per process.
class Janitor {
 public:
  struct Options {
    Duration interval = std::chrono::seconds{2};
    Duration sweep_interval = std::chrono::minutes{10};
    Duration temporary_age = std::chrono::hours{24};
    Duration upload_age = std::chrono::hours{24 * 7};
  };
  Janitor(io::Runtime& runtime, Namespace::Parts& parts, Options options);
  ~Janitor();  // stops and joins
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;  // owners: this and its fiber
};

/// The start of a process run: counts boots, and after an unclean stop makes exclusive mounts look
/// at their directories again. @return {boot number, sync epoch}
struct Boot {
  uint64_t number = 0;
  uint64_t sync_epoch = 0;
};
[[nodiscard]] Result<Boot> begin_boot(const io::Context& context, kv::Store& store,
                                      uint64_t estate_epoch);
/// A clean stop: call last.
[[nodiscard]] Result<void> end_boot(const io::Context& context, kv::Store& store);

}  // namespace beringia::core
