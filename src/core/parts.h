#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "audit/audit.h"
#include "base/random.h"
#include "base/time.h"
#include "core/events.h"
#include "core/freshness.h"
#include "core/mounts.h"
#include "core/namespace.h"
#include "core/path_locks.h"
#include "core/placement.h"
#include "core/upload_slots.h"
#include "identity/key_service.h"
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
  /// Counts native objects and directories that we removed or renamed: a backend listing that was
  /// made before may still show them.
  std::atomic<uint64_t> native_removals{0};
  /// Grows before and after a claim is committed (native_claims.h); `no_claims_at` is the value at
  /// which a look found none at all, so that the next ones need not look.
  std::atomic<uint64_t> claim_changes{1};
  std::atomic<uint64_t> no_claims_at{0};
  /// Keys of encrypted entries: this server's own, and those that clients name. Null: there are
  /// none, and what needs them is kUnsupported.
  identity::KeyService* server_keys = nullptr;
  identity::KeyService* named_keys = nullptr;
  UploadSlots upload_slots;
  EventRules event_rules;
};

}  // namespace beringia::core
