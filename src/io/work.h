#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

namespace beringia::io {

/// Requests that were sent to stores that bill by call, and what they cost. Thread-safe.
struct CallTally {
  std::atomic<uint64_t> class_a{0};  // writes, lists
  std::atomic<uint64_t> class_b{0};  // reads
  std::atomic<uint64_t> free{0};     // deletes
  std::atomic<uint64_t> nano_usd{0};
};

/// Work in the background, as opposed to users' requests; a Context carries it to all that is done
/// for it, so that its calls are counted. Thread-safe.
struct Work {
  explicit Work(std::string what) : kind{std::move(what)} {}
  const std::string kind;  ///< of a closed set: "run", "lifecycle", "inventory", ...
  CallTally calls;
};

}  // namespace beringia::io
