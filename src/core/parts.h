#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "audit/audit.h"
#include "base/random.h"
#include "base/time.h"
#include "core/freshness.h"
#include "core/mounts.h"
#include "core/namespace.h"
#include "core/path_locks.h"
#include "core/placement.h"
#include "kv/store.h"
#include "meta/tree.h"

namespace beringia::core {

/// What the verbs of the namespace work on. Built once by app (or a test), outlives everything that
/// uses it. References are to thread-safe objects; the mutable state is that of the members here.
struct Namespace::Parts {
  kv::Store& store;
  meta::Tree& tree;
  meta::GenerationClock& generations;
  const MountTable& mounts;
  const Clock& clock;
  Rng& rng;
  const PlacementChooser& chooser;
  uint64_t boot = 0;  ///< number of this process run; intents of other runs are to be recovered

  PathLocks locks;
  OpenReads open_reads;
  FreshnessState freshness;
  /// Intents of this run whose outcome could not be told (backend unreachable): the janitor looks
  /// again. Counts them for metrics.
  std::atomic<uint64_t> unsettled_intents{0};
};

}  // namespace beringia::core
