#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "io/context.h"
#include "kv/store.h"

namespace beringia::io {
class Disk;
class Runtime;
}  // namespace beringia::io

namespace beringia::audit {

/// One event, as it is recorded. docs/formats/audit.md gives the canonical JSON (OCSF names).
struct Record {
  Timestamp time;
  std::string principal;   // "" = not verified
  std::string credential;  // access key id or key id, never a secret
  std::string source_ip;
  std::string door;       // "s3", "gcs", "admin", "policy", "system"
  std::string operation;  // wire name: "PutObject", "storage.objects.insert", "move.switch"
  std::string action;     // access::Action, or "" when none was decided
  std::string path;
  std::string target_path;  // copy and rename
  uint64_t generation = 0;
  bool allowed = false;
  std::string rule;   // what decided
  int status = 0;     // protocol status; 0 for internal steps
  std::string error;  // Code word, "" = success
  uint64_t bytes = 0;
  std::string backend;  // where bytes came from or went to
  Duration latency{0};
  std::string request_id;
};

/// Canonical JSON (RFC 8785) without the leaf number; deterministic.
std::string to_canonical_json(const Record& record);

/// The stream of kv that holds records until the log has them. Mutations append to it in their own
/// commit: `batch.append(std::string{kStream}, to_canonical_json(record))`.
inline constexpr std::string_view kStream = "a";

struct LogOptions {
  std::string directory;  // tiles, checkpoint, public key
  std::string origin;     // first line of checkpoints, e.g. "beringia.local/lake"
  Duration checkpoint_interval = std::chrono::seconds{1};
  Duration read_flush_interval = std::chrono::milliseconds{100};
};

/// Moves records from kv into a C2SP tlog-tiles log with signed checkpoints. One writer.
class Log {
 public:
  static Result<std::unique_ptr<Log>> open(kv::Store& store, io::Disk& disk, io::Runtime& runtime,
                                           const LogOptions& options);
  virtual ~Log() = default;  // flushes
  /// For requests that change nothing: batched, committed within read_flush_interval (buffered
  /// durability). Never blocks; when 65,536 records wait, the call parks until there is room.
  virtual void record(const io::Context& context, Record record) = 0;
  /// Parks until all that was recorded or committed before is in a signed checkpoint.
  [[nodiscard]] virtual Result<void> flush(const io::Context& context) = 0;
  virtual uint64_t size() const = 0;  // leaves under the last checkpoint
  /// Asked before a request is let in. While the log cannot be written (full disk), requests that
  /// change something are refused; all are when no more records could be kept.
  /// @error kUnavailable (tag "audit_stopped")
  [[nodiscard]] virtual Result<void> ready(bool changes) const {
    (void)changes;
    return {};
  }
};

struct VerifyReport {
  uint64_t records = 0;
  std::string root_hash_hex;
  std::optional<uint64_t> first_damaged;  // leaf number
  std::string problem;                    // what is wrong there
};
/// Offline: needs only the directory and the public key (C2SP verifier key; default
/// directory/public-key). Checks signature, every tile, every record's JSON and its dense "seq".
/// The log is whole if `problem` is empty. A log in use may be verified.
/// @error kNotFound: there is no log; kInvalid: not a verifier key
[[nodiscard]] Result<VerifyReport> verify(
    const std::string& directory, const std::string& verifier_key,
    const std::function<void(uint64_t done, uint64_t total)>& progress);
/// Same on a disk of another kind, for simulation.
[[nodiscard]] Result<VerifyReport> verify(
    io::Disk& disk, const std::string& directory, const std::string& verifier_key,
    const std::function<void(uint64_t done, uint64_t total)>& progress);

}  // namespace beringia::audit
