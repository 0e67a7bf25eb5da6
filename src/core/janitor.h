#pragma once

#include <cstdint>
#include <memory>

#include "core/parts.h"
#include "io/runtime.h"

namespace beringia::core {

/// Settles the intents that crashed or unreachable writes left: the native object decides. Ours
/// (same write id) is committed, the old version means nothing happened, anything else is adopted.
/// At start, before any front end listens, with `all`; later only this run's unsettled ones that
/// nobody holds. @return how many remain because their backend cannot be reached
[[nodiscard]] Result<uint64_t> recover_intents(const io::Context& context, Namespace::Parts& parts);

/// Executes delayed deletes that are due and whose object nobody reads. @return how many were tried
[[nodiscard]] Result<uint64_t> reap_doomed(const io::Context& context, Namespace::Parts& parts,
                                           size_t limit);

/// Background care: reaper, left-over intents, renames to settle, temporary files, expired uploads
/// (7 days) and outcomes (24 h), feed rows beyond the last 100,000. One per process.
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
