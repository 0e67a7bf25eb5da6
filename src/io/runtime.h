#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "base/random.h"
#include "base/time.h"
#include "io/context.h"

namespace beringia::io {

struct RuntimeOptions {
  int loops = 0;              ///< event-loop threads; 0 = one per core
  int blocking_threads = 16;  ///< bound of the blocking pool
  size_t stack_bytes =
      256 << 10;              ///< usable fiber stack (virtual; touched pages count), + guard page
  size_t max_fibers = 65536;  ///< more wait, unstarted, until others end
  size_t max_blocking_queue = 65536;
  bool watchdog = false;  ///< tests: counts and reports fibers that held a loop for 50 ms
};

/// Event loops, fibers and the pool for what blocks. Owned by app/ (or a test); everything that
/// waits finds the loop of the calling fiber by itself. Code that is not on a fiber (tests, CLI)
/// may call the same waiting functions: they then block the thread.
///
/// Two implementations share this class: real (epoll, one thread per loop, SystemClock) and
/// simulated (one thread, virtual time, order of ready fibers and duration of blocking calls drawn
/// from a seed; no sockets). Core code cannot tell them apart.
class Runtime {
 public:
  virtual ~Runtime() = default;

  static std::unique_ptr<Runtime> make(RuntimeOptions options = {});
  /// Deterministic: the same seed and the same program give the same run.
  static std::unique_ptr<Runtime> make_simulated(uint64_t seed);

  /// Starts a fiber on the next loop (round robin). Never blocks. The Runtime joins it at
  /// destruction; give it a CancelToken if it runs for long. Prefer Scope.
  virtual void spawn(std::function<void()> body) = 0;
  /// Same, on loop `index` modulo the number of loops.
  virtual void spawn_on(int index, std::function<void()> body) = 0;
  /// Runs `body` on a fiber and waits for it, from a plain thread. For simulated runtimes this
  /// drives the whole simulation until `body` has returned.
  virtual void run(std::function<void()> body) = 0;
  virtual int loop_count() const = 0;
  virtual const Clock& clock() const = 0;
  virtual Rng& rng() = 0;
  virtual bool simulated() const = 0;
  /// Simulated only: drops every fiber where it stands WITHOUT unwinding is impossible in C++, so
  /// a crash is made by failing every further wait with kCancelled ("crashed") and every Disk /
  /// network call likewise, until all fibers have ended. @see SimDisk
  /// Also called by itself from anywhere inside (SimDisk::crash_at). The run() that is going on
  /// returns when all fibers have ended; then the runtime can be used again, at the same virtual
  /// time, for what is started anew.
  virtual void crash() = 0;
  /// With `watchdog`: how often a fiber held its loop for more than 50 ms by sleeping or computing.
  virtual uint64_t stalls() const { return 0; }
};

/// The clock of the calling fiber's runtime, or the system's.
const Clock& current_clock();
MonotonicTime now();

/// True on a fiber.
bool on_fiber();
/// True once the simulated runtime of the calling fiber has crashed: stores and networks of a
/// simulation must refuse every call from then on.
bool crashed();
/// Lets other ready fibers of this loop run.
void yield();
/// Parks until `duration` has passed. @error kCancelled
[[nodiscard]] Result<void> sleep_for(const Context& context, Duration duration);

/// Runs `job` on the blocking pool while the calling fiber parks; inline when not on a fiber.
void run_blocking(std::function<void()> job);

/// Same with a value: `auto r = io::blocking([&] { return ::fsync(fd); });` Exceptions are
/// rethrown.
template <class F>
auto blocking(F&& job) {
  using T = std::invoke_result_t<F>;
  std::exception_ptr error;
  if constexpr (std::is_void_v<T>) {
    run_blocking([&] {
      try {
        job();
      } catch (...) {
        error = std::current_exception();
      }
    });
    if (error) std::rethrow_exception(error);
  } else {
    std::optional<T> value;
    run_blocking([&] {
      try {
        value.emplace(job());
      } catch (...) {
        error = std::current_exception();
      }
    });
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
}

}  // namespace beringia::io
