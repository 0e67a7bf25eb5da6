#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backend/backend.h"
#include "base/checksum.h"
#include "core/keeping.h"
#include "core/mounts.h"
#include "core/namespace.h"
#include "core/parts.h"
#include "core/path_locks.h"
#include "core/reconcile.h"

namespace beringia::core {

/// Where a write goes: found before the body, checked again under the lock.
struct WriteTarget {
  std::shared_ptr<const Mounts> mounts;  // owners: the table and requests under way
  const LiveMount* mount = nullptr;
  LiveLocation place;
  std::string storage_class;
  std::string native_name;
  meta::Location before;  // as seen without the lock
};

/// @error kNotFound (tag "no_bucket"), kInvalid (reserved name), kDenied (read-only mount),
///        kUnavailable
[[nodiscard]] Result<WriteTarget> find_target(const io::Context& context, Namespace::Parts& parts,
                                              const Grant& grant, const std::string& storage_class);

/// The second half of every verb that makes new bytes visible (write, copy, compose, complete):
/// lock -> look again -> conditions -> intent -> (backend publishes) -> one commit.
/// docs/life-of-a-put. Used by one fiber; holds the path's lock from lock() to its end.
class Publication {
 public:
  /// Rows that belong to the same commit; called again when the commit is tried again. An error
  /// with tag kTakeBack takes the published bytes back.
  using Extra = std::function<Result<void>(kv::Batch&)>;
  /// What else has a part in the change: another path that is locked too (a rename's source), a
  /// last check under the locks, and rows for the commit. All may be empty.
  struct Company {
    std::optional<Path> path;
    std::function<Result<void>()> check;
    Extra rows;
    Keeping* keeping = nullptr;  // of the other path's generation; filled before `rows` is called
  };

  Publication(const io::Context& context, Namespace::Parts& parts, const Grant& grant,
              WriteTarget target);

  const std::string& write_id() const { return write_id_; }
  /// Uploads: the upload's id is the write's id, so that recovery finds its rows.
  void use_write_id(std::string id) { write_id_ = std::move(id); }
  /// Part of a rename: recovery finishes it only together with the removal of `source`.
  void renames(const Company& company) {
    source_ = company.path;
    source_keeping_ = company.keeping;
  }
  /// Takes the lock (and the company's), revalidates, checks the conditions.
  /// @error as check_conditions, kConflict
  [[nodiscard]] Result<void> lock(const Conditions& conditions, const Company& company);
  /// Adopts a lock that the caller took (copy locks two paths).
  [[nodiscard]] Result<void> locked_by(PathLocks::Guard guard, const Conditions& conditions);
  /// The entry as it is now, under the lock.
  const meta::Location& location() const { return location_; }
  /// Completes `record` (generation, write id, owner, times), writes the intent, and answers what
  /// the backend must attach and insist on.
  [[nodiscard]] Result<backend::Seal> intend(meta::EntryRecord record);
  /// Instead of intend(): what is published is an older generation, as it was.
  /// @param drops  the generation that goes for good (0: none is left that is current)
  [[nodiscard]] Result<backend::Expectation> intend_back(meta::EntryRecord record, uint64_t drops);
  /// The backend has published `info`: commits. `extra` adds rows to the same commit.
  [[nodiscard]] Result<Entry> commit(const backend::CopyInfo& info, const Extra& extra = {});
  /// The backend failed: drops the intent, or, when the write may have been applied, looks and
  /// commits what is ours. @return the entry, or `error`
  [[nodiscard]] Result<Entry> recover(Error error, const Extra& extra = {});
  const WriteTarget& target() const { return target_; }
  /// What notifications say of it; else kWritten.
  void tells(wire::EventKind event) { event_ = event; }

 private:
  Result<void> look_again(const Conditions& conditions);
  Result<void> commit_once(const Extra& extra);
  Result<void> resolve_again();
  Error not_kept(Error error);
  Result<backend::Expectation> put_intent(meta::IntentRecord intent, bool durable);
  void doom_others(kv::Batch& batch);
  void append_events(kv::Batch& batch);
  void give_up();
  Result<void> give_up_once(std::vector<meta::DoomedCopy>& doomed);
  Error lost_race(const backend::CopyInfo& info, Error error);
  void follow_native();

  const io::Context& context_;
  Namespace::Parts& parts_;
  const Grant& grant_;
  WriteTarget target_;
  std::string write_id_;
  std::optional<Path> source_;
  Keeping* source_keeping_ = nullptr;
  Keeping keeping_;
  bool brings_back_ = false;
  wire::EventKind event_ = wire::EventKind::kWritten;
  Timestamp now_;
  std::vector<meta::DoomedCopy> doomed_;  // by the commit
  PathLocks::Guard guard_;
  PathLocks::Guard company_guard_;
  meta::Location location_;
  meta::EntryRecord record_;
  bool intended_ = false;
  bool expected_absent_ = false;
};

/// Counts, hashes and hands on a body.
class DigestSource final : public io::ByteSource {
 public:
  explicit DigestSource(io::ByteSource& inner);
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override { return inner_.remaining(); }
  uint64_t size() const { return size_; }
  uint32_t crc32c() const { return crc32c_.value(); }
  const std::string& md5();  // after the end
  /// @error kInvalid, tags "size_mismatch", "checksum_mismatch"
  [[nodiscard]] Result<void> check(const ExpectedBody& expected);

 private:
  io::ByteSource& inner_;
  uint64_t size_ = 0;
  Crc32c crc32c_;
  Digest md5_{Digest::Kind::kMd5};
  std::string md5_value_;
};

/// Tag of an Extra's error that means: the published bytes must be taken back.
inline constexpr std::string_view kTakeBack = "take_back";

/// A record with the given attributes and body facts.
meta::EntryRecord make_record(const WriteAttributes& attributes, uint64_t size, uint32_t crc32c,
                              std::optional<std::string> md5);

/// Makes `record` say of its bytes what `source` says of the same ones: sizes, checksums,
/// encryption.
void take_bytes_of(const meta::EntryRecord& source, meta::EntryRecord& record);

/// The native object that a write of `location` to the target must find.
[[nodiscard]] Result<backend::Expectation> expectation_of(const io::Context& context,
                                                          Namespace::Parts& parts,
                                                          const WriteTarget& target,
                                                          const meta::Location& location);

/// Creation time of the directories that a write of `location` makes: 0 when nobody has looked yet
/// what lies natively in their parent, so that they count as unknown themselves.
[[nodiscard]] Result<Timestamp> birth_of_directories(const io::Context& context,
                                                     Namespace::Parts& parts, const Mounts& mounts,
                                                     const LiveMount& mount,
                                                     const meta::Location& location, Timestamp now);

/// The write verb, with company.
[[nodiscard]] Result<Entry> write_entry(const io::Context& context, Namespace::Parts& parts,
                                        const Grant& grant, const WriteRequest& request,
                                        const Publication::Company& company);

/// The copy verb, with company (rename removes the source in its commit).
[[nodiscard]] Result<Entry> copy_entry(Namespace& names, const io::Context& context,
                                       Namespace::Parts& parts, const Grant& from, const Grant& to,
                                       const CopyRequest& request,
                                       const Publication::Company& company);

/// Bound of repeating a commit while siblings make or drop the parent directory.
inline constexpr int kMaxCommitAttempts = 32;

}  // namespace beringia::core
