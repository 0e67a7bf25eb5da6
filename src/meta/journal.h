#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "io/context.h"
#include "kv/store.h"
#include "meta/keys.h"
#include "meta/records.h"

namespace beringia::meta {

// Plain table access over kv for everything that is not the tree. Thread-safe, no state.

[[nodiscard]] Result<std::vector<IntentRecord>> all_intents(const io::Context& context,
                                                            kv::Store& store);
[[nodiscard]] Result<std::optional<OutcomeRecord>> outcome(const io::Context& context,
                                                           kv::Store& store, const std::string& id);
[[nodiscard]] Result<std::optional<UploadRecord>> find_upload(const io::Context& context,
                                                              kv::Store& store,
                                                              const std::string& id);
[[nodiscard]] Result<std::vector<UploadRecord>> all_uploads(const io::Context& context,
                                                            kv::Store& store);
[[nodiscard]] Result<std::vector<PartRecord>> parts_of(const io::Context& context, kv::Store& store,
                                                       const std::string& id);
/// Adds the removal of an upload and the given parts.
void remove_upload(kv::Batch& batch, const std::string& id, const std::vector<PartRecord>& parts);

[[nodiscard]] Result<std::optional<RunRecord>> find_run(const io::Context& context,
                                                        kv::Store& store, const std::string& id);
[[nodiscard]] Result<std::vector<RunRecord>> all_runs(const io::Context& context, kv::Store& store);
struct NumberedMove {
  uint64_t seq = 0;
  MoveRecord move;
};
/// Moves of a run with seq > after, in order.
[[nodiscard]] Result<std::vector<NumberedMove>> moves_of(const io::Context& context,
                                                         kv::Store& store, const std::string& run,
                                                         uint64_t after, size_t limit);

/// Native objects to delete later, conditional on their version (delayed delete).
struct DoomedCopy {
  Timestamp due;
  BackendId backend = 0;
  std::string native_name;
  std::string version;
};
void doom(kv::Batch& batch, const DoomedCopy& copy);
void forgive(kv::Batch& batch, const DoomedCopy& copy);
[[nodiscard]] Result<std::vector<DoomedCopy>> doomed_until(const io::Context& context,
                                                           kv::Store& store, Timestamp until,
                                                           size_t limit);
/// Drops outcomes older than 24 h and feed rows beyond the last 100,000; those that a notification
/// target has not read yet stay, up to the last `rows_for_targets`. Bounded work per call.
inline constexpr uint64_t kFeedRowsForTargets = 1'000'000;
[[nodiscard]] Result<void> trim_history(const io::Context& context, kv::Store& store, Timestamp now,
                                        const std::vector<std::string>& targets = {},
                                        uint64_t rows_for_targets = kFeedRowsForTargets);
void append_feed(kv::Batch& batch, const FeedRecord& record);
struct NumberedFeed {
  uint64_t number = 0;
  FeedRecord record;
};
[[nodiscard]] Result<std::vector<NumberedFeed>> feed_after(const io::Context& context,
                                                           kv::Store& store, uint64_t number,
                                                           size_t limit);

}  // namespace beringia::meta
