#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "audit/audit.h"
#include "audit/log_directory.h"
#include "audit/merkle.h"
#include "audit/note.h"
#include "base/error.h"
#include "io/context.h"
#include "io/runtime.h"
#include "io/sync.h"
#include "kv/store.h"

namespace beringia::audit {

/// How far the log has come; one row of the catalog and the truth about it.
struct Position {
  uint64_t number = 0;         // of the stream's last row that is in the tree
  uint64_t size = 0;           // leaves of the tree
  uint64_t previous_size = 0;  // before the last cycle: its partial files may be left
  Hash root = tree_hash({});
};
std::string encode(const Position& position);
[[nodiscard]] Result<Position> decode_position(std::string_view bytes);
/// Begins another log at leaf 0, after the stream's rows that the last one has; a record in it
/// tells of the last one. For a log whose directory and key were taken away.
[[nodiscard]] Result<void> begin_anew(const io::Context& context, kv::Store& store, Timestamp now);
/// 'A' 'p'
inline constexpr std::string_view kPositionKey = "Ap";
/// Separates the records of one row of the stream. Canonical JSON holds no newline.
inline constexpr char kRecordSeparator = '\n';

/// So many records make a checkpoint due before its interval is over.
inline constexpr uint64_t kHurryRecords = 1000;

/// Moves rows of the stream into the tree. A cycle: write and sync full and partial tiles; commit,
/// synced, the new position and the removal of the rows; publish the signed checkpoint. A crash
/// before the commit repeats the same leaves in the same place; after it, the checkpoint is made
/// again from the position. The commit also makes earlier buffered rows durable, so that no
/// checkpoint tells of a record that a power loss takes back. One writer: one fiber runs it.
class Sequencer {
 public:
  /// `moved(n)` is told that the stream's rows up to n are under a checkpoint.
  Sequencer(kv::Store& store, LogDirectory& directory, Signer signer, const LogOptions& options,
            std::function<void(uint64_t)> moved);

  /// Reads the position and the tree's edge; publishes the checkpoint if a crash prevented it.
  /// @error kCorrupt: files and catalog do not belong together
  [[nodiscard]] Result<void> load(const io::Context& context);
  /// The fiber's body: until stop() or a simulated crash.
  void run();

  /// Parks until every row that is committed now is under a checkpoint.
  /// @error kUnavailable: the log cannot be written
  [[nodiscard]] Result<void> flush(const io::Context& context);
  /// Begins a cycle soon instead of at the end of the interval.
  void hurry();
  /// run() moves what is there and returns.
  void stop();

  uint64_t size() const { return size_.load(std::memory_order_relaxed); }
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  std::optional<Error> why_stopped() const;

 private:
  struct Cycle;
  /// @return false: there was nothing to move
  Result<bool> move_rows(const io::Context& context);
  Result<bool> take_rows(const io::Context& context, Cycle& cycle);
  Result<void> commit(const io::Context& context, Cycle& cycle);
  Result<void> publish(const io::Context& context);
  Result<TreeEdge> load_edge() const;
  void wait_for_rows();
  io::Context wait_context(bool hurry_counts);
  void settle(const Result<bool>& moved, uint64_t ticket);

  kv::Store& store_;
  LogDirectory& directory_;
  const Signer signer_;
  const LogOptions options_;
  const std::function<void(uint64_t)> moved_;

  // Of the fiber.
  Position position_;
  TreeEdge edge_;
  bool loaded_ = false;
  MonotonicTime published_{0};

  std::atomic<uint64_t> size_{0};
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;  // guards what follows
  std::optional<Error> error_;
  uint64_t asked_ = 0;     // flushes asked for
  uint64_t answered_ = 0;  // of these, done or failed
  bool stopping_ = false;
  bool hurry_ = false;
  bool wakes_for_hurry_ = false;
  std::shared_ptr<io::CancelToken> wake_;  // owners: this and the context of a wait
  io::WaitQueue flushed_;
};

}  // namespace beringia::audit
