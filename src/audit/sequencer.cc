#include "audit/sequencer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "audit/leaf.h"
#include "base/encoding.h"
#include "base/kill_point.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::audit {
namespace {

constexpr char kVersion = 1;
constexpr size_t kScanRows = 32;             // read at once; rows are at most 100 kB
constexpr size_t kMaxCycleRows = 4096;       // bounds the commit
constexpr uint64_t kMaxCycleLeaves = 65536;  // bounds what a crash repeats
constexpr Duration kRetryInterval = std::chrono::seconds{1};
constexpr Duration kMinInterval = std::chrono::milliseconds{200};  // between hurried checkpoints

const observe::Gauge kSize{"beringia_audit_log_records", "Records under the last checkpoint."};
const observe::Gauge kStopped{"beringia_audit_stopped",
                              "1 while the audit log cannot be written and changes are refused."};
const observe::Histogram kCycleTime{"beringia_audit_checkpoint_seconds",
                                    "Time from the first row of a cycle to its checkpoint."};

std::string stream_key(uint64_t number) {
  std::string key{kStream};
  append_be64(key, number);
  return key;
}

Error foreign(const std::string& directory, std::string why) {
  return corrupt("cannot go on with the audit log " + directory, std::move(why),
                 "restore catalog and audit log from one backup; or, to begin another log, move " +
                     directory + " and " + directory + ".key away and keep them");
}

}  // namespace

std::string encode(const Position& position) {
  std::string bytes{kVersion};
  append_be64(bytes, position.number);
  append_be64(bytes, position.size);
  append_be64(bytes, position.previous_size);
  bytes += view(position.root);
  return bytes;
}

Result<Position> decode_position(std::string_view bytes) {
  if (bytes.size() != 1 + 3 * 8 + kHashBytes || bytes[0] != kVersion) {
    return std::unexpected(corrupt("cannot read the position of the audit log",
                                   "its row is not of version " + std::to_string(kVersion)));
  }
  Position position;
  position.number = read_be64(bytes.substr(1));
  position.size = read_be64(bytes.substr(9));
  position.previous_size = read_be64(bytes.substr(17));
  std::memcpy(position.root.data(), bytes.data() + 25, kHashBytes);
  return position;
}

Result<void> begin_anew(const io::Context& context, kv::Store& store, Timestamp now) {
  BR_TRY(row, store.get(context, kPositionKey));
  if (!row) return {};
  BR_TRY(last, decode_position(*row));
  if (last.size == 0) return {};
  const std::string of_last =
      std::to_string(last.size) + " records, root hash " + to_hex(view(last.root));
  Record record;
  record.time = now;
  record.principal = "system:audit";
  record.credential = "internal";
  record.door = "system";
  record.operation = "audit.begin";
  record.path = "/";
  record.allowed = true;
  record.rule = "the last log had " + of_last;
  Position first;
  first.number = last.number;
  kv::Batch batch;
  batch.check(std::string{kPositionKey}, *row);
  batch.put(std::string{kPositionKey}, encode(first));
  batch.append(std::string{kStream}, to_canonical_json(record));
  BR_TRY(store.commit(context, std::move(batch), kv::Durability::kSync));
  observe::log_warn("audit_begun_anew", "The audit log and its key are gone; another log begins.",
                    {observe::field("last", of_last)});
  return {};
}

/// What one cycle has gathered; dropped when it fails.
struct Sequencer::Cycle {
  TreeEdge edge;
  uint64_t number = 0;
  std::vector<LogFile> full;
};

Sequencer::Sequencer(kv::Store& store, LogDirectory& directory, Signer signer,
                     const LogOptions& options, std::function<void(uint64_t)> moved)
    : store_{store},
      directory_{directory},
      signer_{std::move(signer)},
      options_{options},
      moved_{std::move(moved)} {}

Result<TreeEdge> Sequencer::load_edge() const {
  const uint64_t size = position_.size;
  std::vector<std::string> tiles;
  for (unsigned level = 0; level < kLevels && (size >> (8 * level)) > 0; ++level) {
    const uint64_t width = (size >> (8 * level)) % kTileWidth;
    tiles.emplace_back();
    if (width == 0) continue;
    BR_TRY(tile, directory_.read(tile_path(level, size >> (8 * (level + 1)), width)));
    tiles.back() = std::move(tile);
  }
  std::string bundle;
  if (size % kTileWidth != 0) {
    BR_TRY(bytes, directory_.read(bundle_path(size / kTileWidth, size % kTileWidth)));
    bundle = std::move(bytes);
  }
  auto edge = TreeEdge::restore(size, tiles, std::move(bundle));
  if (!edge || edge->root() != position_.root) {
    return std::unexpected(foreign(options_.directory, "its last tiles are not those of its tree"));
  }
  return std::move(*edge);
}

Result<void> Sequencer::load(const io::Context& context) {
  BR_TRY(row, store_.get(context, kPositionKey));
  position_ = Position{};
  if (row) {
    BR_TRY(decoded, decode_position(*row));
    position_ = decoded;
  }
  std::optional<Checkpoint> published;
  if (const auto note = directory_.read("checkpoint")) {
    auto opened = open_checkpoint(*note, signer_.verifier());
    if (!opened) return std::unexpected(std::move(opened).error());
    published = std::move(*opened);
  } else if (note.error().code() != Code::kNotFound) {
    return std::unexpected(note.error());
  }
  if (published && published->size > position_.size) {
    return std::unexpected(foreign(options_.directory, "the catalog is older than the log"));
  }
  if (!published && position_.previous_size > 0) {
    return std::unexpected(foreign(options_.directory, "its checkpoint is gone"));
  }
  auto edge = load_edge();
  if (!edge) {
    if (edge.error().code() != Code::kNotFound) return std::unexpected(std::move(edge).error());
    return std::unexpected(foreign(options_.directory, edge.error().to_string()));
  }
  edge_ = std::move(*edge);
  directory_.remove_outdated(position_.previous_size, position_.size);
  directory_.remove_strays(position_.size);
  if (!published || published->size != position_.size || published->root != position_.root) {
    BR_TRY(publish(context));
  }
  size_ = position_.size;
  kSize.set(static_cast<int64_t>(position_.size));
  moved_(position_.number);
  loaded_ = true;
  return {};
}

Result<void> Sequencer::publish(const io::Context& context) {
  BR_TRY(note, signer_.sign(to_text({signer_.verifier().name(), position_.size, position_.root})));
  return directory_.write(context, {{"checkpoint", std::move(note)}});
}

/// Adds the next rows to the cycle. @return false: there are none
Result<bool> Sequencer::take_rows(const io::Context& context, Cycle& cycle) {
  BR_TRY(rows,
         store_.scan(context, stream_key(cycle.number + 1), stream_key(UINT64_MAX), kScanRows));
  for (const auto& row : rows) {
    if (row.key != stream_key(++cycle.number)) {
      return std::unexpected(corrupt("cannot move records to the audit log",
                                     "row " + std::to_string(cycle.number) + " is missing"));
    }
  }
  if (rows.empty()) return false;
  io::blocking([&] {
    for (const auto& row : rows) {
      std::string_view rest = row.value;
      while (!rest.empty()) {
        const size_t end = std::min(rest.find(kRecordSeparator), rest.size());
        cycle.edge.append(with_sequence(rest.substr(0, end), cycle.edge.size()), cycle.full);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
  });
  if (cycle.full.size() < 2 * kScanRows) return true;
  BR_TRY(directory_.write(context, cycle.full));
  cycle.full.clear();
  return true;
}

Result<void> Sequencer::commit(const io::Context& context, Cycle& cycle) {
  std::vector<LogFile> files = std::move(cycle.full);
  for (auto& file : cycle.edge.partial_files(edge_)) files.push_back(std::move(file));
  BR_TRY(directory_.write(context, files));
  BR_KILL_POINT("audit.tiles_written");
  const Position next{cycle.number, cycle.edge.size(), position_.size, cycle.edge.root()};
  kv::Batch batch;
  batch.check(std::string{kPositionKey},
              position_.number > 0 ? std::optional{encode(position_)} : std::nullopt);
  batch.put(std::string{kPositionKey}, encode(next));
  for (uint64_t n = position_.number + 1; n <= cycle.number; ++n) batch.remove(stream_key(n));
  BR_TRY(store_.commit(context, std::move(batch), kv::Durability::kSync));
  BR_KILL_POINT("audit.position_committed");
  position_ = next;
  return {};
}

Result<bool> Sequencer::move_rows(const io::Context& context) {
  if (!loaded_) BR_TRY(load(context));
  const MonotonicTime begun = io::now();
  Cycle cycle{edge_, position_.number, {}};
  while (cycle.number - position_.number + kScanRows <= kMaxCycleRows &&
         cycle.edge.size() - position_.size < kMaxCycleLeaves) {
    BR_TRY(more, take_rows(context, cycle));
    if (!more) break;
  }
  if (cycle.number == position_.number) return false;
  loaded_ = false;  // a failure from here on is repaired from what the disk then holds
  BR_TRY(commit(context, cycle));
  BR_TRY(publish(context));
  BR_KILL_POINT("audit.checkpoint_published");
  const auto kept = cycle.edge.partial_paths();
  for (const auto& path : edge_.partial_paths()) {
    if (std::ranges::find(kept, path) == kept.end()) directory_.remove_partial(path);
  }
  edge_ = std::move(cycle.edge);
  loaded_ = true;
  size_ = position_.size;
  kSize.set(static_cast<int64_t>(position_.size));
  moved_(position_.number);
  kCycleTime.observe(std::chrono::duration<double>(io::now() - begun).count());
  return true;
}

/// A context whose wait ends at flush() and stop(), and at hurry() when that shall count.
io::Context Sequencer::wait_context(bool hurry_counts) {
  std::lock_guard lock{mutex_};
  wake_ = std::make_shared<io::CancelToken>();
  wakes_for_hurry_ = hurry_counts;
  if (stopping_ || asked_ > answered_ || (hurry_counts && hurry_)) wake_->cancel();
  return io::Context{}.with_cancel(wake_);
}

/// Until a row is there and a checkpoint is due, or somebody cannot wait for it.
void Sequencer::wait_for_rows() {
  const std::string stream{kStream};
  const io::Context context = wait_context(true);
  if (stopped_) {
    (void)io::sleep_for(context, kRetryInterval);
    return;
  }
  const auto arrived = store_.wait_appended(context, stream, position_.number);
  if (!arrived && !context.cancel()->cancelled()) {
    (void)io::sleep_for(context, kRetryInterval);  // the catalog refuses changes
    return;
  }
  // The next checkpoint: after the interval, or when many records wait.
  const io::Context due =
      wait_context(true).with_deadline(published_ + options_.checkpoint_interval);
  (void)store_.wait_appended(due, stream, position_.number + kHurryRecords);
  {
    std::lock_guard lock{mutex_};
    hurry_ = false;
  }
  const Duration least = std::min(kMinInterval, options_.checkpoint_interval);
  const Duration left = published_ + least - io::now();
  if (left.count() > 0) (void)io::sleep_for(wait_context(false), left);
}

void Sequencer::run() {
  for (;;) {
    wait_for_rows();
    if (io::crashed()) return;
    uint64_t ticket = 0;
    bool last = false;
    {
      std::lock_guard lock{mutex_};
      ticket = asked_;
      last = stopping_;
    }
    auto moved = move_rows(io::Context{});
    while (moved && *moved && (last || ticket > answered_)) moved = move_rows(io::Context{});
    published_ = io::now();
    settle(moved, ticket);
    if (last || io::crashed()) return;
  }
}

/// Tells the waiters of flush() and the metrics how a cycle went.
void Sequencer::settle(const Result<bool>& moved, uint64_t ticket) {
  std::lock_guard lock{mutex_};
  if (!moved && !stopped_ && !io::crashed()) {
    observe::log_error("audit_stopped", "The audit log cannot be written; changes are refused.",
                       {observe::field("why", moved.error().to_string())});
  }
  if (moved && stopped_) {
    observe::log_info("audit_resumed", "The audit log is written again.");
  }
  error_ = moved ? std::nullopt : std::optional{moved.error()};
  stopped_ = !moved;
  kStopped.set(moved ? 0 : 1);
  answered_ = std::max(answered_, ticket);
  flushed_.notify_all();
}

Result<void> Sequencer::flush(const io::Context& context) {
  std::unique_lock lock{mutex_};
  const uint64_t ticket = ++asked_;
  if (wake_) wake_->cancel();
  while (answered_ < ticket) BR_TRY(flushed_.wait(context, lock));
  if (error_) return std::unexpected(*error_);
  return {};
}

void Sequencer::hurry() {
  std::lock_guard lock{mutex_};
  hurry_ = true;
  if (wake_ && wakes_for_hurry_) wake_->cancel();
}

void Sequencer::stop() {
  std::lock_guard lock{mutex_};
  stopping_ = true;
  if (wake_) wake_->cancel();
}

std::optional<Error> Sequencer::why_stopped() const {
  std::lock_guard lock{mutex_};
  return error_;
}

}  // namespace beringia::audit
